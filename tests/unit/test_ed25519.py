"""Ed25519 at its edges, as the C2SP's CCTV has them: which signatures we take.

RFC 8032 leaves open what a verifier makes of points of small order and of points that
are not spelt canonically, and implementations differ. We take libsodium's answer (by way
of PyNaCl), for it is the strictest that is common:

* a public key or an R of small order is refused: a key of small order verifies one
  signature for many texts;
* a key or an R that is not spelt canonically is refused, and so is an S that is not below
  the group's order: each signature has one spelling;
* the equation is checked as it is written, without the cofactor: of keys with a component
  of small order, a signature is taken only where that component cancels out. No honest
  key has one.

So whatever we take, verifiers with and without the cofactor take as well. It matters where
two parties must agree on whether a note is signed, and an entry (core/entry.py), which the
same library verifies.
"""

import json
from pathlib import Path

import pytest

from detente.core.note import Note, SignatureLine, verify_note
from detente.core.note_key import SignatureType, VerifierKey, verify_text
from detente.errors import NotAuthentic

FILE = Path(__file__).parents[1] / "vectors/cctv/ed25519vectors.json"
VECTORS = json.loads(FILE.read_text())

TAKEN = {
    frozenset[str](),
    frozenset({"low_order_component_A"}),
    frozenset({"low_order_component_R", "low_order_component_A"}),
}
"""What may be odd about a signature that is taken: components that cancel out."""


def verifies(vector: dict[str, str]) -> bool:
    public = bytes.fromhex(vector["key"])
    key = VerifierKey(name="a", type=SignatureType.ED25519, public=public)
    try:
        verify_text(key, vector["msg"], bytes.fromhex(vector["sig"]))
    except NotAuthentic:
        return False
    return True


def test_what_is_taken_is_odd_in_nothing_but_components_that_cancel_out() -> None:
    assert len(VECTORS) == 914
    taken = [vector for vector in VECTORS if verifies(vector)]
    assert len(taken) == 43
    for vector in VECTORS:
        assert verifies(vector) == (frozenset(vector["flags"] or ()) in TAKEN), vector["number"]


def test_an_s_that_is_not_below_the_order_is_refused() -> None:
    order = (1 << 252) + 27_742_317_777_372_353_535_851_937_790_883_648_493
    vector = next(vector for vector in VECTORS if not vector["flags"])
    signature = bytes.fromhex(vector["sig"])
    s = int.from_bytes(signature[32:], "little")
    again = signature[:32] + (s + order).to_bytes(32, "little")
    assert verifies(vector)
    assert not verifies({**vector, "sig": again.hex()})


def test_a_key_of_small_order_signs_no_note() -> None:
    """The first vectors: a key of small order, and a signature that others take for any text."""
    vector = VECTORS[1]
    assert {"low_order_A", "low_order_R"} <= set(vector["flags"])
    key = VerifierKey(name="a", type=SignatureType.ED25519, public=bytes.fromhex(vector["key"]))
    line = SignatureLine(name="a", key_id=key.id, signature=bytes.fromhex(vector["sig"]))
    with pytest.raises(NotAuthentic):
        verify_note(Note(text=vector["msg"] + "\n", signatures=(line,)), [key])
