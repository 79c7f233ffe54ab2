"""Prose of a chunk into sentences with offsets: headings, lists of code and tables are passed over, pysbd cuts the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pysbd

_LINE = re.compile(r"[^\n]+")
_SKIP = re.compile(r"(?:#|\||```|>>>| {4}|\$ )")
_BULLET = re.compile(r"(?:[-*+\u2022]|\d+[.)]) +")
_CODE = re.compile(r"[`={}<>\\_|~^]|\w\(|\(\)|\[\d|https?:|::|->|[\w]\.[a-z]+\(")
_EMPHASIS = re.compile(r"\*\*|__|\*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """``chunk.text[start:end] == text``; ``paragraph`` numbers the line it stands in."""

    text: str
    start: int
    end: int
    paragraph: int


class SentenceSplitter:
    """One pysbd segmenter, kept: it is slow to make."""

    def __init__(self) -> None:
        self._segmenter = pysbd.Segmenter(language="en", clean=False)

    def split(self, text: str) -> Iterator[Sentence]:
        """Sentences of running prose that may state a fact: they end like one, ask nothing and hold no code."""
        for number, line in enumerate(_LINE.finditer(text)):
            content = line.group()
            if _SKIP.match(content):
                continue
            bullet = _BULLET.match(content)
            offset = line.start() + (bullet.end() if bullet else 0)
            pieces = self._of_line(text[offset : line.end()], offset, number)
            yield from (piece for piece in pieces if _states_something(piece.text))

    def every(self, text: str) -> tuple[Sentence, ...]:
        """Every sentence, headings and questions too: for whoever wants the sentence around a place."""
        lines = enumerate(_LINE.finditer(text))
        return tuple(s for n, line in lines for s in self._of_line(line.group(), line.start(), n))

    def _of_line(self, content: str, offset: int, number: int) -> Iterator[Sentence]:
        position = 0
        for piece in self._segmenter.segment(content):
            stripped = piece.strip()
            found = content.find(stripped, position) if stripped else -1
            if found < 0:
                continue  # pysbd rewrote it; without exact offsets there is no evidence
            position = found + len(stripped)
            yield Sentence(stripped, offset + found, offset + position, number)


def _states_something(text: str) -> bool:
    return 15 <= len(text) <= 600 and text[-1] in '.;!\u201d")' and "?" not in text and not _CODE.search(text)
