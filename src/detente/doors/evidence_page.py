"""The page for people in an evidence file: static, without script, whatever is asked of it.

All that it says is drawn from the evidence in the same file, and escaped. It proves
nothing: that is for ``detente verify`` and ``verify.py``.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from msgspec import Struct
from nacl.signing import SigningKey

from detente.core.checkpoint import parse_checkpoint
from detente.core.committed import Check
from detente.core.entry import Authorship, Signed, unseal
from detente.core.erasure import Erasure
from detente.core.evidence import Evidence, Shown, sealed
from detente.core.incident import MESSAGES, Call, Incident, IncidentStep
from detente.core.note import parse_note
from detente.core.party import Party
from detente.core.telling import Acknowledgement, Delivery
from detente.core.told import PROVES
from detente.core.volume import MM_PER_M, Circle, Volume
from detente.core.warned import Warned
from detente.core.wire import Value, read
from detente.doors.evidence_alert import warning
from detente.doors.evidence_map import svg

_STYLE = (
    "body{font:15px/1.45 Georgia,serif;max-width:48rem;margin:2rem auto;padding:0 1rem;"
    "color:#111;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:1.6rem;"
    "border-bottom:1px solid #999}table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;"
    "border-bottom:1px solid #ddd;overflow-wrap:anywhere}th,td:first-child{overflow-wrap:normal}"
    "pre{white-space:pre-wrap;"
    "overflow-wrap:anywhere;font-size:.75rem}.note{border:1px solid #999;padding:.6rem}"
    "svg{width:100%;max-width:560px;border:1px solid #999;font:11px sans-serif}"
    ".ground{fill:#f7f7f4}.grid{stroke:#bbb;fill:none;stroke-width:.7}text{fill:#222}"
    "text.grid{stroke:none;fill:#666}.area{fill:#b2182b;fill-opacity:.25;stroke:#b2182b;"
    "stroke-linejoin:round}.corridor{fill:none;stroke:#b2182b;stroke-opacity:.3;"
    "stroke-linecap:round;stroke-linejoin:round}.line{fill:none;stroke:#b2182b}"
    ".bar{fill:none;stroke:#111;stroke-width:1.5}"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr,svg{break-inside:avoid}}"
)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_NOTE = (
    "This page is for reading, and proves nothing by itself. What is proven, the file proves: "
    "run <code>detente verify FILE</code>, or <code>python verify.py FILE</code>, a program of "
    "one page-turn that needs no network and nothing else of Détente. Nothing here approves or "
    "permits anything."
)


class _Line(Struct, frozen=True):
    """An entry, taken apart; ``value`` is None where it is withheld."""

    shown: Shown
    signed: Signed
    value: Value | None


def evidence_file(evidence: Evidence, key: SigningKey) -> bytes:
    """The whole file, sealed with the node's key.

    Raises:
        MalformedInput: Larger than an evidence file may be.
    """
    return sealed(evidence, page(evidence), key)


def page(evidence: Evidence) -> tuple[bytes, bytes]:
    """What stands before the block of evidence, and after it."""
    lines = [
        _Line(
            one,
            unseal(one.envelope.encode()),
            None if one.object is None else read(one.object.encode()),
        )
        for one in evidence.entries
    ]
    versions = [one for one in lines if one.shown.about == "object"]
    known = [one.value for one in versions if one.value is not None]
    last = known[-1] if known else None
    title = escape(_title(evidence, last))
    body = "".join(
        (
            f"<h1>{title}</h1><p class=note>{_NOTE}</p>",
            _section("What it says", _said(last, versions)),
            _section("What was told, and by what record", _answer(last)),
            _section("Of what was warned, version by version", _warnings(versions)),
            _section("Where", _map(last)),
            _section("What happened, in the order of the record", _timeline(lines)),
            _section("Who was told", "" if isinstance(last, Check) else _told(evidence)),
            _section("What the file cannot show", _withheld(evidence, versions)),
            _section("Who speaks", _parties(evidence, lines)),
            _section("The log", _log(evidence)),
        )
    )
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{body}\n"
    )
    return head.encode(), b"\n</body></html>\n"


def _title(evidence: Evidence, value: Value | None) -> str:
    name = getattr(value, "name", None) or getattr(value, "title", None) or evidence.object
    return f"Evidence: {evidence.kind} {name}"


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>{body}" if body else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; every cell is escaped."""
    lines = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    return f"<table><tr>{top}</tr>{lines}</table>" if lines else ""


