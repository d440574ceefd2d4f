"""What alerts of calls say in each language is what the page says in it."""

import re
from pathlib import Path

import pytest

from detente.core.incident import MESSAGES, Act, Code
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
