"""Patterns mean the same in Python's ``re``, which checks them, and in the schema's ECMA-262."""

import ast
import re
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

import detente
from detente.core.agreement import CategoryOrRest, Vkey
from detente.core.entry import Hash
from detente.core.party import Category, KeyId, PartyId
from detente.core.subscription import KindName
from detente.core.telling import Leaf
from detente.core.uss import ObjectId

LOOSE = "^a$"
SOURCE = Path(detente.__file__).parent
WHOLE: dict[object, str] = {
    PartyId: "one", KeyId: "0" * 16, Category: "medical", CategoryOrRest: "*", Hash: "0" * 64,
    Leaf: "0" * 64, ObjectId: "0" * 32, KindName: "notice", Vkey: "a/b+00000000+AAAA",
}  # fmt: skip


def patterns() -> list[tuple[str, str]]:
    """Where each pattern of the schema stands, and what it is."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        named = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "pattern":
                value = (
                    named[node.value.id]
                    if isinstance(node.value, ast.Name)
                    else ast.literal_eval(node.value)
                )
                found.append((f"{path.name}:{node.value.lineno}", str(value)))
    return found


def test_each_pattern_begins_and_ends_where_the_text_does() -> None:
    """In ``re``, ``$`` is before a newline at the end as well; in ECMA-262 it is not."""
    found = patterns()
    assert len(found) > 20
    for where, pattern in found:
        if r"[^\x00]*" in pattern:
            continue  # Any text, newlines and all.
        assert pattern.startswith("^"), where
        assert pattern.endswith(r"$(?!\n)"), (
            f"{where}: $ alone lets a newline in; $(?!\\n) does not"
        )


@pytest.mark.parametrize("kind", WHOLE, ids=str)
def test_a_name_has_no_newline_at_its_end(kind: object) -> None:
    good = WHOLE[kind]
    assert msgspec.convert(good, kind) == good
    for wrong in (f"{good}\n", f"\n{good}", f"{good}\nx", f"{good}\r\n"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, kind)
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(msgspec.json.encode(wrong), type=kind)
    schema = msgspec.json.schema(kind)
    assert re.search(schema["pattern"], good)


def test_what_re_does_with_a_newline_at_the_end() -> None:
    """Why the patterns say so: were it otherwise one day, they could be shorter."""
    assert re.search("^a$", "a\n")
    assert not re.search(r"^a$(?!\n)", "a\n")
    assert msgspec.convert("a\n", Annotated[str, Meta(pattern=LOOSE)])
