"""What can go wrong, as one small tree.

::

    DetenteError
    |-- MalformedInput    the bytes or values are not what the format asks for
    |-- NotAuthentic      a signature, key or hash does not verify
    |-- NotPermitted      known to the caller, and not the caller's to do
    |-- NotFound          absent, or not for the caller: the two look alike
    |-- Conflict          the record moved on, or the act contradicts it
    |   `-- InForce           what would be erased still counts
    |-- Stale             based on a version that is no longer the current one
    |-- LogInconsistent   the record contradicts itself
    |-- RateLimited       too much in too little time; says when to come back
    `-- Unavailable       a source or store could not be asked
        `-- OutcomeUnknown    it fell silent while it was asked to keep something

Each has a stable ``code``. Say what was expected and what came, and never
another party's positions (docs/rules/R-10.md).
"""

from typing import ClassVar


def sentence(what: str, expected: str = "", got: str = "") -> str:
    """What was refused, what would have been accepted, and what came, in one line."""
    message = what
    if expected:
        message += f": expected {expected}"
    if got:
        message += f", got {got}" if expected else f": got {got}"
    return message


class DetenteError(Exception):
    """Base of all refusals.

    Args:
        what: The thing that was refused, named as its author would name it.
        expected: What would have been accepted.
        got: What came instead.
    """

    code: ClassVar[str] = "error"

    def __init__(self, what: str, *, expected: str = "", got: str = "") -> None:
        self.what = what
        self.expected = expected
        self.got = got
        super().__init__(sentence(what, expected, got))


def reason_of(error: DetenteError) -> str:
    """A refusal as it is counted: without what came, so that there are few."""
    return sentence(error.what, error.expected)


class MalformedInput(DetenteError):
    """The bytes or values are not what the format asks for."""

    code = "malformed_input"


class NotAuthentic(DetenteError):
    """A signature, key or hash does not verify."""

    code = "not_authentic"


class NotPermitted(DetenteError):
    """The caller may see the thing, and may not do this to it."""

    code = "not_permitted"


class NotFound(DetenteError):
    """Absent, or not for the caller: the two look alike."""

    code = "not_found"


class Conflict(DetenteError):
    """The record moved on, or the act contradicts what stands in it."""

    code = "conflict"


class InForce(Conflict):
    """What would be erased still counts: it is to be withdrawn first."""

    code = "in_force"


class Stale(DetenteError):
    """Based on a version that is no longer the current one."""

    code = "stale"


class LogInconsistent(DetenteError):
    """The record contradicts itself."""

    code = "log_inconsistent"


class RateLimited(DetenteError):
    """Too much in too little time.

    Args:
        what: As in DetenteError.
        expected: As in DetenteError.
        retry_after_s: Whole seconds, at least 1, after which it may be tried again.
    """

    code = "rate_limited"

    def __init__(self, what: str, *, expected: str, retry_after_s: int) -> None:
        super().__init__(what, expected=expected, got=f"more; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Unavailable(DetenteError):
    """A source or store could not be asked."""

    code = "unavailable"


class OutcomeUnknown(Unavailable):
    """The store fell silent during a commit: all of it is kept, or nothing.

    Whoever asked finds out by asking again with the same idempotency key, or by
    looking for the entry's leaf hash in the record.
    """

    code = "outcome_unknown"
