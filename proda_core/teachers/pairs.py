"""Two things set side by side: "the difference between X and Y", "X, whereas Y", "three kinds of X: A, B and C".

No verb relates them, so the grammar of verbs does not see them. Contrast without a word for it is read only between two names
that share their head ("fixed cost", "variable cost").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proda_core.teachers.lexicon import AGENTS, EVALUATIVE, UNCERTAIN
from proda_core.teachers.phrases import Unit
from proda_core.teachers.view import Statement

_DIFFERENCE = frozenset(("difference", "distinction", "contrast", "trade-off", "tradeoff"))
_AGAINST = frozenset(("while", "whereas", "but", "unlike", "versus", "instead", "conversely"))
_EVERYDAY = frozenset(
    ("good", "bad", "other", "same", "one", "total", "many", "new", "old", "more", "less", "higher", "lower")
)


class PairReader:
    """Reads contrasts and announced kinds from the units of one sentence."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = list(units)
        self.symbols = "".join(u.symbol for u in units)

    def read(self) -> Iterator[Statement]:
        """Every pair, in the order of the words."""
        if any(u.lemma in UNCERTAIN or u.negated for u in self.units):
            return
        for i, unit in enumerate(self.units):
            told = unit.symbol == "N" and unit.lemma in _DIFFERENCE and self._lemma(i + 1) == "between"
            if told and (
                unit.plural or self.symbols[i - 1 : i] != "C"
            ):  # "profit is the difference between": a sum
                yield from self._between(i + 2)
            elif unit.symbol == ":" and self.symbols[i - 1 : i] == "N":
                yield from self._announced(i)
            elif unit.lemma in _AGAINST:
                yield from self._against(i)

    def _between(self, at: int) -> Iterator[Statement]:
        if self.symbols[at : at + 3] == "NcN" and self._lemma(at + 1) == "and":
            yield from _contrast(self.units[at], self.units[at + 2])

    def _announced(self, colon: int) -> Iterator[Statement]:
        """ "two kinds of tax: an income tax and a sales tax": a plain list up to the full stop."""
        kind = self.units[colon - 1]
        members = self.symbols[colon + 1 :].rstrip(".;")
        listed = [colon + 1 + n for n, symbol in enumerate(members) if symbol == "N"]
        if not kind.plural or len(kind.terms) != 1 or len(listed) < 2 or set(members) - set("N,c"):
            return
        if members[-2:] != "cN" or _head(kind.terms[0]) in EVALUATIVE | AGENTS:
            return
        for n in listed:
            for term in self.units[n].terms:
                yield Statement(term, "SPECIALIZATION", kind.terms[0], kind.first, kind.last)

    def _against(self, i: int) -> Iterator[Statement]:
        left = [u for u in self.units[:i] if u.symbol == "N" and len(u.terms) == 1]
        right = [u for u in self.units[i + 1 :] if u.symbol == "N" and len(u.terms) == 1]
        for one in left[:2]:
            for other in right[:2]:
                if _same_head(one.terms[0], other.terms[0]):
                    yield from _contrast(one, other)
                    return

    def _lemma(self, i: int) -> str:
        return self.units[i].lemma if 0 <= i < len(self.units) else ""


def _contrast(one: Unit, other: Unit) -> Iterator[Statement]:
    if len(one.terms) == len(other.terms) == 1 and one.terms != other.terms:
        yield Statement(one.terms[0], "CONTRAST", other.terms[0], one.first, other.last)


def _same_head(one: str, other: str) -> bool:
    """ "fixed cost" and "variable cost": one word apart, in front."""
    first, second = one.lower().split(), other.lower().split()
    return (
        len(first) == len(second) > 1
        and first[1:] == second[1:]
        and first[0] != second[0]
        and not {first[0], second[0]} & _EVERYDAY
    )


def _head(term: str) -> str:
    return term.rsplit(maxsplit=1)[-1].lower()
