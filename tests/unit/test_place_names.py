"""Names on the page's map: what scripts/place_names.py wrote, held against its own rules."""

import gzip
import json
import unicodedata
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from detente.core.geodesy import GEOD

SCRIPTS = ("LATIN", "CYRILLIC", "ARABIC", "LATIN", "CYRILLIC")
Names = dict[str, Any]


@pytest.fixture(scope="module")
def names() -> Names:
    data = files("detente.data").joinpath("place_names.json.gz").read_bytes()
    found: Names = json.loads(gzip.decompress(data))
    return found


def test_each_name_is_in_its_languages_script(names: Names) -> None:
    for _, _, _, name, *others in names["cities"]:
        for one, script in zip(others, SCRIPTS, strict=True):
            letters = [letter for letter in one or "" if letter.isalpha()]
            assert all(script in unicodedata.name(letter) for letter in letters), (name, one)
            assert one is None or letters, name
            assert one != name


def test_cities_are_in_the_order_of_their_rank_and_apart(names: Names) -> None:
    cities = names["cities"]
    ranks = [rank for _, _, rank, *_ in cities]
    assert ranks == sorted(ranks)
    assert set(ranks) == set(range(5))
    # By strips of latitude: what is farther from each other than two of them is not near.
    places = np.array(sorted((lat, lon) for lon, lat, *_ in cities))
    for step in range(1, 60):
        first, then = places[:-step], places[step:]
        near = (then[:, 0] - first[:, 0]) < 0.12
        _, _, metres = GEOD.inv(first[near, 1], first[near, 0], then[near, 1], then[near, 0])
        # Places are rounded to 0.001 degree.
        assert (np.asarray(metres) >= 11_700).all()


@pytest.mark.parametrize(
    ("english", "others"),
    [
        ("Aleppo", ["Alep", "Алеппо", "حلب", "Halep", "Алеппо"]),
        ("Raqqa", [None, "Ар-Ракка", "الرقة", "Rakka", "Ракка"]),  # noqa: RUF001
        # Of three sources one has Peterburg, and one Magnesia ad Sipylum.
        (
            "Saint Petersburg",
            ["Saint-Pétersbourg", "Санкт-Петербург", "سانت بطرسبرغ", "Sankt Peterburg",
             "Санкт-Петербург"],
        ),
        ("Manisa", [None, "Маниса", None, None, None]),
    ],
)  # fmt: skip
def test_some_that_people_know(names: Names, english: str, others: list[str | None]) -> None:
    assert [rest for _, _, _, name, *rest in names["cities"] if name == english] == [others]
