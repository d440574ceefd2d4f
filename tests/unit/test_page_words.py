"""What the node says by a code or kind has words on the page, in each of its languages."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from detente.core import alerts, check, doubts, heard, incident, notice, release, report, telling
from detente.core.agreement import AgreementState, Rings
from detente.core.availability import AvailabilityState
from detente.core.entry import EntryKind
from detente.core.plan import PlanState
from detente.core.warned import WarnedState
from detente.core.zone_rule import ZoneRule
from detente.doors.files.columns import SPELLINGS
from detente.doors.files.reading import Doubted
from detente.errors import (
    Conflict,
    LogInconsistent,
    NotAuthentic,
    NotFound,
    NotPermitted,
    RateLimited,
    Unavailable,
)
from detente.node.budget import SPENT
from detente.node.check import REGISTER
from detente.node.feeding import Broken
from detente.node.quarantine import Unread
from detente.node.watching import NOT_YET

SOURCE = Path(__file__).parents[2] / "web" / "src"
WORDS = sorted((SOURCE / "words").glob("*.ts"))

STATES = (
    *PlanState, *AgreementState, *report.ReportState, *AvailabilityState, *telling.Contested,
    *WarnedState,
)  # fmt: skip
WATCH = (NOT_YET, Unavailable.code, LogInconsistent.code)
"""Why the watch could not look, beside what is wrong with a feed."""

REFUSALS = (Conflict, NotAuthentic, NotFound, NotPermitted, RateLimited, Unavailable)
"""Why what a device sent was refused, beside what is wrong with it."""

GROUPS: dict[str, Iterable[str]] = {
    "grade": release.Grade,
    "hotline.act": incident.Act,
    "hotline.code": incident.Code,
    "hotline.rings": Rings,
    "kind": EntryKind,
    "level": ("none", *telling.Level),
    "look-state": STATES,
    "look-verification": notice.Verification,
    "problem": (*WATCH, *Broken),
    "remark": Doubted,
    "rule": ZoneRule,
    "source": (REGISTER, SPENT.name),
    "speak.grade": release.Grade,
    "speak.guard": notice.Guard,
    "speak.reliability": report.Reliability,
    "unread": (*Unread, *(one.code for one in REFUSALS)),
    "verdict": check.VerdictKind,
    "watch.doubt": doubts.Doubt,
    "watch.kind": ("person", *heard.Craft),
    "watch.level": alerts.Level,
}


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.stem)
def test_each_value_of_the_node_has_words_and_no_other_has(words: Path) -> None:
    told = re.findall(r'^  "([\w-]+(?:\.[\w-]+)*)\.([\w -]+)":', words.read_text(), re.MULTILINE)
    named: dict[str, list[str]] = {}
    for group, value in told:
        named.setdefault(group, []).append(value)
    assert {group: sorted(named[group]) for group in GROUPS} == {
        group: sorted({str(one).lower() for one in values}) for group, values in GROUPS.items()
    }


def test_each_field_of_a_file_has_a_name() -> None:
    table = (SOURCE / "fields.ts").read_text().partition("FIELDS")[2].partition("};")[0]
    assert set(SPELLINGS) <= set(re.findall(r"^  (\w+):", table, re.MULTILINE))
