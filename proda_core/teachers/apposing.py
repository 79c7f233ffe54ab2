"""Definitions beside a noun: "X, which is a Y", "X, a Y that", "X - that is, a Y", "X (a Y that ...)"; lists are none."""

from __future__ import annotations

from collections.abc import Iterator

from proda_core.teachers.calling import NameReader
from proda_core.teachers.definition_view import Defined
from proda_core.teachers.lexicon import EVALUATIVE, NO_DEFINITION, POINTING_DETERMINERS
from proda_core.teachers.naming import term_of
from proda_core.teachers.phrases import Unit

_DOING = frozenset(
    (
        "impose",
        "allow",
        "give",
        "provide",
        "require",
        "include",
        "involve",
        "occur",
        "arise",
        "combine",
        "cover",
    )
)


class AppositionReader(NameReader):
    """Adds what stands beside a noun."""

    def _beside(self, i: int) -> Iterator[Defined]:
        """ "X, which is a Y", "X, a Y that", "X (a Y that ...)"."""
        if self._at(i - 1) != "N" or self._at(i - 2) == "c" or self._lemma(i - 2) == "per":
            return
        if not set("VPC") & set(self.symbols):
            return  # a caption or a list
        named = self.units[i - 1]
        if named.pronoun or named.determiner in POINTING_DETERMINERS:
            return
        term = term_of(named, self.tokens)
        if not term:
            return
        at, verb, related = i + 1, self.units[i], True
        if self._at(at) == "r" and self._at(at + 1) == "C" and self._lemma(at) == "which":
            verb = self.units[at + 1]
            at = self._over_adverbs(at + 2)
            fits = self._defines(at) or self._lemma(at) in ("when", "where")
            if verb.negated or verb.past or verb.hedged or not fits:
                return
        elif self._at(at) == "r" and self._lemma(at + 1) == "refer" and self._lemma(at + 2) == "to":
            verb, at = self.units[at + 1], at + 3
        elif self._at(at) == "r" and self._at(at + 1) == "V" and self._tells(at + 1, named):
            verb, at, related = self.units[at + 1], at + 1, False
        elif self.symbols[i] in "-," and self._that_is(at):
            at = self._over_adverbs(at + 2)
        elif not self._apposed(i, named):
            return
        end = self._close(i, at)
        if end > self.units[at].first:
            yield Defined(
                term, self.units[at].first, end, (verb.first, verb.last), self._genus(at) if related else ""
            )

    def _that_is(self, at: int) -> bool:
        return (
            self.tokens[self.units[at].first].lower == "that" and self._at(at + 1) == "C"
            if at < len(self.units)
            else False
        )

    def _apposed(self, i: int, named: Unit) -> bool:
        at = i + 1
        noun = self.units[at] if self._at(at) == "N" else None
        if noun is None or noun.lemma in NO_DEFINITION | EVALUATIVE - {"study"} or noun.pronoun:
            return False
        if self.symbols[i] == "," and self._listed(i):
            return False
        if any(u.lemma in ("call", "essence") for u in self.units[:i]) or (
            self.units[i - 1].inner and self.symbols[i] == "-"
        ):
            return False  # "call this, when ..., a bubble"; "parts of one cause - a change"
        fronted = self.symbols.lstrip("a,")
        if fronted[:1] in ("s", "p") and "," not in fronted[: i - len(self.symbols) + len(fronted)]:
            return False  # the comma closes a fronted clause
        if not noun.determiner and self._at(at + 1) == "r" and self.symbols[i] == "," and named.core > 1:
            return True  # "pork-barrel spending, legislation that benefits"
        narrowed = bool(noun.inner) or (
            self._at(at + 1) in ("r", "q", "G", "D", "I", "s") or (self._at(at + 1) == "p")
        )
        if noun.determiner == "the":
            return narrowed and self.symbols[i] in "(-"
        if self.symbols[i] == "(" and not noun.determiner:
            return narrowed
        if noun.determiner not in ("a", "an"):
            return False
        return narrowed or self._at(at + 1) in (",", ")", "-", ".")

    def _listed(self, comma: int) -> bool:
        """ "a worker, a manager, and an owner": nouns side by side and no apposition."""
        rest = self.symbols[comma + 1 :]
        verb = min((rest.find(v) for v in "VPCr" if v in rest), default=len(rest))
        return self._at(comma - 2) == "," or any(mark in rest[:verb] for mark in (",N", ",c", "cN", ",G"))

    def _tells(self, at: int, named: Unit) -> bool:
        """What ", which" goes on with is worth being called a definition: a present verb of what the thing does."""
        verb = self.units[at]
        if verb.past or verb.hedged or verb.negated or named.determiner == "the":
            return False
        return self._says(verb, at + 1, named) or verb.lemma in _DOING
