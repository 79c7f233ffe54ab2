"""Finding what a model quotes in the text that it was given: by letters and digits alone, at word boundaries.

A model mends what it copies: spaces, line breaks and the hyphens at them, curly quotes, dashes, ligatures, emphasis marks,
capitals. None of that counts. A changed, added or missing word does: then nothing is found. What is found is a place in
the text itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator


class QuoteFinder:
    """One text made ready. Building is linear in it; so is finding."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._packed, self._places = _pack(text)

    def places(self, quote: str) -> Iterator[tuple[int, int]]:
        """``(start, end)`` of each place where the text holds these words, in order."""
        wanted, _ = _pack(quote)
        at = self._packed.find(wanted) if wanted else -1
        while at >= 0:
            start, end = self._places[at], self._places[at + len(wanted) - 1] + 1
            while end < len(self._text) and unicodedata.combining(self._text[end]):
                end += 1
            if not self._inside_word(start - 1, start) and not self._inside_word(end - 1, end):
                yield start, end
            at = self._packed.find(wanted, at + 1)

    def _inside_word(self, left: int, right: int) -> bool:
        both = left >= 0 and right < len(self._text)
        return both and self._text[left].isalnum() and self._text[right].isalnum()


def _pack(text: str) -> tuple[str, list[int]]:
    """Folded letters and digits, and the place in ``text`` that each came from."""
    packed: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain = char if char.isascii() else unicodedata.normalize("NFKD", char)
        for letter in plain.casefold():
            if letter.isalnum():
                packed.append(letter)
                places.append(place)
    return "".join(packed), places
