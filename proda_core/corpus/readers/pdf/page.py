"""One page to lines: pdfium's characters with their places, put together by geometry.

pdfium gives characters in the order they were drawn, right-to-left runs in logical order. Characters that lie beyond the
page's edge, or stand at another angle than the page's text (watermarks, margin stamps), are left out; in the place of those
whose font names no character stands U+FFFD. Raised digits become superscripts, so that an exponent or a note's number does
not join the number before it. Units are points, y upwards.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from proda_core.corpus.readers.pdf.glyphs import Glyph, Style, in_logical_order, is_right_to_left
from proda_core.corpus.readers.pdf.tex_fonts import STROKE, is_large, named_by_tex

_NEAR = 1.6  # gap within a line, in type sizes: beyond it lies another cell or column
_SPACE = 0.22  # gap from which words are apart although the file draws no space
_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_BLANK = frozenset(" \t\r\n\u00a0\x00")
_BOLD = re.compile(r"bold|black|heavy|demi|CMBX|SFBX", re.IGNORECASE)
FEW = 50  # characters on a page: fewer, beside a picture, are no text layer
_OPENING = frozenset("([{⟨|‖=+−-<>≤≥≠·/√,:;")  # after these a small raised sign is a fraction's
LOST = "\ufffd"  # in the place of a character that its font names in no way
HYPHEN = "\x02"  # pdfium's sign for a hyphen that a line break made


@dataclass(frozen=True, slots=True)
class Line:
    """A run of text on one baseline ``y``; ``size`` is that of its type; ``bold`` when all its words are."""

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool = False

    def mirrored(self) -> Line:
        """Seen in a mirror, as the geometry of right-to-left text is that of left-to-right."""
        return replace(self, left=-self.right, right=-self.left)


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page as drawn. ``unmapped`` is the share of its characters that no font names; ``pictured`` the share of
    the page that pictures cover, known where there are hardly any characters."""

    lines: tuple[Line, ...]
    height: float
    characters: int
    unmapped: float
    pictured: float


@dataclass(frozen=True, slots=True)
class _Placed:
    """A character as pdfium places it, on the page as it lies in the file."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    x: float
    y: float
    style: Style
    spaced: bool


def read_page(page: Any) -> Page:
    """The page's lines; ``page`` is pypdfium2's."""
    with closing(page.get_textpage()) as text:
        found = _glyphs(page, text)
    pictured = _pictured(page) if len(found.glyphs) < FEW else 0.0
    return Page(tuple(_lines(found.glyphs)), found.height, len(found.glyphs), found.unmapped, pictured)


@dataclass(frozen=True, slots=True)
class _Found:
    """The glyphs of a page's main text; ``unmapped`` and ``height`` as of Page."""

    glyphs: list[Glyph]
    unmapped: float
    height: float


def _glyphs(page: Any, text: Any) -> _Found:
    import pypdfium2.raw as raw

    placed: list[_Placed] = []
    seen, unmapped, spaced = 0, 0, False
    box, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    styles: dict[int, Style] = {}
    left, bottom, right, top = page.get_bbox()  # with what the page inherits
    for index in range(text.count_chars()):
        said = chr(raw.FPDFText_GetUnicode(text, index))
        nameless = raw.FPDFText_HasUnicodeMapError(text, index) == 1 and said != HYPHEN
        if said in _BLANK and not nameless:
            spaced = spaced or said in " \t\u00a0"
            continue
        raw.FPDFText_GetLooseCharBox(text, index, box)
        raw.FPDFText_GetCharOrigin(text, index, x, y)
        if not (left - 1 <= box.left and box.right <= right + 1 and bottom - 1 <= y.value <= top + 1):
            continue  # beyond the page's edge
        style = _style(raw, text, index, styles)
        sign = named_by_tex(style.font, said) if nameless else said
        seen, unmapped = seen + 1, unmapped + (sign is None)
        here = _Placed(sign or "", box.left, box.right, box.bottom, box.top, x.value, y.value, style, spaced)
        if nameless and is_large(style.font) and placed:
            # Such signs hang from the line that they are in, some in pieces.
            here = replace(
                here,
                y=placed[-1].y,
                style=placed[-1].style,
                text="" if sign == placed[-1].text else here.text,
            )
        elif sign is None and " " < said <= "\xff":
            # What is above a byte is a glyph's number, and of a part of a sign that another part names.
            here = replace(here, text=LOST)
        if here.text:
            placed.append(here)
            spaced = False
    main = Counter(p.style.angle for p in placed).most_common(1)[0][0] if placed else 0
    glyphs = [_turned(p) for p in placed if p.style.angle == main]
    height = top - bottom if main % 180 == 0 else right - left
    return _Found(in_logical_order(glyphs), unmapped / seen if seen else 0.0, height)


