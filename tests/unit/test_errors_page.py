"""docs/errors.md, the table of codes and the errors themselves say the same."""

import importlib
import pkgutil
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import detente
from detente.doors.asgi_problem import MEANINGS, TABLE
from detente.errors import DetenteError

WORDS = sorted((Path(__file__).parents[2] / "web" / "src" / "words").glob("*.ts"))
PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()

NOT_PROBLEMS = {
    "error": "the base of all",
    "token_refused": "OAuth 2 has its own words (RFC 6749)",
    "declared_down": "F3548 has its own words",
    "no_telemetry": "F3548 has its own words",
    "too_many": "F3548 has its own words",
}
"""Codes that no problem has."""


def errors(kind: type[DetenteError] = DetenteError) -> Iterator[type[DetenteError]]:
    """All errors of ours, wherever they are."""
    yield kind
    for below in kind.__subclasses__():
        yield from errors(below)


def test_every_error_of_ours_has_a_code_of_the_table() -> None:
    with warnings.catch_warnings():
        # Of the framework, at import; they are no matter of codes.
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(detente.__path__, "detente."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    codes = {one.code for one in errors() if one.__module__.startswith("detente.")}
    assert codes - set(NOT_PROBLEMS) <= set(TABLE)
    assert not codes & set(NOT_PROBLEMS) & set(TABLE)


def test_the_page_has_the_codes_of_the_table_with_their_status_and_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert {code: (int(status), meaning) for code, status, meaning, _ in rows} == {
        code: (row.status, MEANINGS[code]) for code, row in TABLE.items()
    }
    assert len(rows) == len(TABLE)
    for _, _, _, what_to_do in rows:
        assert what_to_do.endswith(".")
    assert [int(row[1]) for row in rows] == sorted(int(row[1]) for row in rows)


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.stem)
def test_the_web_page_has_words_for_every_code_and_for_no_other(words: Path) -> None:
    told = re.findall(r'^  "refused\.(\w+)": "(.+)",$', words.read_text(), re.MULTILINE)
    assert [code for code, _ in told] == list(dict(told))
    assert set(dict(told)) == set(TABLE)


def test_the_web_page_is_in_six_languages() -> None:
    assert [words.stem for words in WORDS] == ["ar", "en", "fr", "ru", "tr", "uk"]


def test_the_page_names_every_member_of_a_problem() -> None:
    from detente.doors.asgi_problem import Problem  # noqa: PLC0415 - beside what it holds

    named = re.findall(r"`(\w+)`", PAGE.partition("No text")[0])
    assert set(Problem.__struct_fields__) | {"missing"} <= set(named)
