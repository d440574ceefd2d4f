"""What "told" means (detente.core.told): the ladder, rung by rung."""

from pathlib import Path

import pytest

from detente.core.entry import Authorship
from detente.core.release import Grade
from detente.core.telling import Acknowledgement, Delivery, Level, Outcome
from detente.core.told import PROVES, Acknowledged, Rung, Standing, told

LEAF, OTHER = "a" * 64, "b" * 64


def delivery(leaf: str = LEAF, **parts: object) -> Delivery:
    given = {"source_id": "d", "to": "two", "how": "webhook", "entries": (leaf,)}
    return Delivery(**{**given, "outcome": Outcome.DELIVERED, **parts})  # type: ignore[arg-type]


def word(
    level: Level, *, own: bool = True, leaf: str = LEAF, to: str | None = None
) -> Acknowledged:
    return Acknowledged(
        value=Acknowledgement(source_id="a", party="two", entry=leaf, level=level, to=to),
        authorship=Authorship.OWN if own else Authorship.ATTESTED,
    )


CASES = {
    "nothing": ([], [], Standing(level=Rung.SENT)),
    "failed": ([delivery(outcome=Outcome.FAILED)], [], Standing(level=Rung.SENT)),
    "an area": ([delivery(grade=Grade.AREA)], [], Standing(level=Rung.SENT)),
    "failed, then taken": (
        [delivery(outcome=Outcome.FAILED), delivery(), delivery(outcome=Outcome.FAILED)],
        [],
        Standing(level=Rung.DELIVERED),
    ),
    "another entry": (
        [delivery(OTHER)],
        [word(Level.RECEIVED, leaf=OTHER)],
        Standing(level=Rung.SENT),
    ),
    "acknowledged": ([], [word(Level.DELIVERED)], Standing(level=Rung.ACKNOWLEDGED)),
    "the node's word": (
        [delivery()],
        [word(Level.PASSED_ON, own=False, to="a crew"), word(Level.RECEIVED, own=False)],
        Standing(level=Rung.DELIVERED, attested=(Level.PASSED_ON, Level.RECEIVED)),
    ),
    "passed on": (
        [],
        [
            word(Level.RECEIVED),
            word(Level.PASSED_ON, to="crew b"),
            word(Level.ACTED_ON, to="crew a"),
        ],
        Standing(level=Rung.PASSED_ON, to=("crew a", "crew b")),
    ),
    "acted on, and nobody named": ([], [word(Level.ACTED_ON)], Standing(level=Rung.ACKNOWLEDGED)),
    "a level named too early": (
        [],
        [word(Level.RECEIVED, to="a crew")],
        Standing(level=Rung.ACKNOWLEDGED),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_rung_takes_its_own_proof(case: str) -> None:
    deliveries, words, standing = CASES[case]
    found = told(
        LEAF, published=False, deliveries=deliveries, acknowledgements=words, recipients=["two"]
    )
    assert found == {"two": standing}


def test_published_is_above_sent_and_below_delivered() -> None:
    found = told(
        LEAF,
        published=True,
        deliveries=[delivery(), delivery(to="three", outcome=Outcome.FAILED)],
        acknowledgements=[],
    )
    assert found == {"two": Standing(level=Rung.DELIVERED), "three": Standing(level=Rung.PUBLISHED)}


def test_whoever_speaks_or_is_spoken_of_stands_in_the_answer() -> None:
    assert told(LEAF, published=False, deliveries=[], acknowledgements=[]) == {}
    words = [word(Level.RECEIVED)]
    assert set(told(LEAF, published=False, deliveries=[], acknowledgements=words)) == {"two"}


def test_the_page_says_of_each_rung_what_the_code_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "what-told-means.md").read_text()
    text = " ".join(page.split())
    assert [one.value for one in Rung] == [one.value for one in PROVES]
    for rung, says in PROVES.items():
        assert f"| {rung.value} | {says} |" in text
