"""What passes between finding, reading and curating: a Source (a file somewhere), the ReadingOptions, and the RawText it holds.

A reader turns one Source into raw texts, or into Dropped rows that say what was left out and why. It raises UnreadableFile when
there is nothing to be had from the file, and depends on nothing but bytes and options: the same bytes give the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from proda_core.types import Dropped


@dataclass(frozen=True, slots=True)
class RawText:
    """One text as found; ``name`` is the path relative to the corpus, with ``#row`` for a part of a file that holds several."""

    name: str
    text: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, on disk or inside an archive. ``name`` is its path in the corpus; an archive is a folder on it."""

    name: str
    size: int  # bytes
    open: Callable[[], BinaryIO]

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    def read(self) -> bytes:
        with self.open() as handle:
            return handle.read()

    def head(self, size: int = 1024) -> bytes:
        with self.open() as handle:
            return handle.read(size)


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """``passwords`` are tried on encrypted files in turn; ``archive_bytes`` is what one archive may unpack to."""

    passwords: tuple[str, ...] = ()
    archive_bytes: int = 1_000_000_000
    text_field: str | None = None  # of rows; None: text, content or body


Read = Callable[[Source, ReadingOptions], Iterator[RawText | Dropped]]


@dataclass(frozen=True, slots=True)
class Reader:
    """How one kind of file is read, and by which distributions: their versions stand in the corpus artifact."""

    kind: str
    read: Read
    packages: tuple[str, ...] = ()
