"""Exports of values, without a node; and the same, read again from what was written."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detente.core.agreement import Agreement
from detente.core.check import Known, Protected
from detente.core.pack import edition_of
from detente.core.release import Grade
from detente.core.view import Reader
from detente.doors.exports import FORMS
from detente.doors.files import Reading, ReadOptions, read
from detente.doors.files.reading import Kind
from detente.node.exporting import Export
from detente.node.layers import Item

AS_OF = datetime(2026, 1, 7, 12, tzinfo=UTC)
AGREED = Agreement(name="test")


def exported(values: Sequence[Protected], grade: Grade = Grade.FULL) -> Export:
    """An export of values, each an object of its own, in which a reader sees this much of them."""
    reader = Reader(party="two", agreement=AGREED, parties={}, grants={}, now=AS_OF)
    known = [
        Known(value=one, object_id=f"{number:032x}", sequence=number, version=1)
        for number, one in enumerate(values, start=1)
    ]
    views = [view for one in known if (view := reader.view(one, grade)) is not None]
    return Export(
        theatre="test", reader="two", as_of=AS_OF, expires=AS_OF + timedelta(hours=24),
        edition=edition_of(views), within="", agreement=AGREED,
        items=tuple(Item(view, reader) for view in views),
    )  # fmt: skip


def read_again(form: str, found: Export, kind: Kind) -> Reading:
    """What ``detente import`` reads of what was written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"out.{form}"
        path.write_bytes(FORMS[form].write(found))
        return read(path, ReadOptions(kind=kind, party="two", question_country=False))
