"""Quality of a chunk: each filter returns the reason to drop it, or "" to keep it. What is dropped is kept, with its reason."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+")
_FUNCTION_WORDS = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "a",
        "is",
        "that",
        "it",
        "for",
        "as",
        "with",
        "on",
        "are",
        "by",
        "be",
        "this",
        "an",
        "or",
        "from",
        "at",
        "which",
        "can",
        "not",
        "have",
        "has",
        "its",
    ]
)


def reason_to_drop(text: str, *, min_words: int) -> str:
    """too_short, not_prose (symbols, tables, code), not_english (too few function words), repetitive; or "" to keep."""
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < min_words:
        return "too_short"
    visible = sum(not c.isspace() for c in text)
    if sum(c.isalpha() for c in text) < 0.6 * visible:
        return "not_prose"
    if sum(word in _FUNCTION_WORDS for word in words) < 0.12 * len(words):
        return "not_english"
    if len(words) >= 50 and len(set(words)) < 0.15 * len(words) ** 0.9:
        return "repetitive"
    return ""