def _style(raw: Any, text: Any, index: int, known: dict[int, Style]) -> Style:
    """The style of a character, looked up once for each text object."""
    drawn = raw.FPDFText_GetTextObject(text, index)
    key = ctypes.cast(drawn, ctypes.c_void_p).value or 0
    if not key or key not in known:
        matrix = raw.FS_MATRIX()
        raw.FPDFText_GetMatrix(text, index, matrix)
        size = raw.FPDFText_GetFontSize(text, index) * math.hypot(matrix.c, matrix.d)
        angle = 5 * round(math.degrees(math.atan2(matrix.b, matrix.a)) / 5) % 360
        known[key] = Style(max(size, 1.0), angle, _font_name(raw, drawn) if key else "")
    return known[key]


def _font_name(raw: Any, drawn: Any) -> str:
    font = raw.FPDFTextObj_GetFont(drawn)
    name = ctypes.create_string_buffer(128)
    length = raw.FPDFFont_GetBaseFontName(font, name, len(name)) if font else 0
    return name.value.decode("utf-8", "replace") if 0 < length <= len(name) else ""


def _turned(placed: _Placed) -> Glyph:
    """The glyph on a page whose text runs from left to right."""
    left, right, y = placed.left, placed.right, placed.y
    if placed.style.angle == 90:
        left, right, y = placed.bottom, placed.top, -placed.x
    elif placed.style.angle == 180:
        left, right, y = -right, -left, -y
    elif placed.style.angle == 270:
        left, right, y = -placed.top, -placed.bottom, placed.x
    return Glyph(placed.text, min(left, right), max(left, right), y, placed.style, placed.spaced)


def _lines(glyphs: Sequence[Glyph]) -> Iterator[Line]:
    """Glyphs in drawing order, cut where the baseline changes or the gap is wide."""
    run: list[Glyph] = []
    base, size = 0.0, 0.0
    for glyph in glyphs:
        if run and _continues(run, glyph, base, size):
            if glyph.size > size:  # the line began with a raised number
                base, size = glyph.y, glyph.size
            run.append(glyph)
            continue
        if run:
            yield _line(run, base, size)
        run, base, size = [glyph], glyph.y, glyph.size
    if run:
        yield _line(run, base, size)


def _continues(run: Sequence[Glyph], glyph: Glyph, base: float, size: float) -> bool:
    largest = max(size, glyph.size)
    shift = abs(glyph.y - base)
    level = shift <= 0.25 * largest or (shift <= 0.62 * largest and min(size, glyph.size) <= 0.85 * largest)
    last = run[-1]
    if (glyph.left, glyph.right, glyph.y) == (last.left, last.right, last.y):
        return True  # one glyph that stands for several characters
    if glyph.right <= last.left + 0.3 * largest and is_right_to_left(glyph.text + last.text):
        gap = last.left - glyph.right
    else:
        gap = glyph.left - last.right
    # A mixed line's next run begins on the far side of the last one.
    across = is_right_to_left(run[0].text) != is_right_to_left(glyph.text) and abs(gap) < 40 * largest
    back = gap < -0.6 * largest and glyph.left < last.left - 0.3 * largest
    return level and ((gap <= _NEAR * largest and not back) or across)


def _line(run: Sequence[Glyph], base: float, size: float) -> Line:
    said: list[str] = []
    stroke, raising = "", True
    by_gaps = not any(is_right_to_left(g.text) for g in run)  # else the spaces are those of glyphs.py
    for number, glyph in enumerate(run):
        last = run[number - 1]
        apart = by_gaps and max(glyph.left - last.right, last.left - glyph.right) > _SPACE * size
        between = " " if number and (glyph.spaced or apart) else ""
        if number and not raising and _is_over(last, glyph, size):
            between = "/"
        said.append(between)
        if glyph.text == STROKE:
            if number and abs(glyph.left - last.left) < 0.2 * size:
                said.append(STROKE)
            else:
                stroke = STROKE
            continue
        # What is raised beside full-sized type is an exponent or a note's number; elsewhere a label or a fraction.
        is_small = glyph.size <= 0.85 * size
        raising = (
            is_small
            and glyph.y - base > 0.15 * size
            and not between
            and (raising or (last.size > 0.85 * size and last.text not in _OPENING))
        )
        if glyph.text != LOST or said[-2:-1] != [LOST]:
            said.append((glyph.text.translate(_RAISED) if raising else glyph.text) + stroke)
        stroke = ""
    # On systems where pdfium counts in UTF-16, a character beyond the basic plane comes in two halves.
    text = "".join(said).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    letters = [g for g in run if g.text.isalpha()]
    bold = bool(letters) and all(_BOLD.search(g.style.font) for g in letters)
    return Line(text, min(g.left for g in run), max(g.right for g in run), base, size, bold)


def _is_over(last: Glyph, glyph: Glyph, size: float) -> bool:
    """A fraction's last sign above the line and its first one below."""
    small = max(last.size, glyph.size) <= 0.85 * size
    return small and last.y - glyph.y > 0.5 * size and glyph.left < last.right - 0.1 * size


def _pictured(page: Any) -> float:
    import pypdfium2.raw as raw

    left, bottom, right, top = page.get_bbox()  # with what the page inherits
    area = max(1.0, (right - left) * (top - bottom))
    covered: float = 0.0
    for picture in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        x0, y0, x1, y1 = picture.get_bounds()
        covered += max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
    return float(min(1.0, covered / area))
