"""Signs of TeX's own symbol fonts, which older files name in no way that a reader of PDF knows.

Without them "x ≠ 0" reads "x = 0": the stroke is a character of its own. Codes by Knuth's encodings of CMSY and CMEX
(TeXbook, appendix F).
"""

from __future__ import annotations

STROKE = "\u0338"  # drawn before the sign that it crosses, written after it
_SYMBOLS = {"0": "′", "6": STROKE, "7": "", "4": "△", "h": "⟨", "i": "⟩", "k": "‖", "<": "ℜ", "=": "ℑ"}
_LARGE = {
    **dict.fromkeys("\x00\x10\x12\x20", "("),
    **dict.fromkeys("\x01\x11\x13\x21", ")"),
    **dict.fromkeys("\x02\x14\x22h", "["),
    **dict.fromkeys("\x03\x15\x23i", "]"),
    **dict.fromkeys("\x08\x1a\x28n", "{"),
    **dict.fromkeys("\x09\x1b\x29o", "}"),
    **dict.fromkeys("\x0c", "|"),
    **dict.fromkeys("PX", "∑"),
    **dict.fromkeys("QY", "∏"),
    **dict.fromkeys("RZ", "∫"),
    **dict.fromkeys("S[", "⋃"),
    **dict.fromkeys("T\\", "⋂"),
    **dict.fromkeys("pqrs", "√"),
}


def named_by_tex(font: str, code: str) -> str | None:
    """The sign at ``code`` of a TeX font, "" where it is part of the next one; None for a font or code that is not known."""
    if is_large(font):
        return _LARGE.get(code)
    return _SYMBOLS.get(code) if _family(font).startswith("CMSY") else None


def is_large(font: str) -> bool:
    """The font of large signs, each of which has its origin at its top."""
    return _family(font).startswith("CMEX")


def _family(font: str) -> str:
    return font.rpartition("+")[2].upper()
