"""Refusals over HTTP: RFC 9457 problem details, one shape and one table.

Every body of an error is a Problem, whoever found the error: a rule of ours, the
framework, or the server before anything was read. ``code`` is stable; texts may
improve. What is not in the table is a mistake of ours: 500, told to the log by
the request's id, and to the caller by nothing else (docs/rules/R-10.md).
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.json import Encoder

from detente import errors
from detente.doors.asgi_challenge import challenge
from detente.errors import DetenteError, MalformedInput, Unavailable, sentence

MEDIA_TYPE = "application/problem+json"

F3548_PATHS = ("/dss/", "/uss/")
"""Below them every refusal has F3548's form: of the server, the framework and the door."""

TAXII_PATH = "/taxii2"
TAXII_MEDIA_TYPE = "application/taxii+json;version=2.1"
"""There every body, of a refusal too, is of this type, and a refusal has TAXII's own form."""

RETRY_AFTER_S = 1
"""What a caller is told who comes too soon, or while a store is away: a worker that
was killed is back within it, and limits are counted by the second."""


class Row(Struct, frozen=True, kw_only=True):
    """How one kind of refusal is told over HTTP."""

    status: int
    title: str
    headers: tuple[tuple[str, str], ...] = ()


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error.

    ``type`` leads to the words on this code, ``request_id`` to the node's own log.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    what: str = ""
    expected: str = ""
    got: str = ""
    request_id: str = ""


class Refused(DetenteError):
    """A refusal that only HTTP knows, by its code in the table."""

    def __init__(self, code: str, what: str, *, expected: str = "", got: str = "") -> None:
        self.code = code  # type: ignore[misc] # one class for the codes of HTTP alone
        super().__init__(what, expected=expected, got=got)


_RETRY = (("retry-after", str(RETRY_AFTER_S)),)

TABLE: dict[str, Row] = {
    "malformed_input": Row(status=400, title="Malformed input"),
    "not_authentic": Row(
        status=401, title="Not authentic", headers=(("www-authenticate", "Bearer"),)
    ),
    "not_permitted": Row(status=403, title="Not permitted"),
    "not_found": Row(status=404, title="Not found"),
    "method_not_allowed": Row(status=405, title="Method not allowed"),
    "not_acceptable": Row(status=406, title="Not acceptable"),
    "too_slow": Row(status=408, title="Too slow"),
    "conflict": Row(status=409, title="Conflict"),
    "in_force": Row(status=409, title="Still in force"),
    "budget_spent": Row(status=409, title="Budget spent"),
    "unaware": Row(status=409, title="Unaware"),
    "stale": Row(status=412, title="Stale"),
    "too_large": Row(status=413, title="Too large"),
    "unsupported_media_type": Row(status=415, title="Unsupported media type"),
    "token_required": Row(status=428, title="Version token required"),
    "rate_limited": Row(status=429, title="Too many requests", headers=_RETRY),
    "head_too_large": Row(status=431, title="Head too large"),
    "internal": Row(status=500, title="Internal error"),
    "log_inconsistent": Row(status=500, title="Record inconsistent"),
    "outcome_unknown": Row(status=503, title="Outcome unknown", headers=_RETRY),
    "unavailable": Row(status=503, title="Unavailable", headers=_RETRY),
}
"""Code -> status and title. The codes of detente.errors are all here, and those of HTTP."""

MEANINGS: dict[str, str] = {
    "rate_limited": "Too much in too little time.",
    "outcome_unknown": "The store fell silent during a commit: all of it is kept, or nothing.",
    **{
        one.code: (one.__doc__ or "").partition("\n")[0]
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, DetenteError) and one is not DetenteError
    },
    "unaware": "A plan meets entries whose version tokens were not shown; `missing` names all.",
    "budget_spent": "The day's area of questions about what others withhold is spent.",
    "token_required": "What would be changed must be named by the version token that was seen.",
    "method_not_allowed": "The path is known, and this method is not one of its own.",
    "not_acceptable": "No form of the answer that the caller would take.",
    "too_slow": "The request did not arrive within its time.",
    "too_large": "The body is longer than this route takes.",
    "unsupported_media_type": "The body is of a kind that this route does not read.",
    "head_too_large": "The request line and headers are longer than the node takes.",
    "internal": "A mistake of the node's own; its log holds it under the request's id.",
}
"""Code -> what it means, for the page and the documentation."""

_BY_STATUS = {row.status: code for code, row in TABLE.items()}
_BY_STATUS[HTTPStatus.INTERNAL_SERVER_ERROR] = "internal"
_BY_STATUS[HTTPStatus.SERVICE_UNAVAILABLE] = "unavailable"
_BY_STATUS[HTTPStatus.CONFLICT] = "conflict"
_ENCODER = Encoder()
T = TypeVar("T")


