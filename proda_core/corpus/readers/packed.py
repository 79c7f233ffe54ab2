"""Zip containers (Word, EPUB, .zip itself) opened with what they unpack to in view.

A bomb is refused before anything is unpacked.
"""

from __future__ import annotations

import zipfile
from io import BytesIO

from proda_core.corpus.raw import ReadingOptions, Source
from proda_core.errors import UnreadableFile

ENCRYPTED_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MOST_ENTRIES = 100_000


def open_packed(data: bytes, name: str, options: ReadingOptions) -> zipfile.ZipFile:
    """The zip; UnreadableFile "archive_too_large" when it says that it unpacks to more than ``archive_bytes``.

    Python's zipfile reads no more of a member than its entry states: one that lies is cut off there and fails its checksum.
    """
    archive = zipfile.ZipFile(BytesIO(data))
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > options.archive_bytes or len(entries) > _MOST_ENTRIES:
        raise UnreadableFile(
            name,
            "archive_too_large",
            f"{len(entries):,} entries that unpack to {unpacked:,} bytes; corpus.archive_bytes allows {options.archive_bytes:,}",
        )
    return archive


def kind_of_zip(source: Source) -> str:
    """What lies in a zip that has no telling name: docx, epub, zip, or "" when it is none."""
    try:
        with source.open() as handle, zipfile.ZipFile(handle) as archive:
            names = set(archive.namelist())
    except (OSError, EOFError, ValueError, LookupError, NotImplementedError, zipfile.BadZipFile):
        return ""
    if "word/document.xml" in names:
        return "docx"
    return "epub" if "META-INF/container.xml" in names else "zip"
