"""Exact and near duplicates: MinHash LSH over word 5-grams proposes, the true Jaccard confirms.

So a pair is never called a duplicate below the threshold, and the only error left is a pair that LSH did not propose.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datasketch import MinHash, MinHashLSH

_WORD = re.compile(r"\w+")
_SHINGLE = 5
_PERMUTATIONS = 128
_PACE = 50


@dataclass(frozen=True, slots=True)
class Duplicate:
    """``index`` repeats the earlier ``original``; ``similarity`` is the Jaccard of their word 5-grams (1.0: exact)."""

    index: int
    original: int
    similarity: float


def words_of(text: str) -> tuple[str, ...]:
    """The words that are compared: NFKC, case folded, no punctuation."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def shingles_of(words: Sequence[str]) -> frozenset[str]:
    """The word 5-grams; a shorter text is one shingle."""
    if len(words) <= _SHINGLE:
        return frozenset([" ".join(words)]) if words else frozenset()
    return frozenset(" ".join(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Size of the intersection over size of the union; 0 for two empty sets."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def find_duplicates(
    texts: Sequence[str],
    threshold: float,
    *,
    min_words: int = 8,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Duplicate]:
    """For each text that repeats an earlier kept one, that one. Texts shorter than ``min_words`` are never compared.

    ``tell(done, total)`` is called every ``_PACE`` texts and at the end.
    """
    index = _Index(threshold)
    found: list[Duplicate] = []
    for number, text in enumerate(texts):
        if number % _PACE == 0:
            tell(number, len(texts))
        words = words_of(text)
        if len(words) < min_words:
            continue
        duplicate = index.add(number, words)
        if duplicate is not None:
            found.append(duplicate)
    tell(len(texts), len(texts))
    return found


class _Index:
    """What was kept so far: a table of exact word sequences and an LSH of the rest."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._exact: dict[tuple[str, ...], int] = {}
        self._shingles: dict[int, frozenset[str]] = {}
        # Tuned below the threshold: a candidate too many costs one set intersection, a missed one a duplicate.
        self._lsh = MinHashLSH(threshold=max(0.1, threshold - 0.15), num_perm=_PERMUTATIONS)
        # Drawing the permutations anew for each text took a sixth of the comparison.
        self._blank = MinHash(num_perm=_PERMUTATIONS, seed=1)

    def add(self, number: int, words: tuple[str, ...]) -> Duplicate | None:
        if words in self._exact:
            return Duplicate(number, self._exact[words], 1.0)
        shingles = shingles_of(words)
        signature = self._blank.copy()
        signature.update_batch([s.encode() for s in sorted(shingles)])
        best: Duplicate | None = None
        for other in sorted(self._lsh.query(signature)):
            similarity = jaccard(shingles, self._shingles[other])
            if similarity >= self._threshold and (best is None or similarity > best.similarity):
                best = Duplicate(number, other, similarity)
        if best is None:
            self._exact[words] = number
            self._shingles[number] = shingles
            self._lsh.insert(number, signature)
        return best