def _said(value: Value | None, versions: Sequence[_Line]) -> str:
    if value is None:
        return "<p>What it says is not in this file: it was erased, or not released.</p>"
    rows = [
        (label, text)
        for label, text in (
            ("Asked by" if isinstance(value, Check) else "Author", getattr(value, "party", None)),
            ("Author's own name for it", getattr(value, "source_id", None)),
            ("Category", getattr(value, "category", None)),
            ("State", getattr(value, "standing", None) or getattr(value, "state", None)),
            ("Text", getattr(value, "text", None)),
            ("Coded message", MESSAGES[value.code] if isinstance(value, Incident) else None),
            ("Words", getattr(value, "words", None)),
            ("Versions", len(versions)),
        )
        if text
    ]
    rows += [(f"Place {n}", _when(one)) for n, one in enumerate(_volumes(value)[:50], start=1)]
    raw = next(one.shown.object for one in reversed(versions) if one.shown.object is not None)
    return (
        _table(("", "Last version that is shown"), rows)
        + "<details><summary>Every word of it, as committed to</summary>"
        + f"<pre>{escape(raw)}</pre></details>"
    )


def _answer(value: Value | None) -> str:
    """The answer to a committed check, as it was given to whoever asked."""
    if not isinstance(value, Check):
        return ""
    stands = f"register version {value.sequence}, root {value.root}, as of {_utc(value.as_of)}"
    found = [
        (
            one.severity.replace("_", " "),
            one.rule,
            f"{one.kind} {one.name}{', stale' * one.stale}{', disputed' * one.disputed}",
            f"{one.distance_mm / MM_PER_M:g} m (within {one.distance_error_mm / MM_PER_M:g} m)",
            f"{one.separation_mm / MM_PER_M:g} m",
            one.desk or one.party or "-",
        )
        for one in value.findings
    ]
    hidden = [
        (one.severity.replace("_", " "), "withheld", one.desk.name if one.desk else "-")
        for one in value.withheld
    ]
    rows = [
        ("Plan", value.plan.source_id),
        ("Told", value.verdict.replace("_", " ")),
        ("On the record as of", stands),
        ("Stale", f"{value.stale}"),
        *(("Not asked in full", f"{one.name}: {one.problem or 'rows'}") for one in value.sources),
    ]
    return (
        _table(("", "The answer, as it was given"), rows)
        + _table(("Gravity", "Rule", "What it meets", "Distance", "To keep", "Call"), found)
        + _table(("Gravity", "", "Call"), hidden)
        + "<p>A check informs; it never permits.</p>"
    )


def _warnings(versions: Sequence[_Line]) -> str:
    """What the node told a party of an alert, as it rose and ended."""
    told = [(one.signed.statement.version, warning(one.value)) for one in versions]
    rows = [(number, *cell) for number, cells in told for cell in cells]
    note = "<p>A warning informs; it permits nothing. Where the track was is not on the record.</p>"
    return _table(("Version", "", "As it was told"), rows) + note if rows else ""


def _volumes(value: Value | None) -> tuple[Volume, ...]:
    if isinstance(value, Warned):
        return ()  # Where the track was is not on the record.
    track = getattr(value, "track", None)
    if track is not None:
        return (Volume(footprint=(Circle(centre=track.position, radius_mm=track.accuracy_mm),)),)
    found: tuple[Volume, ...] = getattr(getattr(value, "plan", value), "volumes", ())
    return found


def _when(volume: Volume) -> str:
    start = "always" if volume.start is None else _utc(volume.start)
    end = "until further notice" if volume.end is None else _utc(volume.end)
    low = "the ground and below" if volume.lower_mm is None else f"{volume.lower_mm / MM_PER_M:g} m"
    high = "any height" if volume.upper_mm is None else f"{volume.upper_mm / MM_PER_M:g} m"
    return f"{start} to {end}; {low} to {high} above the WGS 84 ellipsoid"


def _map(value: Value | None) -> str:
    drawn = svg(_volumes(value))
    return f"{drawn}<p>A sketch of the last version that is shown.</p>" if drawn else ""


