"""A check on the record: what a party asked, and what it was told on which state of it.

The node says so in an entry of its own and hands the object and its salt to the party, once;
it keeps neither (``detente.core.entry.KEPT_BY_ASKER``). So the record shows that some check
was answered, and whose and of what only the party can show. Distances are whole millimetres,
as a verdict rounds them.

Source: DESIGN sections 3 and 7; docs/adr/0020.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from detente.core.check import Finding, Source, Verdict, VerdictKind, Withheld
from detente.core.party import Desk, PartyId
from detente.core.plan import Plan
from detente.core.principal import Method
from detente.core.uss import ObjectId
from detente.core.volume import MM_PER_M, RadiusMm, UtcTime, check_time

Count = Annotated[int, Meta(ge=0, lt=1 << 53)]


class Reason(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"start": "from", "end": "to"}
):
    """A finding (``detente.core.check.Finding``), its distances in whole millimetres."""

    rule: str
    kind: str
    id: str
    name: str
    category: str
    distance_mm: Count
    distance_error_mm: Count
    separation_mm: Count
    severity: VerdictKind
    start: datetime | None = None
    end: datetime | None = None
    party: str | None = None
    desk: str | None = None
    stale: bool = False
    disputed: bool = False
    object: str | None = None
    call: Desk | None = None


class Check(Struct, frozen=True, kw_only=True, tag="check", omit_defaults=True):
    """One question, and its answer as the asker was given it.

    Attributes:
        source_id: The object's own id: drawn at random, it tells nothing of the plan.
        party: Who asked; ``node`` is whoever holds the register itself.
        method: How the party proved itself to the node.
        plan: What was asked.
        separation_mm: The least separation that was wanted from everything.
        sequence: The record's entries when it was answered: the register's version.
        root: Over those entries, hex.
        as_of: By the node's clock.
        verdict: What was told; like all below it permits nothing.
        stale: Entries that were stale, as far as the asker may know of them.
        findings: Those that the asker may see, gravest first.
        withheld: What stands in the place of the others.
        sources: What could not be asked in full.
    """

    source_id: ObjectId
    party: PartyId
    method: Method | None = None
    plan: Plan
    separation_mm: RadiusMm = 0
    sequence: Count
    root: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    as_of: UtcTime
    verdict: VerdictKind
    stale: Count = 0
    findings: tuple[Reason, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        check_time(self.as_of, what="time of the answer")


class Question(Struct, frozen=True, kw_only=True):
    """Who asked what; attributes as those of Check."""

    party: str
    plan: Plan
    separation_mm: int = 0
    method: Method | None = None


def told(question: Question, verdict: Verdict, *, root: bytes, object_id: str) -> Check:
    """The object of a committed check.

    Args:
        question: What was asked.
        verdict: What was answered, as it was cut for whoever asked.
        root: Of the record at the verdict's sequence number, 32 bytes.
        object_id: The new object's, drawn at random.
    """
    return Check(
        source_id=object_id,
        party=question.party,
        method=question.method,
        plan=question.plan,
        separation_mm=question.separation_mm,
        sequence=verdict.sequence,
        root=root.hex(),
        as_of=verdict.as_of,
        verdict=verdict.verdict,
        stale=verdict.counts.stale,
        findings=tuple(map(_reason, verdict.findings)),
        withheld=verdict.withheld,
        sources=verdict.sources,
    )


def _reason(found: Finding) -> Reason:
    fields = asdict(found)
    lengths = {
        f"{name}_mm": round(fields.pop(f"{name}_m") * MM_PER_M)
        for name in ("distance", "distance_error", "separation")
    }
    return Reason(**fields, **lengths)
