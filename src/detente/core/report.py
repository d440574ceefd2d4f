"""Report: information given to others, with how far its source is trusted.

A text, a STIX object, or both. A request for information, an answer to one and a sighting
are reports too: all are released, corrected and retracted alike.

Source: DESIGN sections 2 and 3; NATO's Admiralty code; STIX 2.1; RFC 5646 (language tags).
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.lifecycle import Table
from detente.core.notice import SourceId, VolumesIfAny, check_legs
from detente.core.party import FreeText, Name, PartyId
from detente.core.release import Release
from detente.core.stix import STIX_BYTES_MAX
from detente.core.uss import ObjectId
from detente.core.volume import UtcTime, check_time, check_window

REPORT_TEXT_MAX = 200_000
"""Characters: a long situation report; larger things belong in a STIX bundle."""

TRANSLATIONS_MAX = 24
"""As many as the European Union has official languages."""

SIGHTINGS_MAX = 999_999_999
"""The largest count of a STIX sighting."""

REFERS_MAX = 100
"""Objects that one report passes on: more than a person reads in one report."""


LANGUAGE = r"^(?=.{2,35}$)[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$(?!\n)"
Language = Annotated[str, Meta(pattern=LANGUAGE)]
"""A language tag of BCP 47; 35 characters are enough for any that is in use (RFC 5646, 4.4.1)."""

ReportText = Annotated[str, Meta(max_length=REPORT_TEXT_MAX)]

Commitment = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256 of salt and object, as entries have it (detente.core.entry)."""

Objects = Annotated[tuple[ObjectId, ...], Meta(max_length=REFERS_MAX)]


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


class Translation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A report's text in another language, and who translated it: a person, office or program."""

    language: Language
    text: ReportText
    translator: Name
    title: Name | None = None


class InformationRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked of others, and by when; an answer that comes later is late, not refused."""

    asks: FreeText
    due: UtcTime | None = None

    def __post_init__(self) -> None:
        if self.due is not None:
            check_time(self.due, what="due")


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That something was seen, how often, and when first and last."""

    of: ObjectId
    count: Annotated[int, Meta(ge=1, le=SIGHTINGS_MAX)] = 1
    first: UtcTime | None = None
    last: UtcTime | None = None

    def __post_init__(self) -> None:
        check_window(self.first, self.last)


class Report(Struct, frozen=True, kw_only=True, tag="report", omit_defaults=True):
    """What a party tells others; credibility 1 (confirmed) to 6 (cannot be judged).

    Attributes:
        refers: Objects of others that it passes on: to whom it may be released is then
            for their authors to say (detente.node.passing).
        links: Objects that it is about and tells nothing of: notices, plans, incidents.
        language: Of title and text.
        translations: Beside the original, never instead of it.
        stix: One STIX object, as the text in which it was given (detente.core.stix); the
            report then bears the object's id as its name.
        original: Commitment to the object of which this is the version for release. It
            says nothing of it; whoever holds the original and its salt can show the two
            belong together.
        request: It asks for information.
        answers: The report that asked for this.
        sighting: Something was seen.
    """

    source_id: SourceId
    party: PartyId
    title: Name
    text: ReportText
    observed: UtcTime | None = None
    volumes: VolumesIfAny = ()
    reliability: Reliability = Reliability.CANNOT_BE_JUDGED
    credibility: Annotated[int, Meta(ge=1, le=6)] = 6
    state: ReportState = ReportState.ISSUED
    refers: Objects = ()
    release: Release | None = None
    links: Objects = ()
    language: Language | None = None
    translations: Annotated[tuple[Translation, ...], Meta(max_length=TRANSLATIONS_MAX)] = ()
    stix: Annotated[str, Meta(max_length=STIX_BYTES_MAX)] = ""
    original: Commitment | None = None
    request: InformationRequest | None = None
    answers: ObjectId | None = None
    sighting: Sighting | None = None

    def __post_init__(self) -> None:
        check_legs(self.volumes)
        if self.observed is not None:
            check_time(self.observed, what="observed")