def _timeline(lines: Sequence[_Line]) -> str:
    return _table(
        ("Entry", "Time that it claims", "Who", "What"),
        (
            (
                one.shown.index,
                _utc(one.signed.statement.time),
                one.signed.statement.party,
                _event(one),
            )
            for one in lines
        ),
    )


def _event(one: _Line) -> str:
    said = one.signed.statement
    by = "" if said.authorship is Authorship.OWN else " (attested by the node)"
    match one.value:
        case Delivery() as value:
            return f"{value.outcome} to {value.to} by {value.how}, {value.grade}"
        case Acknowledgement() as value:
            to = f" to {value.to}" if value.to else ""
            note = f": {value.note}" if value.note else ""
            return f"acknowledged: {value.level.replace('_', ' ')}{to}{note}{by}"
        case Call() as value:
            desks = ", ".join(value.desks) or "no desk of its own"
            again = f", rung {value.rung} of the ladder" if value.rung else ""
            return f"called {value.to}: {desks}{again}{_told_caller(value)}"
        case IncidentStep() as value:
            return f"{value.act}{f': {value.text}' if value.text else ''}{by}"
        case Erasure() as value:
            return f"what it said was erased, by order of: {value.order}{by}"
        case _:
            what = said.kind if one.shown.about == "object" else one.shown.about
            why = f", {one.shown.withheld}" if one.shown.withheld else ""
            return f"{what}, version {said.version}{by}{why}"


def _told_caller(call: Call) -> str:
    """What the caller was told of who was called."""
    if call.told is None:
        return ""
    names = [one.desk.name if one.desk else one.party or "-" for one in call.told.desks]
    names += ["all members"] if call.told.everyone else []
    more = "" if call.told.whole else ", and perhaps others"
    return f"; the caller was told: {', '.join(names) or 'nobody by name'}{more}"


def _told(evidence: Evidence) -> str:
    rows = [
        (
            one.party,
            one.version,
            one.level.replace("_", " ") + "".join(f", to {to}" for to in one.to),
            ", ".join(level.replace("_", " ") for level in one.attested) or "-",
            one.released or "-",
            "-" if one.noted is None else _utc(one.noted),
        )
        for one in evidence.told
    ]
    head = ("Party", "Version", "Proven", "Attested by the node", "Released now", "Node noted")
    silent = "".join(
        f"<p>Silent: {escape(one.party)} has acknowledged nothing of the last version; more is "
        f"awaited since {_utc(one.since)}, as the node says.</p>"
        for one in evidence.silences
    )
    meanings = _table(
        ("Level", "What proves it, and what it does not prove"),
        ((rung.replace("_", " "), says) for rung, says in PROVES.items()),
    )
    return (_table(head, rows) or "<p>Nobody, as far as this file shows.</p>") + silent + meanings


def _withheld(evidence: Evidence, versions: Sequence[_Line]) -> str:
    rows = [(one.index, one.why) for one in evidence.withheld]
    rows += [
        (one.shown.index, f"version {one.signed.statement.version}: {one.shown.withheld}")
        for one in versions
        if one.shown.withheld
    ]
    return _table(("Entry", "Why"), rows)


def _parties(evidence: Evidence, lines: Sequence[_Line]) -> str:
    rows = [
        (value.id, value.name, one.shown.index, ", ".join(key.id for key in value.keys) or "none")
        for one in lines
        if isinstance(value := one.value, Party)
    ]
    return (
        _table(("Party", "Name", "By entry", "Keys from then on"), rows)
        + f"<p>Made {_utc(evidence.made)} for {escape(evidence.reader)}, in the theatre "
        f"{escape(evidence.theatre)}.</p>"
    )


def _log(evidence: Evidence) -> str:
    rows = []
    for note in map(parse_note, map(str.encode, evidence.checkpoints)):
        at = parse_checkpoint(note.text)
        rows.append((at.size, at.root.hex(), ", ".join(one.name for one in note.signatures)))
    policy = (
        f"<details><summary>Witness policy</summary><pre>{escape(evidence.policy)}</pre></details>"
    )
    return _table(("Entries", "Root", "Signed by"), rows) + policy


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
