"""What alerts of calls and of the watch say in each language is what the page says in it."""

import re
from pathlib import Path

import pytest

from detente.core.alerts import Level
from detente.core.incident import MESSAGES, Act, Code
from detente.core.telling import Level as Taken
from detente.doors.cap import warning
from detente.doors.cap.calling import words

PAGE = Path(__file__).parents[2] / "web/src/words"


def test_every_message_is_said_in_every_language() -> None:
    assert next(iter(words())) == "en"
    assert {one.stem for one in PAGE.glob("*.ts")} == set(words())
    assert words()["en"].code == MESSAGES
    for one in words().values():
        assert set(one.code) == set(Code)
        assert set(one.act) == set(Act)


@pytest.mark.parametrize("language", words())
def test_they_are_the_words_of_the_page(language: str) -> None:
    page = (PAGE / f"{language}.ts").read_text("utf-8")
    said = dict(re.findall(r'^ *"hotline\.([a-z._]+)": "([^"]*)",$', page, re.MULTILINE))
    spoken = words()[language]
    assert said["asks"] == spoken.asks
    for name, known in {"code": spoken.code, "act": spoken.act}.items():
        assert {each: said[f"{name}.{each}"] for each in known} == known


WATCH = {
    "informs": "informs", "somebody": "somebody", "something": "something-of",
    "lost": "lost-track", "now": "now", "minutes": "minutes", "far": "far",
    "doubted": "doubted", "nears": "new", "silent": "new-silence", "taken": "taken",
}  # fmt: skip
"""What an alert of the watch says, and how the page calls it."""


def test_alerts_of_the_watch_are_said_in_every_language() -> None:
    assert list(warning.words()) == list(words())
    for one in warning.words().values():
        assert set(one.level) == set(Level)
        assert set(one.acknowledged) == set(Taken)


@pytest.mark.parametrize("language", words())
def test_and_in_the_words_of_the_page(language: str) -> None:
    page = (PAGE / f"{language}.ts").read_text("utf-8")
    said = dict(re.findall(r'^ *"([a-z._-]+)": "([^"]*)",$', page, re.MULTILINE))
    spoken = warning.words()[language]
    assert {one: said[f"watch.{name}"] for one, name in WATCH.items()} == {
        one: getattr(spoken, one) for one in WATCH
    }
    assert {one: said[f"watch.level.{one}"] for one in Level} == spoken.level
    assert {one: said[f"level.{one}"] for one in Taken} == spoken.acknowledged
