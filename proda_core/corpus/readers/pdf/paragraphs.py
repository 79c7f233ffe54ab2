"""Lines to paragraphs: by indents, gaps, short last lines, type sizes and list marks; across columns and pages when a sentence
goes on.

Larger type makes a heading. A row of several cells becomes a table row. A hyphen at a line's end is left before a line
break, for the repair of the whole text to decide, which knows how the word is written elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from statistics import median

from proda_core.corpus.readers.pdf.glyphs import Baseline, is_right_to_left
from proda_core.corpus.readers.pdf.page import HYPHEN, Line

_MARK = re.compile(r"(?:[•◦▪‣●○■–—*-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]|\[\d{1,3}\])\s+\S")
_ENDS = (".", "!", "?", ":", ";", "”", '"', "»", "؟", "۔", "。")
_HEADING = 1.15  # type size over the body's
_LONGEST_HEADING = 200


@dataclass(slots=True)
class _Paragraph:
    """A paragraph being put together; ``full`` says that its last line reaches the margin, so that it may go on elsewhere."""

    size: float
    level: int = 0
    lines: list[str] = field(default_factory=list)
    full: bool = True

    @property
    def text(self) -> str:
        joined = ""
        for line in self.lines:
            hyphen = joined.endswith((HYPHEN, "-"))
            joined = joined.replace(HYPHEN, "-") + ("\n" if hyphen else " " if joined else "") + line
        joined = joined.replace(HYPHEN, "-").strip()
        return f"{'#' * self.level} {joined}" if self.level else joined


def body_size(lines: Iterable[Line]) -> float:
    """The type size that most characters have."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return max(sizes.items(), key=lambda s: (s[1], s[0]))[0] if sizes else 10.0


def paragraphs_of(groups: Iterable[Sequence[Line]], body: float) -> list[str]:
    """The text of columns in reading order, a paragraph each."""
    made: list[_Paragraph] = []
    for group in groups:
        column = _Column.of(group, body)
        previous: Line | None = None
        for line in column.lines:
            level = _level(line, body)
            if previous is not None and not column.breaks(previous, line):
                paragraph = made[-1]
            else:
                paragraph = (_open_one(made, line) if previous is None and not level else None) or _new(
                    made, line, level
                )
            paragraph.lines.append(line.text)
            paragraph.full = column.is_full(line)
            previous = line
    return ["\n".join(texts) for texts in _tables_whole([_as_text(p).text for p in made])]


def _tables_whole(texts: Sequence[str]) -> list[list[str]]:
    """The rows of a table together, every other paragraph alone."""
    whole: list[list[str]] = []
    for text in texts:
        if text.startswith("|") and whole and whole[-1][-1].startswith("|"):
            whole[-1].append(text)
        else:
            whole.append([text])
    return whole


def _new(made: list[_Paragraph], line: Line, level: int) -> _Paragraph:
    made.append(_Paragraph(line.size, level))
    return made[-1]


def _open_one(made: Sequence[_Paragraph], line: Line) -> _Paragraph | None:
    """The paragraph that a column's first line goes on with: the last of its size, notes in smaller type aside."""
    for paragraph in reversed(made):
        if paragraph.size < 0.95 * line.size:
            continue
        if paragraph.level or abs(paragraph.size - line.size) > 0.1 * line.size or not paragraph.full:
            return None
        goes_on = not paragraph.lines[-1].endswith(_ENDS) and not _MARK.match(line.text)
        return paragraph if goes_on and not line.text.startswith("|") else None
    return None


def _level(line: Line, body: float) -> int:
    if line.size < _HEADING * body or sum(c.isalpha() for c in line.text) < 2 or line.text.startswith("|"):
        return 0
    return 1 if line.size >= 1.7 * body else 2 if line.size >= 1.3 * body else 3


def _as_text(paragraph: _Paragraph) -> _Paragraph:
    """A heading that runs on for lines, or ends like a sentence, is text in larger type."""
    text = paragraph.text
    if paragraph.level and (len(text) > _LONGEST_HEADING or text.endswith((".", ",", ";"))):
        paragraph.level = 0
    return paragraph


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's lines from margin to margin; ``leading`` is the distance of its baselines."""

    lines: list[Line]
    left: float
    right: float
    leading: float

    @classmethod
    def of(cls, group: Sequence[Line], body: float) -> _Column:
        mirrored = sum(is_right_to_left(p.text) for p in group) > len(group) / 2
        lines = _with_capitals(_rows(group, mirrored), body)
        if mirrored:
            lines = [line.mirrored() for line in lines]
        steps = [a.y - b.y for a, b in pairwise(lines) if 0 < a.y - b.y < 3 * body]
        return cls(
            lines,
            min(line.left for line in lines),
            max(line.right for line in lines),
            median(steps) if steps else 1.2 * body,
        )

    def is_full(self, line: Line) -> bool:
        return line.right >= self.right - 0.12 * (self.right - self.left)

    def breaks(self, last: Line, line: Line) -> bool:
        """Whether ``line`` begins a paragraph after ``last``."""
        step, size = last.y - line.y, line.size
        if (
            abs(last.size - size) > 0.1 * max(last.size, size)
            or step < -0.5 * size
            or step > 1.45 * max(self.leading, size)
        ):
            return True
        if last.text.startswith("|") or line.text.startswith("|") or _MARK.match(line.text):
            return True
        if last.bold != line.bold and not last.text.endswith((HYPHEN, "-", ",")):
            return True  # a line that is bold from end to end stands for itself
        if line.left > last.left + 0.7 * size and not _MARK.match(last.text):
            return not last.text.endswith((HYPHEN, "-"))
        short = last.right < self.right - 0.2 * (self.right - self.left)
        return short and not line.text[:1].islower() and not last.text.endswith((HYPHEN, ","))


def _rows(group: Sequence[Line], mirrored: bool) -> list[Line]:
    """Runs that follow each other on one baseline as one line: three or more are a table's row, two were only far apart."""
    rows = []
    for _, run in groupby(group, key=Baseline()):
        cells = sorted(run, key=lambda p: -p.right if mirrored else p.left)
        if len(cells) == 1:
            rows.append(cells[0])
            continue
        text = (
            f"| {' | '.join(c.text for c in cells)} |" if len(cells) > 2 else " ".join(c.text for c in cells)
        )
        sizes = [c.size for c in cells]
        left, right = min(c.left for c in cells), max(c.right for c in cells)
        rows.append(Line(text, left, right, cells[0].y, max(sizes), all(c.bold for c in cells)))
    return rows


def _with_capitals(lines: Sequence[Line], body: float) -> list[Line]:
    """A large first letter goes to the line that it begins."""
    joined: list[Line] = []
    capital = ""
    for line in lines:
        if len(line.text) == 1 and line.text.isupper() and line.size >= 1.8 * body:
            capital = line.text
            continue
        joined.append(replace(line, text=capital + line.text) if capital else line)
        capital = ""
    return joined or list(lines)
