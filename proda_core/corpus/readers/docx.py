"""Word files (.docx) by mammoth.

Headings, lists, tables and footnotes in their order; pictures, comments and deleted text left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers.broken import parsing
from proda_core.corpus.readers.html import html_words
from proda_core.corpus.readers.packed import ENCRYPTED_OFFICE, open_packed
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped


def read_docx(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    import mammoth

    data = source.read()
    if data.startswith(ENCRYPTED_OFFICE):
        raise UnreadableFile(
            source.name,
            "encrypted",
            "an Office file with a password, or of the old .doc form; save it as .docx without one",
        )
    with parsing(source.name, "Word"):
        with open_packed(data, source.name, options) as archive:
            title = (
                _title(archive.read("docProps/core.xml")) if "docProps/core.xml" in archive.namelist() else ""
            )
        html = mammoth.convert_to_html(
            BytesIO(data), convert_image=_no_image, include_embedded_style_map=False
        ).value
    text = html_words(html, source.name, "Word")
    if not text.strip():
        raise UnreadableFile(source.name, "no_text", "the document has no words; pictures are not read")
    yield RawText(source.name, text, {"title": title} if title else {})


def _no_image(_image: Any) -> list[Any]:
    return []


def _title(core: bytes) -> str:
    from lxml import etree

    root = etree.fromstring(core, etree.XMLParser(resolve_entities=False, no_network=True))
    return str(root.findtext("{http://purl.org/dc/elements/1.1/}title") or "").strip()
