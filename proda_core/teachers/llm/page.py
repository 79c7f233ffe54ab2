"""One chunk as the checks see it: quotes found and widened to their sentence, terms looked for in it and brought to one form.

A claim is grounded in one sentence of the chunk; the sentence before it in its paragraph counts only for what a pronoun
stands for. Terms are compared as the guard compares them, so that whatever passes here can be derived from a row later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from proda_core.guard.normalise import BOUNDARY, tokens
from proda_core.teachers.lexicon import BARE_HEADS, PERSONAL, POINTING_HEADS
from proda_core.teachers.llm.quotes import QuoteFinder
from proda_core.teachers.llm.words import Words
from proda_core.teachers.rules import proper_words
from proda_core.teachers.sentences import Sentence
from proda_core.types import Chunk

MIN_QUOTE_WORDS = 3
MAX_QUOTE_CHARS = 600
MAX_TERM_WORDS = 6
_BROKEN = re.compile(r"[-\u2010\u00ad][^\S\n]*\n\s*")
_GAP = 3  # words that "red and white blood cells" puts into "red blood cell"
_POINTING = re.compile(
    r"\b(?:it|its|itself|they|them|their|this|these|that|those|such|which|he|she|the (?:former|latter))\b",
    re.IGNORECASE,
)
_LEADING = frozenset(
    (
        "a",
        "an",
        "the",
        "this",
        "these",
        "that",
        "those",
        "its",
        "their",
        "such",
        "some",
        "any",
        "each",
        "every",
    )
)
_TERM = re.compile(r"[^\W_]+(?:[-\u2010\u2011'\u2019.,/][^\W_]+)*[.+']?")


@dataclass(frozen=True, slots=True)
class Ground:
    """A sentence of the chunk (two if the quote runs over both), and the one before it in its paragraph, or ""."""

    start: int
    end: int
    text: str
    before: str


class Page:
    """One chunk made ready for checks."""

    def __init__(self, chunk: Chunk, words: Words) -> None:
        self.chunk, self.words = chunk, words
        self._finder = QuoteFinder(chunk.text)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        return self.words.splitter.every(self.chunk.text)

    @cached_property
    def _proper(self) -> frozenset[str]:
        return proper_words(self.chunk.text)

    def grounds(self, quote: str) -> list[Ground] | str:
        """Every place where the chunk says this, or why there is none."""
        if len(quote.split()) < MIN_QUOTE_WORDS:
            return "quote_too_short"
        if len(quote) > MAX_QUOTE_CHARS:
            return "quote_too_long"
        found = [self._ground(start, end) for start, end in self._finder.places(quote)]
        if not found:
            return "quote_not_in_chunk"
        kept = [ground for ground in found if ground is not None]
        return kept or "quote_too_long"

    def _ground(self, start: int, end: int) -> Ground | None:
        around = [n for n, s in enumerate(self.sentences) if s.start < end and start < s.end]
        if len(around) > 2:
            return None
        before = ""
        if around:
            first, last = self.sentences[around[0]], self.sentences[around[-1]]
            start, end = min(start, first.start), max(end, last.end)
            previous = self.sentences[around[0] - 1] if around[0] else None
            if previous is not None and previous.paragraph == first.paragraph:
                before = previous.text
        return (
            Ground(start, end, self.chunk.text[start:end], before) if end - start <= MAX_QUOTE_CHARS else None
        )

    def term(self, surface: str) -> str:
        """A surface form as a term: no article, lower case but for names, the last noun singular; "" if it makes none."""
        words = surface.strip(' \t\n.,;:!?"\u201c\u201d()*_').split()
        while words and words[0].lower() in _LEADING:
            words = words[1:]
        if not 1 <= len(words) <= MAX_TERM_WORDS or not all(_TERM.fullmatch(word) for word in words):
            return ""
        words[0] = self._cased(words)
        words[-1] = self.words.singular(words[-1])
        head = words[-1].lower()
        if (
            head in POINTING_HEADS | PERSONAL
            or _POINTING.fullmatch(head)
            or (len(words) == 1 and (head in BARE_HEADS or len(head) < 2))
        ):
            return ""
        return " ".join(words) if any(char.isalpha() for word in words for char in word) else ""

    def _cased(self, words: list[str]) -> str:
        first = words[0]
        named = len(words) > 1 and all(word[:1].isupper() for word in words)
        plain = first[:1].isupper() and first[1:].islower() and not named
        return first[0].lower() + first[1:] if plain and first not in self._proper else first


def said_in(term: str, text: str) -> bool:
    """Whether a text names a term: its words in a row, or with a part of an "and" between them."""
    words, stream = tokens(term), tokens(" ".join(_BROKEN.sub("", text).split()))
    if not words:
        return False
    if _at(words, stream, 0) >= 0:
        return True
    for cut in range(1, len(words)):
        at = _at(words[:cut], stream, 0)
        while at >= 0:
            behind = stream[at + cut : at + cut + _GAP + len(words) - cut]
            if (
                behind[:1]
                and behind[0] in ("and", "or")
                and BOUNDARY not in behind
                and _at(words[cut:], behind, 1) > 0
            ):
                return True
            at = _at(words[:cut], stream, at + 1)
    return False


def named_at(term: str, ground: Ground) -> str:
    """Where a sentence names a term: "here", "before" (a pronoun may stand for it), or "" for nowhere."""
    if said_in(term, ground.text):
        return "here"
    return "before" if _POINTING.search(ground.text) and said_in(term, ground.before) else ""


def _at(words: list[str], stream: list[str], start: int) -> int:
    last = len(stream) - len(words)
    return next((n for n in range(start, last + 1) if stream[n : n + len(words)] == words), -1)


def form_of(term: str) -> tuple[str, ...]:
    """What two spellings of a term share."""
    return tuple(tokens(term))
