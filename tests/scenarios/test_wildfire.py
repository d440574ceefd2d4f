"""The demo as a newcomer runs it; test_wildfire.md tells it."""

import struct
from pathlib import Path

from cli import detente


def test_demo(tmp_path: Path) -> None:
    """Conflicts are found, the record verifies, one altered byte is caught."""
    ran = detente("demo", cwd=tmp_path)
    assert ran.status == 0, ran.err
    for text in (
        "entries 4 to 180: 177 notices signed by med-air",
        "SANTA MONICA - UCLA MEDICAL CENTER",
        "PROVIDENCE ST. JOHN'S HEALTH CENTER",
        "Medevac, Verdugo Hills to Ronald Reagan",
        "8 plans: 2 no known conflict, 1 coordinate, 5 conflict.",
        "A check informs; it never permits.",
        "consistent: every signature, chain, commitment and hash holds",
        "NOT CONSISTENT, 1 problems:\n  check 4, entry 47",
    ):
        assert text in ran.out
    picture = (tmp_path / "detente-demo" / "los-angeles.png").read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (1_800, 1_200)
    left = {path.name for path in (tmp_path / "detente-demo").iterdir()}
    assert left == {"los-angeles.db", "los-angeles.keys", "los-angeles.png"}


def test_again(tmp_path: Path) -> None:
    """The demo can be run again."""
    first, second = (detente("demo", "wildfire", cwd=tmp_path) for _ in range(2))
    assert (first.status, second.status) == (0, 0)
    table = "8 plans: 2 no known conflict, 1 coordinate, 5 conflict."
    assert table in first.out
    assert table in second.out
