"""The evidence file's bytes, its map and its page, apart from any node."""

import re
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from msgspec.structs import replace
from nacl.signing import SigningKey

from detente.core import evidence as module
from detente.core.entry import EntryKind
from detente.core.evidence import Evidence, Later, Told, added, newest, sealed
from detente.core.note import render_note, sign_note
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.doors.evidence_map import svg
from detente.errors import MalformedInput
from detente.verify import Checkpoint, Policy, canonical, grown, included, key_of
from logs import LOG as LOG_SIGNER
from logs import NORTH, ORIGIN, SOUTH, Tree

KEY = SigningKey(b"k" * 32)
EMPTY = Evidence(
    made=datetime(2026, 1, 1, tzinfo=UTC), reader="node", theatre="test", object="0" * 32,
    kind=EntryKind.NOTICE, checkpoints=(), consistency=(), entries=(), policy="quorum none\n",
    told=(Told(version=1, party="<b>\u2028\U0001f642\x01&</script>"),), silences=(), withheld=(),
)  # fmt: skip


def test_the_file_is_the_page_around_one_block_in_its_one_spelling() -> None:
    data = sealed(EMPTY, (b"<p>", b"</p>"), KEY)
    found = re.fullmatch(rb"<p><script[^>]*>([^<]*)</script></p>", data, re.DOTALL)
    assert found is not None
    import json  # noqa: PLC0415

    assert canonical(json.loads(found[1])).replace(b"<", b"\\u003c") == found[1]


def test_a_file_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVIDENCE_BYTES_MAX", 100)
    with pytest.raises(MalformedInput, match="at most 100 bytes"):
        sealed(EMPTY, (b"", b""), KEY)


def test_a_checkpoint_is_added_to_a_file_in_its_one_spelling() -> None:
    holds = replace(EMPTY, checkpoints=("first",))
    data = sealed(holds, (b"<p>", b"</p>"), KEY)
    assert newest(data) == (replace(holds, page=sha256(b"<p></p>").hexdigest()), "first")
    more = added(added(data, Later(checkpoint="<2>", consistency=("h",))), LATER)
    assert newest(more) == (newest(data)[0], LATER.checkpoint)
    before, _, after = more.partition(b',"later":[')
    assert data.startswith(before)
    assert after.startswith(b'{"checkpoint":"\\u003c2>","consistency":["h"]},{"checkpoint":"third"')
    for wrong, why in (
        (b"", "evidence file"),
        (data.replace(module.OPENS, b"<script>"), "evidence file"),
        (data[: -len(b"</p>") - len(module.CLOSES)], "a block of evidence, got none"),
        (data.replace(b'{"evidence"', b'"evidence"'), "got `str`"),
        (data.replace(b'"seal"', b' "seal"'), "spelt otherwise"),
        (sealed(EMPTY, (b"", b""), KEY), "expected a checkpoint"),
    ):
        with pytest.raises(MalformedInput, match=why):
            newest(wrong)


LATER = Later(checkpoint="third", consistency=())


def test_the_verifiers_proofs_are_the_logs() -> None:
    tree = Tree([b"%d" % number for number in range(20)])
    for size in range(1, 21):
        for index in range(size):
            leaf = included(_leaf(tree, index), index, size, tree.inclusion(index, size))
            assert leaf == tree.at(size).root
        for old in range(1, size):
            roots = grown(old, size, tree.growth(old, size), tree.at(old).root)
            assert roots == (tree.at(old).root, tree.at(size).root)
    for proof in (tree.inclusion(3, 9)[:-1], [*tree.inclusion(3, 9), b"x" * 32]):
        with pytest.raises(ValueError, match="too"):
            included(_leaf(tree, 3), 3, 9, proof)
    with pytest.raises(ValueError, match="beyond"):
        included(_leaf(tree, 3), 9, 9, [])


def _leaf(tree: Tree, index: int) -> bytes:
    from detente.core.merkle import leaf_hash  # noqa: PLC0415

    return leaf_hash(tree.entries[index])


def test_a_quorum_is_counted_as_the_policy_says() -> None:
    text = Tree([b"a"]).at(1).text
    note = render_note(sign_note(text, [LOG_SIGNER, NORTH], timestamp=7)).decode()
    point = Checkpoint(note)
    assert (point.origin, point.size) == (ORIGIN, 1)
    assert point.by(LOG_SIGNER.verifier.vkey) == [0]
    assert (point.by(NORTH.verifier.vkey), point.by(SOUTH.verifier.vkey)) == ([7], [])
    keys = f"witness n {NORTH.verifier.vkey}\nwitness s {SOUTH.verifier.vkey} https://s.example\n"
    for rule, met in (
        ("quorum n", True),
        ("quorum s", False),
        ("group g any n s\nquorum g", True),
        ("group g all n s\nquorum g", False),
        ("group g 1 n s\ngroup h all g\nquorum h", True),
        ("group g 0 s\nquorum g", False),
        ("# a comment\nquorum none", False),
    ):
        assert Policy(f"{keys}{rule}\n").met(point) is met, rule
    # The log's own signature is no witness's, whatever a policy calls it.
    assert not Policy(f"witness l {LOG_SIGNER.verifier.vkey}\nquorum l\n").met(point)
    assert key_of(NORTH.verifier.vkey)[1] == NORTH.verifier.id


SHAPES: dict[str, Shape] = {
    "point": Circle(centre=(0, 0)),
    "pole": Circle(centre=(0, 900_000_000), radius_mm=5_000_000),
    "antimeridian": Corridor(
        line=((1_799_000_000, 10_000_000), (-1_799_000_000, 10_000_000)), width_mm=1_000_000
    ),
    "hole": Polygon(
        rings=(
            ((0, 0), (1_000_000, 0), (1_000_000, 1_000_000), (0, 1_000_000)),
            ((400_000, 400_000), (600_000, 400_000), (500_000, 600_000)),
        ),
        buffer_mm=50_000,
    ),
    "half the world": Polygon(rings=(((0, 0), (900_000_000, 0), (450_000_000, 800_000_000)),)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_map_shows_any_shape_with_a_scale_and_a_graticule(name: str) -> None:
    drawn = svg([Volume(footprint=(SHAPES[name],))])
    assert re.search(r">(1|2|5)0* (m|km); north is up<", drawn)
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert len(re.findall(r'class="grid">[\d.]+° [EWNS]<', drawn)) >= 4
    inside = re.search(r'class="(area|corridor|line)"', drawn)
    assert inside is not None


def test_what_is_a_kilometre_wide_is_drawn_to_scale() -> None:
    drawn = svg([Volume(footprint=(Circle(centre=(0, 0), radius_mm=1_000_000),))])
    radius = float(re.search(r' r="([\d.]+)"', drawn)[1])  # type: ignore[index] # it is drawn
    bar = float(re.search(r"H([\d.]+)V", drawn)[1]) - 12  # type: ignore[index]
    assert "500 m; north is up" in drawn
    assert radius / bar == pytest.approx(2, rel=0.01)


def test_nothing_has_no_map() -> None:
    assert svg([]) == ""
