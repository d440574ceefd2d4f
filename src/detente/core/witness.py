"""Witness: what it cosigns, what it refuses, and what the log makes of the answer.

A witness remembers of each log the last checkpoint that it cosigned, and cosigns
the next only if that one grew into it. So a log that shows different records to
different people finds nobody to cosign both.

The witness: ``parse_request``; under one lock or in one transaction read what was
last seen of ``request.checkpoint.origin``, ``decide``, and write what was decided;
once that is on disk, and not before, ``answer``. Else of two requests at once the
older could be written last, and the witness would forget what it cosigned.

The log: ``render_request``, send, ``read_answer``.

Source: C2SP tlog-witness, "add-checkpoint"; tlog-cosignature; docs/adr/0018.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum, StrEnum
from types import MappingProxyType

from msgspec import Struct

from detente.core.checkpoint import Checkpoint, parse_checkpoint
from detente.core.lines import to_base64, to_hashes, to_size, to_text
from detente.core.merkle import EMPTY_ROOT, verify_consistency
from detente.core.note import (
    NOTE_BYTES_MAX,
    Note,
    SignatureLine,
    Verified,
    parse_note,
    parse_signatures,
    render_note,
    render_signatures,
    sign,
    verify_note,
    verify_signatures,
)
from detente.core.note_key import Signer, VerifierKey
from detente.errors import DetenteError, LogInconsistent, MalformedInput, NotAuthentic

REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 4096
"""A checkpoint, and at most 63 hashes of 45 bytes."""

SIZE_TYPE = "text/x.tlog.size"
"""The media type of a refusal that says which size was cosigned last."""

TEXT_TYPE = "text/plain; charset=utf-8"


class Status(IntEnum):
    """The HTTP status codes that tlog-witness gives a meaning."""

    COSIGNED = 200
    MALFORMED = 400
    NOT_SIGNED = 403
    UNKNOWN_LOG = 404
    CONFLICT = 409
    NOT_CONSISTENT = 422


class Request(Struct, frozen=True, kw_only=True):
    """A log's request to cosign a checkpoint.

    Attributes:
        old_size: Of the checkpoint that the witness cosigned last, so the log thinks.
        proof: That the tree of that size became this one; 32 bytes each.
        note: The checkpoint as it was signed.
        checkpoint: What the note says.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


class Seen(Struct, frozen=True, kw_only=True):
    """What a witness remembers of a log: the last checkpoint that it cosigned."""

    size: int
    root: bytes


NOTHING_SEEN = Seen(size=0, root=EMPTY_ROOT)
"""Of a log that the witness never cosigned."""


class Cosigned(Struct, frozen=True, kw_only=True):
    """The witness cosigns.

    Attributes:
        seen: To be on disk before anyone is answered.
        lines: The cosignatures.
    """

    seen: Seen
    lines: tuple[SignatureLine, ...]


class Refused(Struct, frozen=True, kw_only=True):
    """The witness does not cosign.

    Attributes:
        status: Why, as HTTP says it.
        reason: The same for people.
        size: Where the log was wrong about it: the size that was cosigned last.
    """

    status: Status
    reason: str
    size: int | None = None


Decision = Cosigned | Refused


class Answer(Struct, frozen=True, kw_only=True):
    """An answer as HTTP carries it."""

    status: int
    content_type: str
    body: bytes


def parse_request(body: bytes) -> Request:
    """Take a request apart; nothing in it is verified here (``decide``).

    Raises:
        MalformedInput: Larger than REQUEST_BYTES_MAX, or not a request: Status.MALFORMED.
    """
    text = to_text(body, what="request", bytes_max=REQUEST_BYTES_MAX)
    head, blank, rest = text.partition("\n\n")
    old, *hashes = head.split("\n")
    if not blank or not old.startswith("old "):
        raise MalformedInput("request", expected="old SIZE, hashes, a blank line, a checkpoint")
    note = parse_note(rest.encode())
    return Request(
        old_size=to_size(old.removeprefix("old "), what="old size"),
        proof=to_hashes(hashes, what="consistency proof"),
        note=note,
        checkpoint=parse_checkpoint(note.text),
    )


