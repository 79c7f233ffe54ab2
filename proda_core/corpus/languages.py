"""The language of a text, by py3langid: an ISO 639-1 code, or "" when the text is too short to tell.

Its model travels in its package; nothing is fetched. Reported, and never a reason of its own to drop a document.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SAMPLE = (
    600  # characters, from each of three places: a foreign abstract or licence is not the language of a book
)
_LEAST = 40


def detect_language(text: str) -> str:
    """The likeliest language of ``text``, judged on its beginning, middle and end."""
    if sum(c.isalpha() for c in text[: 4 * _LEAST]) < _LEAST:
        return ""
    starts = {0, max(0, (len(text) - _SAMPLE) // 2), max(0, len(text) - _SAMPLE)}
    sample = " ".join(text[start : start + _SAMPLE] for start in sorted(starts))
    return str(_identifier().classify(sample)[0])


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
