"""Documents into chunks: spans of paragraphs, cut at a paragraph end, else a sentence end, else a space.

The spans are contiguous: chunks and dropped spans together are the document, character by character. Blocks to leave
out (duplicate paragraphs) close the chunk before them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from proda_core.ids import make_id
from proda_core.types import Chunk, Document

_BLOCK = re.compile(r"[^\n](?:.|\n(?!\n))*(?:\n+|$)|\n+")
_SENTENCE_END = re.compile(r"[.!?][\"\u201d\u2019)\]]*\s+(?=[\"\u201c(\[]?[A-Z0-9])")
_HEADING = re.compile(r"#{1,6} +(.+?)\s*#*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open character offsets in a document's text."""

    start: int
    end: int


def blocks_of(text: str) -> list[Span]:
    """Paragraph blocks with the space that follows them; they cover the text without gaps."""
    return [Span(m.start(), m.end()) for m in _BLOCK.finditer(text)]


def split_document(document: Document, *, max_chars: int, left_out: Collection[Span] = ()) -> list[Chunk]:
    """Chunks of at most ``max_chars`` characters covering all blocks but those ``left_out``."""
    omitted = set(left_out)
    spans: list[Span] = []
    open_span: Span | None = None
    for block in blocks_of(document.text):
        if block in omitted:
            spans += [open_span] if open_span else []
            open_span = None
            continue
        for piece in _pieces(document.text, block, max_chars):
            if (
                open_span
                and piece.end - open_span.start <= max_chars
                and not _breaks(document.text, open_span, piece, max_chars)
            ):
                open_span = Span(open_span.start, piece.end)
            else:
                spans += [open_span] if open_span else []
                open_span = piece
    spans += [open_span] if open_span else []
    return [_chunk(document, span) for span in spans]


def _breaks(text: str, chunk: Span, piece: Span, max_chars: int) -> bool:
    """A heading starts a new chunk once the open one is half full, so that sections stay together."""
    return text.startswith("#", piece.start) and chunk.end - chunk.start > max_chars // 2


def _pieces(text: str, block: Span, max_chars: int) -> list[Span]:
    """A block too long for one chunk, cut at sentence ends, then at spaces."""
    pieces: list[Span] = []
    start = block.start
    while block.end - start > max_chars:
        window = text[start : start + max_chars]
        ends = [m.end() for m in _SENTENCE_END.finditer(window)]
        cut = ends[-1] if ends else window.rfind(" ") + 1
        cut = cut if cut > 0 else max_chars
        pieces.append(Span(start, start + cut))
        start += cut
    return [*pieces, Span(start, block.end)]


def _chunk(document: Document, span: Span) -> Chunk:
    text = document.text[span.start : span.end]
    headings = list(_HEADING.finditer(document.text, 0, span.start + min(len(text), 200)))
    return Chunk(
        chunk_id=make_id("k", document.doc_id, span.start, span.end),
        doc_id=document.doc_id,
        start=span.start,
        end=span.end,
        text=text,
        discipline=document.discipline,
        title=document.title,
        heading=headings[-1].group(1) if headings else "",
    )