def request_for(note: Note, *, old_size: int, proof: Sequence[bytes]) -> Request:
    """A request to cosign a checkpoint.

    Raises:
        MalformedInput: The note is not that of a checkpoint.
    """
    return Request(
        old_size=old_size, proof=tuple(proof), note=note, checkpoint=parse_checkpoint(note.text)
    )


def render_request(request: Request) -> bytes:
    """The body of a request."""
    lines = [f"old {request.old_size}", *map(to_base64, request.proof), "", ""]
    return "\n".join(lines).encode() + render_note(request.note)


def decide(
    request: Request,
    *,
    logs: Mapping[str, Sequence[VerifierKey]],
    seen: Seen,
    signers: Sequence[Signer],
    timestamp: int,
) -> Decision:
    """Cosign a checkpoint, or say why not.

    The same checkpoint may be cosigned again: its cosignature is then newer.

    Args:
        request: From ``parse_request``.
        logs: The keys of each known log, by its origin.
        seen: What was cosigned last for this origin; else NOTHING_SEEN.
        signers: The witness's own, from ``cosigner``.
        timestamp: Seconds since 1970, UTC.

    Returns:
        What to remember and to answer, or the refusal.

    Raises:
        MalformedInput: Two keys of the log share name and id.
    """
    checkpoint = request.checkpoint
    refused = _refuse_signature(request, logs) or _refuse_growth(request, seen)
    if refused is not None:
        return refused
    try:
        lines = tuple(sign(one, request.note.text, timestamp=timestamp) for one in signers)
    except MalformedInput as error:
        # Extension lines, which an ML-DSA-44 cosignature would leave unsigned.
        return Refused(status=Status.MALFORMED, reason=str(error))
    return Cosigned(seen=Seen(size=checkpoint.size, root=checkpoint.root), lines=lines)


def _refuse_signature(
    request: Request, logs: Mapping[str, Sequence[VerifierKey]]
) -> Refused | None:
    keys = logs.get(request.checkpoint.origin)
    if not keys:
        return Refused(status=Status.UNKNOWN_LOG, reason="log: expected a known origin")
    try:
        verify_note(request.note, keys)
    except NotAuthentic as error:
        return Refused(status=Status.NOT_SIGNED, reason=str(error))
    return None


def _refuse_growth(request: Request, seen: Seen) -> Refused | None:
    """Why this checkpoint is not what the last one grew into; in tlog-witness's order."""
    old, new = request.old_size, request.checkpoint
    if old > new.size:
        return Refused(
            status=Status.MALFORMED, reason=f"old size: expected at most {new.size}, got {old}"
        )
    if old != seen.size:
        return Refused(
            status=Status.CONFLICT,
            reason=f"old size: expected {seen.size}, got {old}",
            size=seen.size,
        )
    if old == new.size and not request.proof and new.root != seen.root:
        return Refused(
            status=Status.CONFLICT, reason="root hash: expected the one cosigned at this size"
        )
    if not old:
        # Every tree grew out of the empty one; there is nothing to prove.
        reason = "consistency proof: expected no hashes from size 0"
        return Refused(status=Status.NOT_CONSISTENT, reason=reason) if request.proof else None
    try:
        verify_consistency(old, new.size, request.proof, seen.root, new.root)
    except LogInconsistent as error:
        return Refused(status=Status.NOT_CONSISTENT, reason=str(error))
    return None


def answer(decision: Decision) -> Answer:
    """What the witness answers; a cosignature only once ``Cosigned.seen`` is on disk."""
    if isinstance(decision, Cosigned):
        body = render_signatures(decision.lines)
        return Answer(status=Status.COSIGNED, content_type=TEXT_TYPE, body=body.encode())
    if decision.size is not None:
        body = f"{decision.size}\n"
        return Answer(status=decision.status, content_type=SIZE_TYPE, body=body.encode())
    body = f"{decision.reason}\n"
    return Answer(status=decision.status, content_type=TEXT_TYPE, body=body.encode())


