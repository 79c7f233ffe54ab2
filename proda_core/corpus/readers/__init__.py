"""Who reads what: one registry by suffix, and the kinds that a file's first bytes give away whatever it is called.

New formats register here and nowhere else. Readers import their libraries when they first read, so that nothing is paid for
formats that a corpus does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import PurePosixPath
from types import MappingProxyType

from proda_core.corpus.decode import looks_binary
from proda_core.corpus.raw import RawText, Reader, ReadingOptions, Source
from proda_core.corpus.readers.docx import read_docx
from proda_core.corpus.readers.epub import read_epub
from proda_core.corpus.readers.html import read_html
from proda_core.corpus.readers.latex import read_latex
from proda_core.corpus.readers.markdown import read_markdown
from proda_core.corpus.readers.packed import kind_of_zip
from proda_core.corpus.readers.pdf import read_pdf
from proda_core.corpus.readers.plain import read_plain
from proda_core.corpus.readers.rows import read_arrow, read_json, read_json_lines, read_parquet
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped

PLAIN = Reader("text", read_plain, ("charset-normalizer",))
_PDF = Reader("pdf", read_pdf, ("pypdfium2",))
_HTML = Reader("html", read_html, ("trafilatura", "markdownify"))
_DOCX = Reader("docx", read_docx, ("mammoth", "markdownify"))
_EPUB = Reader("epub", read_epub, ("markdownify",))
_MARKDOWN = Reader("markdown", read_markdown, ("python-frontmatter", "markdown-it-py"))
_LATEX = Reader("latex", read_latex, ("pylatexenc",))
_ROWS = Reader("json lines", read_json_lines)
_PARQUET = Reader("parquet", read_parquet, ("pyarrow",))

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        ".txt": PLAIN,
        ".text": PLAIN,
        ".md": _MARKDOWN,
        ".markdown": _MARKDOWN,
        ".jsonl": _ROWS,
        ".ndjson": _ROWS,
        ".json": Reader("json", read_json),
        ".parquet": _PARQUET,
        ".arrow": Reader("arrow", read_arrow, ("pyarrow",)),
        ".pdf": _PDF,
        ".html": _HTML,
        ".htm": _HTML,
        ".xhtml": _HTML,
        ".docx": _DOCX,
        ".epub": _EPUB,
        ".tex": _LATEX,
        ".latex": _LATEX,
    }
)
_TEXTS = frozenset({PLAIN, _MARKDOWN, _ROWS, _LATEX})


def read(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    """The texts of one file; what cannot be read comes back as Dropped and never as an exception."""
    try:
        reader = reader_of(source)
        if reader is None:
            known = ", ".join([*sorted(READERS), *ARCHIVES])
            yield Dropped(
                source.name,
                "load",
                "unsupported",
                f"no reader for {source.suffix or 'binary data'}; known: {known}",
            )
            return
        by = described(reader)
        for found in reader.read(source, options):
            if isinstance(found, RawText):
                yield RawText(found.name, found.text, found.metadata | {"reader": by})
            else:
                yield found
    except UnreadableFile as error:
        yield Dropped(source.name, "load", error.reason, error.detail)
    except OSError as error:
        yield Dropped(source.name, "load", "unreadable", error.strerror or "read error")


ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".gz", ".bz2", ".xz")


def reader_of(source: Source) -> Reader | None:
    """By suffix; by content where the suffix is a text's or none, since that is what a wrong name looks like. None: nobody's."""
    named = READERS.get(source.suffix)
    if named is not None and named not in _TEXTS:
        return named
    if named is None and PurePosixPath(source.name).suffix:
        return None
    head = source.head()
    if b"%PDF-" in head[:64]:
        return _PDF
    if head.startswith(b"PAR1"):
        return _PARQUET
    if head.startswith(b"PK\x03\x04"):
        return {"docx": _DOCX, "epub": _EPUB}.get(kind_of_zip(source), named)
    if named is not None:
        return named
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith((b"<!doctype html", b"<html")):
        return _HTML
    return None if looks_binary(head) else PLAIN


@cache
def described(reader: Reader) -> str:
    """The reader with the versions of what it reads by: "pdf (pypdfium2 5.15.2)"."""
    by = ", ".join(f"{name} {version(name)}" for name in reader.packages)
    return f"{reader.kind} ({by})" if by else reader.kind
