"""Plain text: decoded, and left as it is."""

from __future__ import annotations

from collections.abc import Iterator

from proda_core.corpus.decode import decode_bytes
from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped


def decoded(source: Source) -> str:
    """The text of a source; UnreadableFile "empty" when it has none."""
    text = decode_bytes(source.read(), source.name)
    if not text.strip():
        raise UnreadableFile(source.name, "empty", "nothing but space")
    return text


def read_plain(source: Source, _options: ReadingOptions) -> Iterator[RawText | Dropped]:
    yield RawText(source.name, decoded(source))
