"""PDF by pdfium: opened (with a password where one fits), read page by page, put in reading order, freed of what is not its
text.

Pages that are pictures, or whose fonts name no characters, are named and left out, and so are running heads and lines of a
table of contents; a file that has nothing else is refused with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers.broken import parsing
from proda_core.corpus.readers.pdf.heads import find_heads, is_contents_line
from proda_core.corpus.readers.pdf.order import columns_of
from proda_core.corpus.readers.pdf.page import FEW, Line, Page, read_page
from proda_core.corpus.readers.pdf.paragraphs import body_size, paragraphs_of
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped

_NO_TITLE = re.compile(
    r"^(?:microsoft word\b.*|untitled.*|.*\.(?:docx?|tex|dvi|indd|qxd|pdf|rtf|odt|pptx?|html?|md|txt))$",
    re.IGNORECASE,
)
_OCR = "read it with OCR first (ocrmypdf, for one)"
_UNMAPPED = 0.5  # share of a page's characters


def read_pdf(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    name = source.name
    with parsing(name, "PDF"), closing(_open(source.read(), name, options.passwords)) as document:
        about = {key.lower(): value for key, value in document.get_metadata_dict().items()}
        pages = [_read(document, number) for number in range(len(document))]
    scanned = [n for n, page in enumerate(pages, 1) if page.characters < FEW and page.pictured >= 0.4]
    unmapped = [n for n, page in enumerate(pages, 1) if page.unmapped > _UNMAPPED]
    _refuse_wordless(name, pages, scanned, unmapped)
    heads, contents, groups = _sorted_out(pages, set(unmapped))
    text = "\n\n".join(paragraphs_of(groups, body_size(line for page in pages for line in page.lines)))
    for reason, numbers, why in (
        ("scanned_pages", scanned, "pictures with hardly a character of text"),
        ("unmapped_pages", unmapped, "their fonts do not say which characters they show"),
    ):
        if numbers:
            yield Dropped(f"{name}[pages {page_ranges(numbers)}]", "load", reason, f"{why}; {_OCR}")
    for reason, lines in (("running_heads", heads), ("contents_lines", contents)):
        if lines:
            yield Dropped(name, "load", reason, f"{len(lines)} lines", lines[len(lines) // 2][:80])
    if not text.strip():
        raise UnreadableFile(name, "no_text", f"nothing but running heads on its {len(pages)} pages")
    title = str(about.get("title", "")).strip("\x00 \n")
    known = {"title": title} if len(title) > 3 and not _NO_TITLE.match(title) else {}
    yield RawText(name, text, known | {"pages": str(len(pages))})


def _open(data: bytes, name: str, passwords: Sequence[str]) -> Any:
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    for password in (None, *passwords):
        try:
            return pdfium.PdfDocument(data, password=password)
        except pdfium.PdfiumError as error:
            if error.err_code == raw.FPDF_ERR_SECURITY:
                raise UnreadableFile(
                    name, "encrypted", "by a certificate or a scheme that no password opens"
                ) from error
            if error.err_code != raw.FPDF_ERR_PASSWORD:
                raise
    raise UnreadableFile(
        name,
        "encrypted",
        f"it wants a password, and none of {len(passwords)} fits; put its password into corpus.password_file",
    )


def _read(document: Any, number: int) -> Page:
    with closing(document[number]) as page:
        return read_page(page)


def _refuse_wordless(
    name: str, pages: Sequence[Page], scanned: Sequence[int], unmapped: Sequence[int]
) -> None:
    if any(page.lines for n, page in enumerate(pages, 1) if n not in unmapped):
        return
    if unmapped:
        raise UnreadableFile(
            name, "unmapped_fonts", f"its fonts do not say which characters they show; {_OCR}"
        )
    if scanned or any(page.pictured for page in pages):
        raise UnreadableFile(
            name, "scanned", f"pictures without a text layer on its {len(pages)} pages; {_OCR}"
        )
    raise UnreadableFile(name, "no_text", f"no character on its {len(pages)} pages")


def _sorted_out(pages: Sequence[Page], unmapped: set[int]) -> tuple[list[str], list[str], list[list[Line]]]:
    """What was taken for running heads, for contents, and the rest as columns in reading order."""
    heads: list[str] = []
    contents: list[str] = []
    groups: list[list[Line]] = []
    for number, (page, found) in enumerate(zip(pages, find_heads(pages), strict=True), 1):
        kept = []
        for index, line in enumerate(page.lines):
            if index in found:
                heads.append(line.text)
            elif is_contents_line(line):
                contents.append(line.text)
            elif number not in unmapped:
                kept.append(line)
        groups += columns_of(kept)
    return heads, contents, groups


def page_ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    return ", ".join("-".join(map(str, r)) for r in ranges)
