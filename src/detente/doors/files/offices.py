"""What a ZIP is that an office made, by the names in it."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from detente.errors import MalformedInput

SAVE_AS = "an Excel workbook (.xlsx), or CSV in UTF-8 as spreadsheets save it"
"""What is read of what spreadsheets save."""

_OTHERS = {
    "xl/workbook.bin": "a binary Excel workbook (.xlsb)",
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "content.xml": "an OpenDocument file (.ods, .odt)",
    "index/document.iwa": "a file of Numbers or Pages",
}


def is_workbook(path: Path, file: IO[bytes]) -> bool:
    """Whether a ZIP holds the sheets of an Excel workbook, as XML.

    Raises:
        MalformedInput: It is another file of an office.
    """
    names = set(_names(file))
    for name, got in _OTHERS.items():
        if name in names:
            raise MalformedInput(f"{path}", expected=SAVE_AS, got=got)
    return any(name.startswith("xl/") and name.endswith(".xml") for name in names)


def _names(file: IO[bytes]) -> Iterator[str]:
    try:
        with zipfile.ZipFile(file) as packed:
            yield from (name.replace("\\", "/").lower() for name in packed.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        # Damaged, which its reader says.
        return
