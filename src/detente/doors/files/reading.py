"""What a file gives: rows on the way in, values and remarks on the way out."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.volume import Volume
from detente.core.zone import Zone, ZoneRule

Kind = Literal["plans", "notices", "zones", "presence"]
Imported = Notice | Zone | Presence | Plan


class ReadOptions(Struct, frozen=True, kw_only=True):
    """How to understand a file.

    Attributes:
        kind: What its rows are.
        strict: Refuse the whole file for one bad row.
        columns: Our field to the file's column, where recognition by name fails.
        category: For rows that name none.
        standoff_mm: For rows that name none.
        party: Who says this; None for files that are only asked.
        question_country: Doubt rows outside their declared country; needless where
            doubts are not told.
        country: Where all rows are declared to lie (ISO 3166), for rows that name none.
        desk: Whom to call, for rows that name none.
        rule: What a zone asks, for rows that name none; None asks the most.
        sheet: Of a workbook, the sheet to read; None where one alone has rows.
        rows_max: More refuse the file before they are understood; None for any number.
        progress: Told how many rows are done of how many (0: not known), now and then.
    """

    kind: Kind
    strict: bool = False
    columns: dict[str, str] = {}
    category: str | None = None
    standoff_mm: int | None = None
    party: str | None = None
    question_country: bool = True
    country: str | None = None
    desk: str | None = None
    rule: ZoneRule | None = None
    sheet: str | None = None
    rows_max: int | None = None
    progress: Callable[[int, int], None] = lambda *_: None


class Unusable(Struct, frozen=True):
    """What stands in a cell that says nothing certain, and so refuses what asks for it."""

    why: str


class Row(Struct, kw_only=True):
    """One row, feature or zone of a file, before it is understood.

    ``number`` counts from 1. ``geometry`` is GeoJSON's, in degrees; formats
    with altitudes and times of their own give ``volumes`` instead. ``problem``
    is why the row could not even be read; ``hidden`` that it is not shown in its sheet.
    """

    number: int
    properties: dict[str, Any]
    geometry: Any = None
    volumes: tuple[Volume, ...] = ()
    problem: str | None = None
    hidden: bool = False


class Doubted(StrEnum):
    """What is doubtful in a row, for whoever tells it in another language."""

    LEFT_OUT = "left_out"
    ID_TAKEN = "id_taken"
    NAME_CUT = "name_cut"
    UNREAD = "unread"
    ALL_DAY = "all_day"
    COARSE = "coarse"
    ELSEWHERE = "elsewhere"
    HIDDEN = "hidden"


class Remark(Struct, frozen=True, kw_only=True):
    """Something to tell of one row: why it was refused, or what is doubtful in it.

    ``code`` is the refusal's (docs/errors.md), or one of ``Doubted``; ``what`` is a field, where
    the remark is of one.
    """

    code: str
    row: int
    name: str
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name else ""
        parts = [self.what]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.got:
            parts.append(f"got {self.got}")
        return f"row {self.row}{named}: {parts[0]}: {', '.join(parts[1:])}".removesuffix(": ")


class Reading(Struct, kw_only=True):
    """All that a file gave; nothing is dropped without a refusal."""

    source: str
    rows_total: int = 0
    values: list[Imported] = []
    refusals: list[Remark] = []
    doubts: list[Remark] = []
