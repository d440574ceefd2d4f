"""Rows to values: notices, zones, presence, plans."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from detente.core.altitude import lower_mm, reference, upper_mm
from detente.core.notice import Notice, NoticeKind, Provenance
from detente.core.party import NAME_LENGTH_MAX
from detente.core.plan import Plan
from detente.core.presence import SPEED_MAX_MM_S, Presence, Track
from detente.core.volume import MM_PER_M, Circle, Volume
from detente.core.zone import Zone, ZoneRule
from detente.doors.files.columns import Fields
from detente.doors.files.escorts import escort_of
from detente.doors.files.positions import RESOLUTION_COARSE_DEG, Located, locate, refuse_zeros
from detente.doors.files.reading import (
    Doubted,
    Imported,
    Reading,
    ReadOptions,
    Remark,
    Row,
    Unusable,
)
from detente.doors.files.shapes import Sizes
from detente.errors import DetenteError, MalformedInput

ID_LENGTH_MAX = 200

_PROGRESS_STEP = 1_000


class Built(msgspec.Struct, kw_only=True):
    """A value with the row that it came from and where that was declared to lie."""

    row: int
    value: Imported
    country: str | None


class Builder:
    """Turns the rows of one file into values, each bad row into a refusal.

    Args:
        options: How to understand the file.
        columns: Which column holds which field.
        reading: Where values and remarks go.
    """

    def __init__(
        self, options: ReadOptions, columns: dict[str, tuple[str, ...]], reading: Reading
    ) -> None:
        self._options = options
        self._columns = columns
        self._reading = reading
        self._built: list[Built] = []
        self._groups: dict[str, Built] = {}
        self._taken: dict[str, int] = {}

    def build(self, rows: Iterable[Row]) -> list[Built]:
        """All values, in the order of their first rows.

        Raises:
            MalformedInput: The first bad row, if the options are strict; too many rows.
        """
        for row in rows:
            self._reading.rows_total += 1
            self._require_few()
            if self._reading.rows_total % _PROGRESS_STEP == 0:
                self._options.progress(self._reading.rows_total, 0)
            try:
                self._add(row)
            except DetenteError as error:
                self._refuse(row, error)
        return self._built

    def _require_few(self) -> None:
        most = self._options.rows_max
        if most is not None and self._reading.rows_total > most:
            raise MalformedInput(
                self._reading.source, expected=f"at most {most:,} rows", got="more"
            )

    def _refuse(self, row: Row, error: DetenteError) -> None:
        remark = _remark(row, self._columns, error)
        if self._options.strict:
            raise MalformedInput(f"{self._reading.source}, {remark}") from None
        self._reading.refusals.append(remark)

    def _doubt(
        self, code: Doubted, row: Row, name: str, what: str, *, expected: str = "", got: str = ""
    ) -> None:
        self._reading.doubts.append(
            Remark(code=code, row=row.number, name=name, what=what, expected=expected, got=got)
        )

    def _add(self, row: Row) -> None:
        if row.problem is not None:
            raise MalformedInput(row.problem)
        fields = Fields(row.properties, self._columns)
        if row.hidden:
            self._doubt(Doubted.HIDDEN, row, _called(fields), "row", got="hidden; it counts")
        if row.properties.get("left_out"):
            name = fields.text("name") or ""
            what = f"left out, {row.properties['left_out']}"
            self._doubt(Doubted.LEFT_OUT, row, name, what)
            return
        volumes, located = self._volumes(row, fields)
        group = self._group(fields)
        if group in self._groups:
            known = self._groups[group]
            joined = _joined(known.value, volumes, fields)
            known.value = self._accompanied(row, joined, fields)
            return
        identity = group or self._identity(row, fields)
        if len(identity) > ID_LENGTH_MAX:
            raise MalformedInput("id", expected=f"at most {ID_LENGTH_MAX} characters", got=identity)
        if "\0" in identity:
            raise MalformedInput("id", expected="a name without U+0000")
        name = self._name(row, fields, identity)
        value = self._value(fields, self._untaken(row, identity, name), name, volumes, located)
        value = self._accompanied(row, value, fields)
        country = fields.text("country") or self._options.country
        built = Built(row=row.number, value=value, country=country)
        self._built.append(built)
        if group:
            self._groups[group] = built
        self._doubt_details(row, name, located)

    def _group(self, fields: Fields) -> str:
        """The plan or movement of which the row is one volume; none for other kinds."""
        field = {"plans": "plan", "notices": "movement"}.get(self._options.kind)
        return (fields.text(field) or "") if field else ""

    def _identity(self, row: Row, fields: Fields) -> str:
        """Its id; without one, its number (and, in a register, its file)."""
        given = fields.text("id")
        if given:
            return given
        return (
            f"{row.number}"
            if self._options.party is None
            else f"{self._reading.source}#{row.number}"
        )

    def _untaken(self, row: Row, identity: str, name: str) -> str:
        """The id, marked where an earlier row has it: two rows protect more than one."""
        first = self._taken.get(identity)
        if first is None:
            self._taken[identity] = row.number
            return identity
        number = 2
        while f"{identity} ({number})" in self._taken:
            number += 1
        marked = f"{identity} ({number})"
        self._taken[marked] = row.number
        self._doubt(
            Doubted.ID_TAKEN,
            row,
            name,
            "id",
            expected=f"another than row {first} has",
            got=f"{identity}; kept as {marked}",
        )
        return marked

    def _name(self, row: Row, fields: Fields, identity: str) -> str:
        name = " ".join((fields.text("name") or "").split()) or identity
        if len(name) <= NAME_LENGTH_MAX:
            return name
        self._doubt(
            Doubted.NAME_CUT,
            row,
            name[:40],
            "name",
            expected=f"at most {NAME_LENGTH_MAX} characters",
            got=f"{len(name)}",
        )
        return name[: NAME_LENGTH_MAX - 1] + "…"

    def _volumes(self, row: Row, fields: Fields) -> tuple[tuple[Volume, ...], Located | None]:
        if row.volumes:
            return row.volumes, None
        sizes = Sizes(
            radius_m=fields.number("radius_m") or 0.0,
            width_m=fields.number("width_m") or 0.0,
            buffer_m=fields.number("buffer_m") or 0.0,
        )
        located = locate(fields, row.geometry, sizes)
        if self._options.kind != "plans":  # a plan is drawn where it is meant
            refuse_zeros(located)
        lower, upper = fields.number("lower_m"), fields.number("upper_m")
        from_what = reference(fields.text("altitude_reference"))
        volume = Volume(
            footprint=located.footprint,
            lower_mm=None if lower is None else lower_mm(lower, from_what),
            upper_mm=None if upper is None else upper_mm(upper, from_what),
            start=fields.time("start"),
            end=fields.time("end"),
        )
        return (volume,), located

    def _value(
        self,
        fields: Fields,
        identity: str,
        name: str,
        volumes: tuple[Volume, ...],
        located: Located | None,
    ) -> Imported:
        options = self._options
        if options.kind == "plans":
            return Plan(
                source_id=identity,
                name=name,
                party=options.party,
                category=self._category(fields, "plan"),
                volumes=volumes,
                hazard_mm=fields.length_mm("hazard_m") or 0,
                desk=_desk(fields, options),
            )
        common: dict[str, Any] = {
            "source_id": identity,
            "name": name,
            "party": options.party,
            "standoff_mm": self._standoff_mm(fields),
            "review_due": fields.time("review_due"),
            "desk": _desk(fields, options),
        }
        if options.kind == "zones":
            return Zone(
                **common,
                category=self._category(fields, "zone"),
                rule=_rule(fields, options),
                uncertainty_mm=fields.length_mm("uncertainty_m") or 0,
                volumes=volumes,
            )
        if options.kind == "presence":
            track = _track(fields, volumes)
            return Presence(
                **common,
                category=self._category(fields, "presence"),
                volumes=() if track else volumes,
                track=track,
            )
        moves = fields.text("movement") is not None
        return Notice(
            **common,
            category=self._category(fields, "unspecified"),
            kind=NoticeKind.MOVEMENT if moves else NoticeKind.SITE,
            volumes=volumes,
            provenance=Provenance(
                source=self._reading.source[:NAME_LENGTH_MAX],
                typed=None if located is None else located.typed,
            ),
        )

    def _accompanied(self, row: Row, value: Imported, fields: Fields) -> Imported:
        """A movement with its escort; what cannot be read of that is doubted, and it protects."""
        if not isinstance(value, Notice) or value.kind is not NoticeKind.MOVEMENT or value.escort:
            return value
        try:
            return msgspec.structs.replace(value, escort=escort_of(fields))
        except MalformedInput as error:
            self._doubt(
                Doubted.UNREAD, row, value.name, error.what, expected=error.expected, got=error.got
            )
            return value

    def _standoff_mm(self, fields: Fields) -> int:
        own = fields.length_mm("standoff_m")
        return (self._options.standoff_mm or 0) if own is None else own

    def _category(self, fields: Fields, otherwise: str) -> str:
        """A lower-case token, as agreements name them."""
        text = fields.text("category") or self._options.category or otherwise
        token = re.sub(r"[^a-z0-9/_-]+", "_", text.lower()).strip("_-/")[:63]
        return token or otherwise

    def _doubt_details(self, row: Row, name: str, located: Located | None) -> None:
        if row.properties.get("schedule_unused"):
            kept = "hours of the day; kept as all day"
            self._doubt(Doubted.ALL_DAY, row, name, "schedule", got=kept)
        resolution = None if located is None else located.resolution_deg
        # Plans are drawn on purpose; a notice with few decimals was perhaps rounded.
        if resolution is None or self._options.kind == "plans":
            return
        if resolution > RESOLUTION_COARSE_DEG * 1.01:
            self._doubt(
                Doubted.COARSE, row, name, "position", expected="at least three decimals",
                got=f"steps of {resolution:g} degree",
            )  # fmt: skip


def _joined(value: Imported, volumes: tuple[Volume, ...], fields: Fields) -> Imported:
    """A plan or movement with one more leg."""
    together = (*value.volumes, *volumes)
    if isinstance(value, Plan):
        hazard = max(value.hazard_mm, fields.length_mm("hazard_m") or 0)
        return msgspec.structs.replace(value, volumes=together, hazard_mm=hazard)
    standoff = max(value.standoff_mm, fields.length_mm("standoff_m") or 0)
    return msgspec.structs.replace(value, volumes=together, standoff_mm=standoff)


def _rule(fields: Fields, options: ReadOptions) -> ZoneRule:
    """What the zone asks; one that does not say asks the most."""
    text = fields.text("rule")
    if text is None:
        return options.rule or ZoneRule.NO_ACTIVITY
    try:
        return ZoneRule(text.lower())
    except ValueError:
        raise MalformedInput("rule", expected=", ".join(ZoneRule), got=text) from None


def _track(fields: Fields, volumes: tuple[Volume, ...]) -> Track | None:
    """A last position, where the row says when it was and how fast it may move."""
    time, speed = fields.time("time"), fields.number("speed_max_m_s")
    if time is None and speed is None:
        return None
    shape = volumes[0].footprint[0]
    if time is None or speed is None or not isinstance(shape, Circle):
        raise MalformedInput("track", expected="a point with time and speed_max_m_s")
    if not 0 <= speed * MM_PER_M <= SPEED_MAX_MM_S:
        raise MalformedInput(
            "speed_max_m_s", expected=f"0 to {SPEED_MAX_MM_S // MM_PER_M}", got=f"{speed:g}"
        )
    accuracy = fields.length_mm("accuracy_m") or 0
    return Track(
        position=shape.centre,
        time=time,
        speed_max_mm_s=round(speed * MM_PER_M),
        accuracy_mm=max(accuracy, shape.radius_mm),
        lower_mm=volumes[0].lower_mm,
        upper_mm=volumes[0].upper_mm,
    )


def _desk(fields: Fields, options: ReadOptions) -> str | None:
    text = fields.text("desk") or options.desk
    if text is not None and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", text):
        raise MalformedInput("desk", expected="lower-case letters, digits and hyphens", got=text)
    return text


def _remark(row: Row, columns: dict[str, tuple[str, ...]], error: DetenteError) -> Remark:
    return Remark(
        code=error.code,
        row=row.number,
        name=_called(Fields(row.properties, columns)),
        what=error.what,
        expected=error.expected,
        got=error.got,
    )


def _called(fields: Fields) -> str:
    """A row's name or id as it stands, to find it by."""
    said = (fields.raw("name"), fields.raw("id"))
    return next((str(one) for one in said if one and not isinstance(one, Unusable)), "")[:80]
