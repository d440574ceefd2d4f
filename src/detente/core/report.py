"""Report: information given to others, with how far its source is trusted."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.lifecycle import Table
from detente.core.notice import SourceId, VolumesIfAny, check_legs
from detente.core.party import Name, PartyId
from detente.core.release import Release
from detente.core.uss import ObjectId
from detente.core.volume import UtcTime, check_time

REPORT_TEXT_MAX = 200_000
"""Characters: a long situation report; larger things belong in a STIX bundle."""

REFERS_MAX = 100
"""Objects that one report passes on: more than a person reads in one report."""


class Reliability(StrEnum):
    """Of the source: Admiralty code A to F."""

    COMPLETELY_RELIABLE = "a"
    USUALLY_RELIABLE = "b"
    FAIRLY_RELIABLE = "c"
    NOT_USUALLY_RELIABLE = "d"
    UNRELIABLE = "e"
    CANNOT_BE_JUDGED = "f"


class ReportState(StrEnum):
    """A report is corrected or retracted, never unsaid."""

    ISSUED = "issued"
    CORRECTED = "corrected"
    RETRACTED = "retracted"


REPORT_TRANSITIONS: Table[ReportState] = {
    ReportState.ISSUED: {ReportState.CORRECTED, ReportState.RETRACTED},
    ReportState.CORRECTED: {ReportState.CORRECTED, ReportState.RETRACTED},
    ReportState.RETRACTED: set(),
}


class Report(Struct, frozen=True, kw_only=True, tag="report", omit_defaults=True):
    """What a party tells others; credibility 1 (confirmed) to 6 (cannot be judged).

    ``refers`` are the objects of others that it passes on: to whom it may be
    released is then for their authors to say (detente.node.passing).
    """

    source_id: SourceId
    party: PartyId
    title: Name
    text: Annotated[str, Meta(max_length=REPORT_TEXT_MAX)]
    observed: UtcTime | None = None
    volumes: VolumesIfAny = ()
    reliability: Reliability = Reliability.CANNOT_BE_JUDGED
    credibility: Annotated[int, Meta(ge=1, le=6)] = 6
    state: ReportState = ReportState.ISSUED
    refers: Annotated[tuple[ObjectId, ...], Meta(max_length=REFERS_MAX)] = ()
    release: Release | None = None

    def __post_init__(self) -> None:
        check_legs(self.volumes)
        if self.observed is not None:
            check_time(self.observed, what="observed")
