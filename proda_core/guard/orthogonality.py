"""G4 orthogonality: no row holds an item's stem together with its gold, nor nearly repeats an item, dev or sealed.

Texts are compared folded: case, spaces, Unicode, look-alike letters and punctuation change nothing. Holding is looked up by one
rare piece of each stem, nearness (Jaccard of word 5-grams from 0.8) by an inverted index of 5-grams, so cost grows with the
rows' length and not with rows times items. A row is read in four ways: whole, what it asks and what it answers alone, and
backwards. A refusal never prints an item's text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from proda_core.errors import Refusal
from proda_core.guard.case import Case
from proda_core.guard.normalise import words
from proda_core.layout import COT_SUFFIX
from proda_core.types import Benchmark, Example, Item, Split

RULE = "G4"
NEAR = 0.8
GRAM = 5
_PIECE = 12
_LETTER = re.compile(r"(?m)^[^\S\n]*\(?[A-Ha-h][.)][^\S\n]+")
Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """One way an item may be repeated, as 5-grams; a bare stem counts only when the row holds the gold as well."""

    place: int  # of its item
    grams: frozenset[Gram]
    bare_stem: bool


class ItemIndex:
    """The items of a benchmark, dev and sealed alike, ready to be looked for in texts."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._items = benchmark.items
        self._stems = [_packed(item.stem) for item in self._items]
        self._golds = [_packed(item.gold) for item in self._items]
        self._by_piece = _rarest_pieces(self._stems)
        self._forms = [form for place, item in enumerate(self._items) for form in _forms(place, item)]
        self._by_gram: dict[Gram, list[int]] = {}
        for number, form in enumerate(self._forms):
            for gram in form.grams:
                self._by_gram.setdefault(gram, []).append(number)

    def held(self, example: Example) -> Item | None:
        """An item whose stem and gold the row both holds, read in one of its ways."""
        found = [self._held(text, whole) for text, whole in _readings(example)]
        return next((item for item in found if item is not None), None)

    def _held(self, text: str, whole: str) -> Item | None:
        """An item with its stem in ``text`` and its gold in the ``whole`` row, read in the same direction."""
        pieces = {text[at : at + _PIECE] for at in range(max(1, len(text) - _PIECE + 1))}
        candidates = {p for piece in pieces & self._by_piece.keys() for p in self._by_piece[piece]}
        candidates |= set(self._by_piece.get("", ()))
        for place in sorted(candidates):
            if self._stems[place] in text and self._golds[place] in whole:
                return self._items[place]
        return None

    def nearly_repeated(self, example: Example) -> Item | None:
        """An item that the row, or what the row asks, nearly repeats."""
        asked = " ".join(m.content for m in example.messages if m.role == "user")
        packed = _packed(example.text)
        for view in (example.text, asked):
            grams = _grams(_plain_words(view))
            shared = Counter(number for gram in grams for number in self._by_gram.get(gram, ()))
            for number, common in sorted(shared.items()):
                form = self._forms[number]
                near = common >= NEAR * (len(grams) + len(form.grams) - common)
                if near and (not form.bare_stem or self._golds[form.place] in packed):
                    return self._items[form.place]
        return None


def refuse_repeated_items(case: Case) -> Iterator[Refusal]:
    """One refusal for each row that holds or nearly repeats an item; the item is named by split, dev ones by ID."""
    index = ItemIndex(case.benchmark)
    for reading in case.readings:
        held = index.held(reading.example)
        if held is not None:
            yield Refusal(RULE, reading.row_id, f"holds the stem and the gold of {_name(held)}")
            continue
        near = index.nearly_repeated(reading.example)
        if near is not None:
            yield Refusal(RULE, reading.row_id, f"nearly repeats {_name(near)}")


def _name(item: Item) -> str:
    return f"dev item {item.item_id}" if item.split is Split.DEV else "a sealed item"


def _readings(example: Example) -> Iterator[tuple[str, str]]:
    """The ways a row is read, each with the whole row read so: two speakers may share out a stem, or write it backwards."""
    whole = _packed(example.text)
    yield whole, whole
    if len(example.messages) > 2:  # with one question and one answer there is nothing between two pieces
        for speaker in ("user", "assistant"):
            yield _packed(" ".join(m.content for m in example.messages if m.role == speaker)), whole
    yield whole[::-1], whole[::-1]


def _packed(text: str) -> str:
    """Folded words without any space: spacing and punctuation inside words change nothing."""
    return "".join(words(text))


def _plain_words(text: str) -> list[str]:
    """Words without the layout: no option letters, no request for steps."""
    return words(_LETTER.sub("", text.replace(COT_SUFFIX, "\n")))


def _grams(text: list[str]) -> frozenset[Gram]:
    """Word 5-grams; a text shorter than that is one gram."""
    if len(text) <= GRAM:
        return frozenset([tuple(text)] if text else [])
    return frozenset(tuple(text[at : at + GRAM]) for at in range(len(text) - GRAM + 1))


def _forms(place: int, item: Item) -> Iterator[_Form]:
    options = "\n".join(item.options)
    yield _Form(place, _grams(_plain_words(item.stem)), bare_stem=True)
    for text in (
        f"{item.stem}\n{item.gold}",
        f"{item.stem}\n{options}",
        f"{item.stem}\n{options}\n{item.gold}",
    ):
        yield _Form(place, _grams(_plain_words(text)), bare_stem=False)


def _rarest_pieces(stems: list[str]) -> dict[str, list[int]]:
    """For each stem the piece of it that fewest stems share; "" for stems shorter than a piece."""
    counts = Counter(piece for stem in stems for piece in _pieces(stem))
    found: dict[str, list[int]] = {}
    for place, stem in enumerate(stems):
        piece = min(_pieces(stem), key=lambda p: (counts[p], p), default="")
        found.setdefault(piece, []).append(place)
    return found


def _pieces(text: str) -> set[str]:
    return {text[at : at + _PIECE] for at in range(len(text) - _PIECE + 1)}
