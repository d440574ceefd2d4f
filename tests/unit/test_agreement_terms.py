"""An agreement as people write it."""

from pathlib import Path

import pytest

from detente.core.agreement import Hotline, Rings, Rung, Separation
from detente.doors.agreement_toml import read_agreement
from detente.errors import MalformedInput

TERMS = """
name = "Fire air operations"
members = ["fire-air", "med-air"]
source_age_max_hours = 24

[separations.medical]
horizontal_m = 500
vertical_m = 150

[lead_time_hours]
medevac = 0.5

[hotline]
near_m = 5000
ladder = [{ after_s = 30, rings = "all_desks" }, { after_s = 90, rings = "all_members" }]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "terms.toml").write_text(text)
    return folder / "terms.toml"


def test_all_that_people_may_write_is_read(tmp_path: Path) -> None:
    found = read_agreement(written(tmp_path, TERMS))
    assert found.members == ("fire-air", "med-air")
    assert found.separations == {"medical": Separation(horizontal_mm=500_000, vertical_mm=150_000)}
    assert (found.source_age_max_s, dict(found.lead_times_s)) == (86_400, {"medevac": 1_800})
    assert found.hotline == Hotline(
        near_mm=5_000_000,
        ladder=(
            Rung(after_s=30, rings=Rings.ALL_DESKS),
            Rung(after_s=90, rings=Rings.ALL_MEMBERS),
        ),
    )


def test_what_is_not_written_is_as_it_is_by_itself(tmp_path: Path) -> None:
    assert read_agreement(written(tmp_path, 'name = "n"')).hotline == Hotline()
    near = read_agreement(written(tmp_path, 'name = "n"\n[hotline]\nnear_m = 1'))
    assert near.hotline == Hotline(near_mm=1_000)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("near_m = 5000", "near_km = 5", "near_km"),
        ("near_m = 5000", "near_m = -1", "hotline.near_m"),
        ("after_s = 90", "after_s = 20", "rising times"),
        ("after_s = 90", "after_s = 0", "after_s"),
        ('"all_members"', '"nobody"', "nobody"),
        ("horizontal_m = 500", 'horizontal_m = "far"', "separations"),
        ('name = "Fire air operations"', "", "name"),
    ],
)
def test_what_is_no_agreement_is_refused_by_name(
    tmp_path: Path, old: str, new: str, text: str
) -> None:
    with pytest.raises(MalformedInput, match=text):
        read_agreement(written(tmp_path, TERMS.replace(old, new)))