class Step(StrEnum):
    """What a log does about a witness's answer."""

    DONE = "done"
    """Keep the cosignatures."""
    RESUBMIT = "resubmit"
    """Ask again at once, with a proof from ``Outcome.size``."""
    WAIT = "wait"
    """Ask again later: the witness could not say."""
    ASK = "ask"
    """Asking again as things stand is no use: people must look at keys and settings."""
    ALARM = "alarm"
    """The witness saw another history than this log tells."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What a witness's answer means to the log.

    Attributes:
        step: What to do.
        reason: Why, for people.
        cosignatures: Those that verified, if it is done.
        size: Of the checkpoint that the witness cosigned last, if to resubmit.
    """

    step: Step
    reason: str
    cosignatures: tuple[Verified, ...] = ()
    size: int | None = None


_STEPS: Mapping[int, tuple[Step, str]] = MappingProxyType(
    {
        Status.MALFORMED: (Step.ASK, "the witness does not take our request"),
        Status.NOT_SIGNED: (Step.ASK, "the witness does not know our key"),
        Status.UNKNOWN_LOG: (Step.ASK, "the witness does not know our log"),
        Status.NOT_CONSISTENT: (Step.ALARM, "what the witness saw did not grow into this"),
    }
)
"""What the refusals mean that say nothing more; other codes are those of a witness in trouble."""


def read_answer(
    found: Answer, sent: Request, *, keys: Iterable[VerifierKey], newest: int
) -> Outcome:
    """What a witness's answer means.

    Args:
        found: As it came; the body as long as the caller lets it be.
        sent: What was asked.
        keys: The witness's, as the log knows them; cosignatures of others are left alone.
        newest: The size of the log's tree now, which may have grown since it asked.
    """
    if found.status == Status.COSIGNED:
        return _read_cosignatures(found, sent, keys)
    if found.status == Status.CONFLICT:
        return _read_conflict(found, sent, newest)
    step, reason = _STEPS.get(found.status, (Step.WAIT, f"the witness answers {found.status}"))
    return Outcome(step=step, reason=reason)


def _read_cosignatures(found: Answer, sent: Request, keys: Iterable[VerifierKey]) -> Outcome:
    try:
        text = to_text(found.body, what="answer", bytes_max=NOTE_BYTES_MAX)
        verified = verify_signatures(sent.note.text, parse_signatures(text), keys)
    except DetenteError as error:
        return Outcome(step=Step.ASK, reason=str(error))
    # A witness must say when (tlog-witness): else nobody knows how new this is.
    timed = tuple(one for one in verified if one.timestamp)
    if not timed:
        return Outcome(step=Step.ASK, reason="no cosignature of a known key that says when")
    return Outcome(step=Step.DONE, reason="cosigned", cosignatures=timed)


def _read_conflict(found: Answer, sent: Request, newest: int) -> Outcome:
    if found.content_type.partition(";")[0].strip().lower() != SIZE_TYPE:
        if sent.old_size == sent.checkpoint.size:
            return Outcome(step=Step.ALARM, reason="the witness saw another root at this size")
        return Outcome(step=Step.ASK, reason="a conflict without the size that was seen")
    try:
        line = to_text(found.body, what="size", bytes_max=64)
        size = to_size(line.removesuffix("\n"), what="size")
    except MalformedInput as error:
        return Outcome(step=Step.ASK, reason=str(error))
    if size > newest:
        return Outcome(
            step=Step.ALARM, reason=f"the witness saw {size} entries where this log has {newest}"
        )
    if size == sent.old_size:
        return Outcome(step=Step.ASK, reason="a conflict with the size that was asked for")
    return Outcome(step=Step.RESUBMIT, reason=f"the witness saw {size}", size=size)
