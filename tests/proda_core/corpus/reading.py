"""Small files of every format, made by the libraries that write them, and a way to read one."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

from fpdf import FPDF

from proda_core.corpus.raw import RawText, ReadingOptions
from proda_core.corpus.sources import load_source
from proda_core.types import Dropped

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def read_bytes(
    folder: Path, name: str, data: bytes, options: ReadingOptions | None = None
) -> list[RawText | Dropped]:
    """Everything that reading a file of these bytes gives."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return list(load_source(path, folder, options or ReadingOptions()))


def texts(found: list[RawText | Dropped]) -> list[RawText]:
    return [row for row in found if isinstance(row, RawText)]


def one_text(found: list[RawText | Dropped]) -> RawText:
    (text,) = texts(found)
    return text


def reasons(found: list[RawText | Dropped]) -> list[str]:
    return [row.reason for row in found if isinstance(row, Dropped)]


def blank_pdf(size: int = 10) -> FPDF:
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_font("Helvetica", size=size)
    return pdf


def epub(
    chapters: dict[str, str], *, title: str = "A Book", guide: str = "", more: dict[str, str] | None = None
) -> bytes:
    """A book of these pages in this order."""
    kinds = {name: 'properties="nav"' if name == "nav.xhtml" else "" for name in chapters}
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml" {kind}/>'
        for n, (name, kind) in enumerate(kinds.items())
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/" version="3.0">'
        f"<metadata><dc:title>{title}</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine>{guide}</package>"
    )
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OPS/book.opf", package)
        for name, body in chapters.items():
            archive.writestr(f"OPS/{name}", body)
        for name, body in (more or {}).items():
            archive.writestr(name, body)
    return made.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()
