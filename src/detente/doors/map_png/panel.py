"""The panel beside a map picture: the answer in words, and what the symbols mean."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from detente.core.check import Finding, Verdict, VerdictKind
from detente.core.plan import Plan
from detente.core.volume import MM_PER_M
from detente.doors.answer import WORDS, metres, source_problem, utc
from detente.doors.map_png import style
from detente.doors.map_png.entries import GRAVITY, Asked
from detente.doors.map_png.legend import Item
from detente.doors.map_png.naming import distance, standing
from detente.doors.map_png.page import HEIGHT_PX, Page, Type

LEFT_PX, RIGHT_PX = 1318.0, 1766.0
TOP_PX, BOTTOM_PX = HEIGHT_PX - 44.0, 40.0
GLOBE_PX = 118.0

_WIDTH = RIGHT_PX - LEFT_PX
_HEAD = Type(size_pt=6.4, colour=style.FAINT_INK, bold=True)
_BODY = Type(size_pt=7.0, colour=style.SOFT_INK)
_INDENT_PX = 34.0
_LINE_PX = 19.0
_SOURCES_MAX = 4
_TITLE_SIZES = ((12.5, 2), (10.0, 2), (8.5, 3))
"""Points, and how many lines of them."""


class Detail(NamedTuple):
    """How much is said of each plan: when and how high, and how many findings."""

    when: bool
    findings: int


_DETAILS = (
    *(Detail(when=True, findings=count) for count in (8, 5, 4, 3, 2, 1)),
    *(Detail(when=False, findings=count) for count in (2, 1)),
)
"""The richest that fits is taken; if none fits, a line a plan."""


class Told(NamedTuple):
    """What the panel says."""

    title: str
    asked: Sequence[Asked]
    legend: Sequence[Item]
    notes: Sequence[str]


def draw_panel(page: Page, told: Told) -> None:
    """Title and counts from the top, sentence and legend from the bottom, plans between."""
    top = _draw_head(page, told)
    bottom = _draw_foot(page, told)
    bottom = _draw_legend(page, told, bottom)
    _draw_plans(page, told.asked, top, bottom)


def _draw_head(page: Page, told: Told) -> float:
    """Eyebrow, title, what the answer stands on, counts; returns where the plans begin."""
    y = TOP_PX - 12
    page.text(LEFT_PX, y, "DÉTENTE CHECK", _HEAD)
    y = _draw_title(page, told.title, y) - 6
    last = told.asked[0].verdict
    register = f"Register version {last.sequence:,}" if last.sequence else "From files, no register"
    for words in (f"As of {utc(last.as_of)}", register):
        y -= 23
        page.text(LEFT_PX, y, words, _BODY)
    y = min(y, TOP_PX - GLOBE_PX) - 22
    return _draw_counts(page, told.asked, y)


def _draw_title(page: Page, title: str, y: float) -> float:
    """The title as large as it fits beside the globe; returns its last baseline."""
    room = _WIDTH - GLOBE_PX - 18
    for size_pt, most in _TITLE_SIZES:
        how = Type(size_pt=size_pt, bold=True)
        lines = _wrapped(page, title, how, room, most)
        if not lines[-1].endswith("…"):
            break
    for line in lines:
        y -= 8 + 2 * size_pt
        page.text(LEFT_PX, y, line, how)
    return y


def _draw_counts(page: Page, asked: Sequence[Asked], y: float) -> float:
    """How many plans got which verdict, the gravest first."""
    counts = Counter(one.verdict.verdict for one in asked)
    page.line((LEFT_PX, RIGHT_PX), (y, y), style.HAIRLINE, 0.8)
    x = LEFT_PX
    kinds = sorted((kind for kind in VerdictKind if counts[kind]), key=lambda kind: -GRAVITY[kind])
    for kind in kinds:
        colour = style.VERDICTS[kind].ink
        number, words = Type(15.0, colour, bold=True), Type(7.0, colour, bold=True)
        page.badge(x + 11, y - 30, kind)
        page.text(x + 29, y - 42, f"{counts[kind]:,}", number)
        page.text(x, y - 66, WORDS[kind], words)
        wide = max(page.width(WORDS[kind], words), 29 + page.width(f"{counts[kind]:,}", number))
        x += wide + 30
    y -= 84
    page.line((LEFT_PX, RIGHT_PX), (y, y), style.HAIRLINE, 0.8)
    return y


def _draw_foot(page: Page, told: Told) -> float:
    """The sentence, the counts, and what could not be asked; returns where they begin."""
    y = BOTTOM_PX
    page.text(LEFT_PX, y, "A check informs; it never permits.", Type(8.6, bold=True))
    verdict = told.asked[0].verdict
    withheld = sum(one.verdict.counts.withheld for one in told.asked)
    lines = [f"{_entries(verdict.counts.stale)} stale, {withheld:,} withheld."]
    lines += told.notes
    for words in reversed(lines):
        for line in reversed(_wrapped(page, words, _BODY, _WIDTH, most=3)):
            y += 24 if y == BOTTOM_PX else _LINE_PX
            page.text(LEFT_PX, y, line, _BODY)
    y += 6
    for line in reversed(_problems(page, verdict)):
        y += _LINE_PX
        page.text(LEFT_PX, y, line, _BODY._replace(colour=_INCOMPLETE, bold=True))
    return y + 32


_INCOMPLETE = style.VERDICTS[VerdictKind.INCOMPLETE].ink


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _problems(page: Page, verdict: Verdict) -> list[str]:
    """What was wrong with what was asked; a long list is cut with its count."""
    how = _BODY._replace(bold=True)
    out: list[str] = []
    for source in verdict.sources[:_SOURCES_MAX]:
        out += _wrapped(page, source_problem(source), how, _WIDTH)
    more = len(verdict.sources) - _SOURCES_MAX
    if more > 0:
        out.append(f"and {more} more sources with problems")
    return out


def _draw_legend(page: Page, told: Told, bottom: float) -> float:
    """Samples in one column or two; returns where the legend begins."""
    how = Type(size_pt=7.0)
    rows = [list(told.legend[k : k + 2]) for k in range(0, len(told.legend), 2)]
    y = bottom
    for row in reversed(rows):
        for column, item in enumerate(row):
            x = LEFT_PX + column * (_WIDTH / 2 + 4)
            item.draw(page, x + 16, y + 5)
            room = _WIDTH / 2 - 44
            page.text(x + 40, y, page.fitted(item.words, how, room), how)
        y += 24
    if rows:
        page.text(LEFT_PX, y + 6, "ON THE MAP", _HEAD)
        y += 34
        page.line((LEFT_PX, RIGHT_PX), (y, y), style.HAIRLINE, 0.8)
    return y


def _draw_plans(page: Page, asked: Sequence[Asked], top: float, bottom: float) -> None:
    """The plans with as much of their findings as there is room for."""
    y = top - 28
    page.text(LEFT_PX, y, "PLANS", _HEAD)
    note = "altitudes above the WGS 84 ellipsoid"
    room = y - 14 - (bottom + 14)
    for detail in _DETAILS:
        heights = [_height(one, detail) for one in asked]
        if sum(heights) <= room:
            if detail.when:
                page.text(RIGHT_PX, y, note, Type(6.2, style.FAINT_INK), align="right")
            y -= 14
            for one, height in zip(asked, heights, strict=True):
                _draw_plan(page, one, y, detail)
                y -= height
            return
    _draw_list(page, asked, y - 14, bottom + 14)


def _shown(one: Asked, detail: Detail) -> int:
    """Findings listed: a line that would say "and 1 more" may as well name it."""
    count = len(one.verdict.findings)
    return count if count <= detail.findings + 1 else detail.findings


def _height(one: Asked, detail: Detail) -> float:
    rows = min(len(one.verdict.findings), detail.findings + 1)
    return 52.0 + _LINE_PX * (rows + detail.when)


def _draw_plan(page: Page, one: Asked, y: float, detail: Detail) -> None:
    """Badge and name; verdict; band and time; the gravest findings."""
    verdict = one.verdict
    name = Type(size_pt=8.0, bold=True)
    word = Type(7.0, style.VERDICTS[verdict.verdict].ink, bold=True)
    x, room = LEFT_PX + _INDENT_PX, _WIDTH - _INDENT_PX
    page.badge(LEFT_PX + 12, y - 14, verdict.verdict, str(one.number))
    page.text(x, y - 20, page.fitted(one.plan.name or one.plan.source_id, name, room), name)
    page.text(x, y - 40, _verdict_words(verdict), word)
    y -= 40
    if detail.when:
        y -= _LINE_PX
        page.text(x, y, page.fitted(f"{band(one.plan)}; {window(one.plan)}", _BODY, room), _BODY)
    shown = _shown(one, detail)
    for found in verdict.findings[:shown]:
        y -= _LINE_PX
        _draw_finding(page, found, x, y)
    more = len(verdict.findings) - shown
    if more:
        words = f"and {more:,} more {_findings(more)}"
        page.text(x + 16, y - _LINE_PX, words, _BODY._replace(italic=True))


def _draw_finding(page: Page, found: Finding, x: float, y: float) -> None:
    """The gravity as a dot, what is met, how near; on one line."""
    how = Type(size_pt=7.0)
    far = distance(found)
    if standing(found):
        far = f"{standing(found)}; {far}"
    room = RIGHT_PX - x - page.width(far, _BODY) - 30
    page.dot(x + 4, y + 5, style.VERDICTS[found.severity].colour)
    page.text(x + 16, y, page.fitted(found.name, how, room), how)
    page.text(RIGHT_PX, y, far, _BODY, align="right")


def _verdict_words(verdict: Verdict) -> str:
    count = len(verdict.findings)
    return WORDS[verdict.verdict] + (f", {count:,} {_findings(count)}" if count else "")


def _findings(count: int) -> str:
    return "finding" if count == 1 else "findings"


def _draw_list(page: Page, asked: Sequence[Asked], top: float, bottom: float) -> None:
    """A line a plan, and how many are not listed, by verdict."""
    how, row = Type(size_pt=7.2), 27.0
    fits = int((top - bottom) / row)
    if fits < len(asked):
        fits = int((top - bottom - 2 * _LINE_PX) / row)
    y = top
    for one in asked[:fits]:
        page.badge(LEFT_PX + 12, y - 12, one.verdict.verdict, str(one.number))
        word = _verdict_words(one.verdict)
        colour = style.VERDICTS[one.verdict.verdict].ink
        page.text(RIGHT_PX, y - 17, word, how._replace(colour=colour), align="right")
        room = _WIDTH - _INDENT_PX - page.width(word, how) - 14
        name = page.fitted(one.plan.name or one.plan.source_id, how._replace(bold=True), room)
        page.text(LEFT_PX + _INDENT_PX, y - 17, name, how._replace(bold=True))
        y -= row
    rest = Counter(one.verdict.verdict for one in asked[fits:])
    if rest:
        parts = [f"{count:,} {WORDS[kind]}" for kind, count in rest.items()]
        words = f"and {sum(rest.values()):,} more plans: {', '.join(parts)}"
        for line in _wrapped(page, words, _BODY._replace(italic=True), _WIDTH - _INDENT_PX):
            y -= _LINE_PX
            page.text(LEFT_PX + _INDENT_PX, y, line, _BODY._replace(italic=True))


def _wrapped(page: Page, words: str, how: Type, room: float, most: int = 2) -> list[str]:
    """Words in lines that fit the room; the last is cut with an ellipsis."""
    lines: list[str] = []
    rest = words.split()
    while rest and len(lines) < most - 1:
        count = len(rest)
        while count > 1 and page.width(" ".join(rest[:count]), how) > room:
            count -= 1
        lines.append(page.fitted(" ".join(rest[:count]), how, room))
        rest = rest[count:]
    if rest:
        lines.append(page.fitted(" ".join(rest), how, room))
    return lines


def band(plan: Plan) -> str:
    """The altitudes between which a plan stays."""
    lows = [volume.lower_mm for volume in plan.volumes]
    highs = [volume.upper_mm for volume in plan.volumes]
    low = None if None in lows else min(low for low in lows if low is not None)
    high = None if None in highs else max(high for high in highs if high is not None)
    if low is None:
        return "all altitudes" if high is None else f"up to {metres(high / MM_PER_M)}"
    if high is None:
        return f"from {metres(low / MM_PER_M)} up"
    return f"{metres(low / MM_PER_M)} to {metres(high / MM_PER_M)}"


def window(plan: Plan) -> str:
    """The time from the first start to the last end."""
    starts = [volume.start for volume in plan.volumes]
    ends = [volume.end for volume in plan.volumes]
    start = None if None in starts else min(start for start in starts if start is not None)
    end = None if None in ends else max(end for end in ends if end is not None)
    if start is None and end is None:
        return "no time set"
    if start is None:
        return f"until {_minute(end)}"
    if end is None:
        return f"from {_minute(start)}"
    same_day = utc(start)[:10] == utc(end)[:10]
    return f"{_minute(start)[:-1]} to {utc(end)[11:16] + 'Z' if same_day else _minute(end)}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _minute(time: datetime | None) -> str:
    """As 13 Jan 2025 18:00Z."""
    text = utc(time)
    return f"{int(text[8:10])} {_MONTHS[int(text[5:7]) - 1]} {text[:4]} {text[11:16]}Z"