def code_of_status(status: int) -> str:
    """The code for an error of which only the status is known."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return "internal" if server else "malformed_input"


def problem_of(error: BaseException, request_id: str = "") -> Problem:
    """What a caller is told of an exception; of an unexpected one, only that there was one."""
    if is_too_deep(error):
        error = too_deep("body")
    if not isinstance(error, DetenteError) or error.code not in TABLE:
        return problem("internal", request_id=request_id)
    return problem(error.code, error=error, request_id=request_id)


def problem(code: str, *, error: DetenteError | None = None, request_id: str = "") -> Problem:
    """The body for a code of the table."""
    row = TABLE[code]
    told = Problem(
        type=f"/docs/errors#{code}",
        title=row.title,
        status=row.status,
        code=code,
        detail=MEANINGS[code],
        request_id=request_id,
    )
    if error is None:
        return told
    got = "" if isinstance(error, Unavailable) else error.got
    return msgspec.structs.replace(
        told, detail=told_of(error), what=error.what, expected=error.expected, got=got
    )


def told_of(error: DetenteError) -> str:
    """An error as a caller is told of it.

    Why a store could not be asked names its server; that is for the log.
    """
    if isinstance(error, Unavailable):
        return sentence(error.what, error.expected)
    return str(error)


def body(told: Problem, members: Mapping[str, object] | None = None) -> bytes:
    """The bytes of a problem; ``members`` are what its kind adds (RFC 9457, 3.2)."""
    if not members:
        return _ENCODER.encode(told)
    return _ENCODER.encode({**members, **msgspec.to_builtins(told)})


def spoken(
    path: str, told: Problem, members: Mapping[str, object] | None = None
) -> tuple[bytes, bytes]:
    """The body of a refusal and its media type, as the door has them that was asked.

    Source: RFC 9457; below F3548_PATHS, ErrorResponse of ASTM F3548-21's OpenAPI; below
        TAXII_PATH, the Error Message of TAXII 2.1 section 3.6.
    """
    if path == TAXII_PATH or path.startswith(f"{TAXII_PATH}/"):
        return _ENCODER.encode(_taxii(told)), TAXII_MEDIA_TYPE.encode()
    if path.startswith(F3548_PATHS):
        return _ENCODER.encode({"message": told.detail}), b"application/json"
    return body(told, members), MEDIA_TYPE.encode()


def _taxii(told: Problem) -> dict[str, str]:
    """A refusal in TAXII's words; ``error_code`` is the problem's code."""
    return {
        "title": told.title,
        "description": told.detail,
        "error_code": told.code,
        "http_status": str(told.status),
        **({"error_id": told.request_id} if told.request_id else {}),
        "external_details": told.type,
    }


def members_of(error: BaseException) -> Mapping[str, object]:
    """What a kind of refusal adds to its problem, such as all that is missing."""
    found: Mapping[str, object] = getattr(error, "members", {})
    return found


def headers_of(code: str, error: BaseException | None = None) -> list[tuple[str, str]]:
    """What goes with the status: when to come again, how to prove who one is."""
    found = dict(TABLE[code].headers)
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        found["retry-after"] = str(retry_after_s)
    asked = challenge(error)
    if asked is not None:
        found["www-authenticate"] = asked
    return list(found.items())


def decode(decoder: msgspec.json.Decoder[T], data: bytes, *, what: str = "body") -> T:
    """Decode what came in, and complain in our words.

    Raises:
        MalformedInput: Not JSON, not of the decoder's type, or nested deeper than
            any decoder follows (some 1,000 levels; nothing that we read comes near).
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise validation_error(str(error), what=what) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedInput(what, expected="JSON", got=f"{error}") from None
    except RecursionError:
        raise too_deep(what) from None


def validation_error(said: str, *, what: str) -> MalformedInput:
    """A sentence of msgspec, such as "Expected `int`, got `str` - at `$.port`", as ours."""
    said, _, place = said.partition(" - at `$")
    words = re.fullmatch(r"Expected (.*), got (.*)", said)
    where = place.rstrip("`").lstrip(".") or what
    if words is None:
        return MalformedInput(where, got=said)
    return MalformedInput(where, expected=words[1], got=words[2])


def too_deep(what: str) -> MalformedInput:
    """JSON nested so deep that the decoder gave up."""
    return MalformedInput(what, expected="JSON of moderate depth", got="too many levels")


def is_too_deep(error: BaseException) -> bool:
    """Whether a decoder gave up; a function of ours that never ends says it otherwise."""
    return isinstance(error, RecursionError) and "deserializing" in str(error)
