"""Report: information given to others, with how far its source is trusted."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.lifecycle import Table
from detente.core.notice import SourceId, VolumesIfAny
from detente.core.party import Name, PartyId
from detente.core.release import Release, Tlp
from detente.core.volume import UtcTime

REPORT_TEXT_MAX = 200_000
"""Characters: a long situation report; larger things belong in a STIX bundle."""


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
    """What a party tells others; credibility 1 (confirmed) to 6 (cannot be judged)."""

    source_id: SourceId
    party: PartyId
    title: Name
    text: Annotated[str, Meta(max_length=REPORT_TEXT_MAX)]
    observed: UtcTime | None = None
    volumes: VolumesIfAny = ()
    tlp: Tlp = Tlp.RED
    reliability: Reliability = Reliability.CANNOT_BE_JUDGED
    credibility: Annotated[int, Meta(ge=1, le=6)] = 6
    state: ReportState = ReportState.ISSUED
    release: Release | None = None
