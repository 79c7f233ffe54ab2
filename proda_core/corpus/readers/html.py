"""Web pages: the main text by trafilatura, without navigation, side columns, footers and comments.

``html_words`` renders HTML that is all text already (a chapter of a book, a converted Word file). Both give headings, lists
and tables as Markdown and nothing else as marks. Encodings: what the page declares if its bytes agree, else as for any
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from proda_core.corpus.decode import decode_bytes
from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers.broken import parsing
from proda_core.corpus.readers.markdown import without_marks
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped

_LARGEST = 20_000_000  # bytes: a page of that size is no page, and parsers take minutes for it
_LEFT_OUT = ("script", "style", "head", "nav", "noscript", "template", "svg", "rt", "rp")
_AROUND = ("header", "footer", "aside", "form", "button", "menu")


def read_html(source: Source, _options: ReadingOptions) -> Iterator[RawText | Dropped]:
    import trafilatura

    if source.size > _LARGEST:
        raise UnreadableFile(source.name, "too_large", f"a page of {source.size:,} bytes; split it")
    page = decode_html(source.read(), source.name)
    if not page.strip():
        raise UnreadableFile(source.name, "empty", "nothing but space")
    with parsing(source.name, "HTML"):
        text = trafilatura.extract(
            page, output_format="markdown", include_comments=False, include_tables=True, favor_recall=True
        )
        title = _title(page)
    # A page of a sentence or two has no main part that stands out: then what is no navigation by its tags.
    text = (text or "").strip() or html_words(page, source.name, "HTML", left_out=_AROUND)
    if not text:
        raise UnreadableFile(
            source.name, "no_text", "no main text found on the page; it may be drawn by script"
        )
    yield RawText(source.name, without_marks(text), {"title": title} if title else {})


def decode_html(data: bytes, name: str) -> str:
    """The page as text, by its declared encoding where the bytes bear it out."""
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(data[:4096], is_html=True)
    if declared and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        # Browsers read latin-1 as its superset.
        encoding = (
            "cp1252" if declared.lower() in ("iso-8859-1", "latin-1", "us-ascii", "ascii") else declared
        )
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            pass  # a wrong declaration: the bytes decide
    return decode_bytes(data, name)


def html_words(html: str, name: str, kind: str, *, left_out: tuple[str, ...] = ()) -> str:
    """All the text of a piece of HTML but the elements ``left_out``, as Markdown without inline marks."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    with parsing(name, kind):
        soup = BeautifulSoup(html, "lxml")
        for element in soup.find_all([*_LEFT_OUT, *left_out]):
            element.decompose()
        converter = MarkdownConverter(
            heading_style="ATX", bullets="-", escape_asterisks=False, escape_underscores=False, escape_misc=False,
            strip=["a", "img", "b", "strong", "i", "em", "code", "del", "s"], sup_symbol="", sub_symbol="",
        )  # fmt: skip
        text = str(converter.convert_soup(soup))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _title(page: str) -> str:
    from trafilatura.metadata import extract_metadata

    found: Any = extract_metadata(page)
    return str(found.title or "").strip() if found is not None else ""
