"""Running heads, page numbers and lines of a table of contents: found by what repeats from page to page at one height.

A line in the outer rows of a page is a head when its words, numbers aside, return at the same height, or when it ends or
begins with a number that counts with the pages. Once most lines at a height are heads, all of them are: a section that
fills one page has its name there once.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from proda_core.corpus.readers.pdf.page import Line, Page

_ROWS = 3  # outer rows looked at, above and below
_LONGEST = 130
_NUMBER = re.compile(r"\d+")
_AT_AN_END = re.compile(
    r"^\W*(?:page\s+|seite\s+|p\.\s*)?(\d{1,4}|[ivxlc]{1,7})\b|\b(\d{1,4}|[ivxlc]{1,7})\W*$", re.IGNORECASE
)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_LEADERS = re.compile(r"(?:\. ?){4,}\s*(?:\d+|[ivxlc]+)?\s*$|…{2,}\s*\d+\s*$")


def is_contents_line(line: Line) -> bool:
    """A line of a table of contents: dots that lead to a number."""
    return bool(_LEADERS.search(line.text))


def find_heads(pages: Sequence[Page]) -> list[frozenset[int]]:
    """For each page, which of its lines (by position) are heads."""
    edges = [_edges(page) for page in pages]
    counting = _counting(pages, edges)
    words = Counter(
        (_height(pages[n], i), _words(pages[n].lines[i])) for n, edge in enumerate(edges) for i in edge
    )
    least = 2 if len(pages) <= 4 else 3
    at_height: dict[int, list[bool]] = defaultdict(list)
    found: list[set[int]] = []
    for number, (page, edge) in enumerate(zip(pages, edges, strict=True)):
        heads = set()
        for index in edge:
            repeats = words[_height(page, index), _words(page.lines[index])] >= least
            is_head = (repeats and len(_words(page.lines[index])) > 1) or (number, index) in counting
            at_height[_height(page, index)].append(is_head)
            if is_head:
                heads.add(index)
        found.append(heads)
    settled = {h for h, votes in at_height.items() if len(votes) >= 4 and sum(votes) >= 0.6 * len(votes)}
    for page, edge, heads in zip(pages, edges, found, strict=True):
        heads |= {i for i in edge if _height(page, i) in settled and len(page.lines[i].text) <= _LONGEST}
        # The rest of a head's own row: a name on the left, a number on the right.
        rows = {round(page.lines[i].y) for i in heads}
        heads |= {i for i in edge if round(page.lines[i].y) in rows and len(page.lines[i].text) <= _LONGEST}
    return [frozenset(heads) for heads in found]


def _edges(page: Page) -> list[int]:
    """Positions of short lines in the outermost rows."""
    rows = sorted({round(line.y) for line in page.lines})
    outer = {*rows[:_ROWS], *rows[-_ROWS:]}
    return [i for i, p in enumerate(page.lines) if round(p.y) in outer and len(p.text) <= _LONGEST]


def _height(page: Page, index: int) -> int:
    return round(page.lines[index].y / 4)


def _words(line: Line) -> str:
    return _NUMBER.sub("#", line.text).strip().casefold()


def _counting(pages: Sequence[Page], edges: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """Lines whose number runs with the pages, as (page, line): on two pages of a short file at least, else on three."""
    seen: dict[tuple[int, int, bool], list[tuple[int, int]]] = defaultdict(list)
    for number, edge in enumerate(edges):
        for index in edge:
            for value, roman in _numbers(pages[number].lines[index].text):
                seen[value - number, _height(pages[number], index), roman].append((number, index))
    least = 2 if len(pages) <= 4 else 3
    return {place for places in seen.values() if len({n for n, _ in places}) >= least for place in places}


def _numbers(text: str) -> list[tuple[int, bool]]:
    found = []
    for match in _AT_AN_END.finditer(text.strip()):
        said = (match.group(1) or match.group(2)).lower()
        if said.isdigit():
            found.append((int(said), False))
        else:
            values = [_ROMAN[c] for c in said]
            found.append((sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)), True))
    return found
