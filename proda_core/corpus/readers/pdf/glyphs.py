"""Characters as they stand on a page, and the logical order of right-to-left ones.

pdfium turns right-to-left runs over on a guess at how the file holds them, and is wrong for some of a line's words and not
for others. So lines with such letters are read by place: from the right, with numbers and Latin words in them from the
left, and vowel signs after the letter that they stand on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

_SPACE = 0.2  # gap between words, in type sizes
_LAM, _ALEFS = "\u0644", "\u0622\u0623\u0625\u0627"


@dataclass(frozen=True, slots=True)
class Style:
    """How a text object is set; ``angle`` in degrees, to the nearest five."""

    size: float
    angle: int
    font: str


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character on a page whose text runs level; ``y`` is its baseline, ``spaced``: a space stands before it."""

    text: str
    left: float
    right: float
    y: float
    style: Style
    spaced: bool

    @property
    def size(self) -> float:
        return self.style.size


def is_right_to_left(text: str) -> bool:
    """Letters of Hebrew, Arabic and the scripts beside them; their digits run from the left like any."""
    return any(("\u0590" <= c <= "\u08ff" or "\ufb1d" <= c <= "\ufefc") and not c.isdigit() for c in text)


def in_logical_order(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """The glyphs in drawing order, lines with right-to-left letters in the order in which they are read."""
    ordered: list[Glyph] = []
    for _, group in groupby(glyphs, key=Baseline()):
        line = list(group)
        ordered += _line(line) if any(is_right_to_left(g.text) for g in line) else line
    return ordered


class Placed(Protocol):
    """What stands on a baseline."""

    @property
    def y(self) -> float: ...
    @property
    def size(self) -> float: ...


class Baseline:
    """A key for groupby over what is placed: changes when the baseline does."""

    def __init__(self) -> None:
        self._y: float | None = None
        self._row = 0

    def __call__(self, placed: Placed) -> int:
        if self._y is None or abs(placed.y - self._y) > 0.25 * placed.size:
            self._y, self._row = placed.y, self._row + 1
        return self._row


@dataclass(slots=True)
class _Cell:
    """What keeps together: the letters of one glyph, and a letter with its vowel signs. ``at`` is where it stands in the line."""

    glyphs: list[Glyph]
    at: float

    @property
    def first(self) -> Glyph:
        return self.glyphs[0]

    @property
    def is_mark(self) -> bool:
        return all(unicodedata.category(g.text[:1]) == "Mn" for g in self.glyphs)


def _line(line: Sequence[Glyph]) -> list[Glyph]:
    cells = sorted(_cells(line), key=lambda cell: cell.at)
    from_right = sum(is_right_to_left(c.first.text) for c in cells) >= sum(
        _is_latin(c.first.text) for c in cells
    )
    directed = zip(cells, _directions(cells, from_right), strict=True)
    runs = [([cell for cell, _ in run], turned) for turned, run in groupby(directed, key=lambda p: p[1])]
    ordered = [run[::-1] if turned else run for run, turned in (runs[::-1] if from_right else runs)]
    return _spaced(_bracketed(ordered) if from_right else ordered)


def _is_latin(text: str) -> bool:
    return text.isalpha() and not is_right_to_left(text)


def _cells(line: Sequence[Glyph]) -> list[_Cell]:
    """The cells as drawn; one that shares its place with another stands after the one that was drawn before it."""
    found: list[_Cell] = []
    places: set[tuple[float, float]] = set()
    for place, group in groupby(line, key=lambda g: (g.left, g.right)):
        same = list(group)
        turned = len(same) > 1 and is_right_to_left("".join(g.text for g in same)) and not _is_lam_alef(same)
        found.append(
            _Cell(same[::-1] if turned else same, found[-1].at + 0.01 if place in places else place[0])
        )
        places.add(place)
    bases = [cell for cell in found if not cell.is_mark]
    for cell in found:
        if cell.is_mark and bases:
            min(bases, key=lambda base: _distance(base.first, cell.first)).glyphs.extend(cell.glyphs)
    return bases or found


def _distance(base: Glyph, mark: Glyph) -> float:
    apart = max(base.left - mark.right, mark.left - base.right, 0.0)
    return apart + 0.001 * abs(base.left + base.right - mark.left - mark.right)


def _is_lam_alef(same: Sequence[Glyph]) -> bool:
    """The one ligature that every Arabic font has; pdfium gives it in order when the font names it as one character."""
    return len(same) == 2 and same[0].text == _LAM and same[1].text in _ALEFS


def _directions(cells: Sequence[_Cell], from_right: bool) -> list[bool]:
    """For each cell whether it runs from the right; a sign goes with its neighbours where they agree, else with the line."""
    own = [
        True if is_right_to_left(c.first.text) else False if c.first.text.isalnum() else None for c in cells
    ]
    resolved = []
    for number, direction in enumerate(own):
        if direction is None:
            before = next((d for d in own[number::-1] if d is not None), from_right)
            after = next((d for d in own[number:] if d is not None), from_right)
            direction = before if before == after else from_right
        resolved.append(direction)
    return resolved


def _bracketed(runs: Sequence[Sequence[_Cell]]) -> list[list[_Cell]]:
    """Brackets in a line from the right are drawn mirrored, and named now one way, now the other: the first opens."""
    fixed: list[list[_Cell]] = []
    is_open = False
    for run in runs:
        fixed.append([])
        for cell in run:
            if cell.first.text in ("(", ")"):
                cell = _Cell([replace(cell.first, text=")" if is_open else "(")], cell.at)
                is_open = not is_open
            fixed[-1].append(cell)
    return fixed


def _spaced(runs: Sequence[Sequence[_Cell]]) -> list[Glyph]:
    """Spaces by gaps, since pdfium's stand where its own order has them: between cells, and between runs as wholes."""
    spaced: list[Glyph] = []
    before: Sequence[Glyph] = ()
    for run in runs:
        in_place = [cell for cell in run if cell.at == cell.first.left] or run
        whole = [glyph for cell in in_place for glyph in cell.glyphs]
        for number, cell in enumerate(run):
            gap = _gap(before, cell.glyphs if number else whole) if before else 0.0
            first = replace(cell.first, spaced=gap > _SPACE * cell.first.size)
            spaced += [first, *(replace(glyph, spaced=False) for glyph in cell.glyphs[1:])]
            before = cell.glyphs
        before = whole
    return spaced


def _gap(before: Sequence[Glyph], after: Sequence[Glyph]) -> float:
    left = min(g.left for g in after) - max(g.right for g in before)
    return max(left, min(g.left for g in before) - max(g.right for g in after))
