"""E-books (.epub): the chapters in the order of the book's spine, each a text of its own, under the book's file.

Cover, title page, contents, imprint, index and the like are left out by name (``front_matter``), as the book itself marks
them, else as its files are called. A book whose chapters are encrypted (DRM) is refused.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers.broken import parsing
from proda_core.corpus.readers.html import decode_html, html_words
from proda_core.corpus.readers.packed import open_packed
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF = "{http://www.idpf.org/2007/opf}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_ENC = "{http://www.w3.org/2001/04/xmlenc#}"
_NOT_TEXT = (
    r"cover|title-?page|half-?title(?:-?page)?|toc|contents?|table-of-contents|copyright(?:-page)?|imprint|colophon|index|loi|lot"
    "|nav"
)
_MARKED = re.compile(rf"""epub:type\s*=\s*["'][^"']*\b(?:{_NOT_TEXT}|landmarks)\b""")
_CALLED = re.compile(rf"(?:^|[\W\d_])(?:{_NOT_TEXT})[\W\d_]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Chapter:
    """One file of the spine. ``front`` says why it is no text of the book, or is ""."""

    path: str
    front: str


def read_epub(source: Source, options: ReadingOptions) -> Iterator[RawText | Dropped]:
    with parsing(source.name, "EPUB"):
        archive = open_packed(source.read(), source.name, options)
        book = _package(archive)
        chapters = _spine(archive, book)
        title = (book.root.findtext(f".//{_DC}title") or "").strip()
    _refuse_encrypted(archive, chapters, source.name)
    found = False
    for chapter in chapters:
        name = f"{source.name}#{posixpath.basename(chapter.path)}"
        row = _chapter(archive, chapter, name, title)
        found = found or isinstance(row, RawText)
        yield row
    if not found:
        raise UnreadableFile(source.name, "no_text", f"none of its {len(chapters)} chapters has words")


def _chapter(archive: zipfile.ZipFile, chapter: _Chapter, name: str, book: str) -> RawText | Dropped:
    try:
        with parsing(name, "EPUB"):
            html = decode_html(archive.read(chapter.path), name)
        marked = _MARKED.search(re.sub(r"<nav\b.*?</nav>", "", html[:4000], flags=re.DOTALL))
        front = chapter.front or (marked.group(0) if marked and _body_is_marked(html) else "")
        text = html_words(html, name, "EPUB")
    except UnreadableFile as error:
        return Dropped(name, "load", error.reason, error.detail)
    if front:
        return Dropped(name, "load", "front_matter", front, text[:80])
    if not text:
        return Dropped(name, "load", "empty", "a page without words")
    return RawText(name, text, {"book": book} if book else {})


def _body_is_marked(html: str) -> bool:
    """Whether the whole page is marked: on its body, or on the first section in it."""
    body = re.search(r"<body\b[^>]*>\s*(?:<(?:section|div|article)\b[^>]*>)?", html)
    return bool(body and _MARKED.search(body.group(0)))


@dataclass(frozen=True, slots=True)
class _Package:
    """The parsed OPF and the folder that its paths start from."""

    root: Any
    folder: str


def _package(archive: zipfile.ZipFile) -> _Package:
    container = _xml(archive.read("META-INF/container.xml"))
    path = container.find(f".//{_CONTAINER}rootfile").get("full-path")
    return _Package(_xml(archive.read(path)), posixpath.dirname(path))


def _spine(archive: zipfile.ZipFile, book: _Package) -> list[_Chapter]:
    items = {item.get("id"): item for item in book.root.iter(f"{_OPF}item")}
    guide = {
        posixpath.normpath(posixpath.join(book.folder, unquote(r.get("href", "").partition("#")[0]))): r.get(
            "type", ""
        )
        for r in book.root.iter(f"{_OPF}reference")
    }
    names = set(archive.namelist())
    chapters = []
    for reference in book.root.iter(f"{_OPF}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "html" not in item.get("media-type", ""):
            continue
        path = posixpath.normpath(posixpath.join(book.folder, unquote(item.get("href", ""))))
        stem = posixpath.splitext(posixpath.basename(path))[0]
        front = ""
        if "nav" in item.get("properties", "").split():
            front = "the book's navigation"
        elif re.fullmatch(_NOT_TEXT, guide.get(path, "")):
            front = f"the book's guide calls it {guide[path]}"
        elif _CALLED.search(stem):
            front = f"called {stem}"
        chapters.append(_Chapter(path if path in names else item.get("href", ""), front))
    return chapters


def _refuse_encrypted(archive: zipfile.ZipFile, chapters: list[_Chapter], name: str) -> None:
    """Fonts may be obfuscated without harm; chapters may not be encrypted."""
    if "META-INF/encryption.xml" not in archive.namelist():
        return
    with parsing(name, "EPUB"):
        root = _xml(archive.read("META-INF/encryption.xml"))
    locked = {unquote(r.get("URI", "")) for r in root.iter(f"{_ENC}CipherReference")}
    if locked & {chapter.path for chapter in chapters}:
        raise UnreadableFile(
            name, "encrypted", "its chapters are under a publisher's lock (DRM), which no password opens here"
        )


def _xml(data: bytes) -> Any:
    from lxml import etree

    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
