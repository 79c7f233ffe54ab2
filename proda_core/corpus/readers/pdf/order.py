"""Reading order: the order of drawing, unless a page has columns and was drawn across them.

Most files draw a column after the other, and then nothing knows the order better than they do. Where lines of the left and
the right alternate, the page is cut at what spans it, and each piece read column by column. A table is no column: its cells
are short.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from proda_core.corpus.readers.pdf.glyphs import is_right_to_left
from proda_core.corpus.readers.pdf.page import Line

_LEAST_LINES = 5  # on each side of a gutter
_LEAST_CHARACTERS = 18  # in a column's line, on the average
_SPANNING = 0.25  # of the lines: with more of them across, it is no gutter


def columns_of(lines: Sequence[Line]) -> list[list[Line]]:
    """The page's lines in reading order, in groups: a column each, or a stretch that spans them."""
    gutter = find_gutter(lines)
    if gutter is None:
        return [list(lines)] if lines else []
    sides = [_side(line, gutter) for line in lines]
    changes = sum(a != b and 0 not in (a, b) for a, b in pairwise(sides))
    if changes <= 2 + sides.count(0):
        groups = [
            [line for line, _ in group]
            for _, group in groupby(zip(lines, sides, strict=True), key=lambda p: p[1])
        ]
        return [inner for group in groups for inner in _inner(group, lines)]
    return _by_geometry(lines, gutter)


def _inner(group: list[Line], page: Sequence[Line]) -> list[list[Line]]:
    """A side may have columns of its own."""
    return columns_of(group) if len(group) < len(page) else [group]


def _side(line: Line, gutter: float) -> int:
    return -1 if line.right <= gutter + 1 else 1 if line.left >= gutter - 1 else 0


def find_gutter(lines: Sequence[Line]) -> float | None:
    """The x of a white strip with running text on both sides at the same heights; None when there is none."""
    if len(lines) < 2 * _LEAST_LINES:
        return None
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    width = right - left
    found: list[tuple[int, float, float]] = []
    for edge in sorted({line.left for line in lines}):
        if not left + 0.15 * width < edge < left + 0.85 * width:
            continue
        before, after = ([p for p in lines if _side(p, edge - 1) == side] for side in (-1, 1))
        across = len(lines) - len(before) - len(after)
        if (
            across <= _SPANNING * len(lines)
            and _is_column(before)
            and _is_column(after)
            and _beside(before, after)
        ):
            found.append((across, -abs(edge - (left + right) / 2), edge))
    if not found:
        return None
    best = min(found, key=lambda f: (f[0], -f[1]))[2]
    ends = [line.right for line in lines if line.right <= best]
    return (max(ends, default=best) + best) / 2


def _is_column(lines: Sequence[Line]) -> bool:
    return len(lines) >= _LEAST_LINES and sum(len(p.text) for p in lines) >= _LEAST_CHARACTERS * len(lines)


def _beside(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether they stand beside each other and not one below the other."""
    low, high = min(p.y for p in after), max(p.y for p in after)
    return sum(low - 1 <= p.y <= high + 1 for p in before) >= _LEAST_LINES


def _by_geometry(lines: Sequence[Line], gutter: float) -> list[list[Line]]:
    """From top to bottom between the lines that span the page, each piece by columns, from the side where its script begins."""
    ordered = sorted(lines, key=lambda p: -p.y)
    first = 1 if sum(is_right_to_left(p.text) for p in lines) > len(lines) / 2 else -1
    groups: list[list[Line]] = []
    for spans, piece in groupby(ordered, key=lambda p: _side(p, gutter) == 0):
        held = list(piece)
        if spans:
            groups.append(held)
            continue
        for side in (first, -first):
            column = [p for p in held if _side(p, gutter) == side]
            groups += columns_of(sorted(column, key=lambda p: (-round(p.y), p.left))) if column else []
    return groups
