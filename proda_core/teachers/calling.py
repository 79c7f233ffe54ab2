"""Names given to things: "what ... is called X", "we call ... X", "a level called X", "the term X", "Y (or X)"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from proda_core.teachers.definition_view import Defined, DefinitionView
from proda_core.teachers.lexicon import POINTED_AT, POINTING_DETERMINERS
from proda_core.teachers.naming import genus_of, term_of
from proda_core.teachers.phrases import Unit

NAMING = frozenset(("call", "term", "name", "label", "dub", "know", "refer"))


class NameReader(DefinitionView):
    """Adds names to the view."""

    def other_names(self) -> Iterator[tuple[str, str]]:
        """ "inputs (or factors of production)", "lag (also called a delay)": the two names of one thing."""
        for i, symbol in enumerate(self.symbols):
            if symbol != "(" or self._at(i - 1) != "N":
                continue
            at = i + 1
            if self._at(at) == "c" and self._lemma(at) == "or":
                at += 1
            else:
                at = self._over_adverbs(at)
                if self._at(at) not in ("D", "V") or self.units[at].lemma not in NAMING:
                    continue
                at += 2 if self._lemma(at + 1) in ("as", "to") else 1
            if self._at(at) == "N" and self._at(at + 1) in (")", ","):
                first, other = (term_of(self.units[k], self.tokens) for k in (i - 1, at))
                if first and other and first != other:
                    yield first, other

    def _passive_name(self, i: int) -> Iterator[Defined]:
        """ "The process by which ... is called X", "This is known as X"."""
        verb, at = self.units[i], self._over_adverbs(i + 1)
        if self._lemma(at) in ("as", "to"):
            at += 2 if self._lemma(at) == "to" and self._lemma(at + 1) == "as" else 1
        elif verb.lemma in ("know", "refer"):
            return
        if self._at(at) != "N" or verb.negated or verb.hedged:
            return
        term = term_of(self.units[at], self.tokens)
        opening = self._opening(i)
        if not term or opening < 0:
            return
        first = self.units[opening]
        if first.pronoun or (first.determiner in POINTING_DETERMINERS and first.symbol == "N"):
            yield Defined(term, 0, 0, (verb.first, verb.last), before=True)
            return
        genus = self._genus(opening) if first.symbol == "N" else ""
        yield Defined(term, first.first, verb.first, (verb.first, verb.last), genus)

    def _called_by(self, i: int) -> Iterator[Defined]:
        """ "we call the rate at which ... X", "we call this X", "what economists call X"."""
        verb, after = self.units[i], i + 1
        if self._at(after) != "N" or verb.negated or verb.past:
            return
        noun = self.units[after]
        adjacent = next(
            (k for k in range(after + 1, len(self.units)) if self.symbols[k - 1 : k + 1] == "NN"), -1
        )
        if noun.determiner in POINTING_DETERMINERS and noun.core:
            yield from self._before_that(self._beyond_pointer(noun), verb)
        elif noun.pronoun and self._at(after + 1) == "N":
            yield from self._before_that(self.units[after + 1], verb)
        elif adjacent > 0 and self._told_apart(after) and self._at(adjacent + 1) in (".", ",", ";", "", ")"):
            term = term_of(self.units[adjacent], self.tokens)
            if term:
                words = (noun.first, self.units[adjacent].first)
                yield Defined(term, *words, (verb.first, verb.last), genus_of(noun))

    def _beyond_pointer(self, unit: Unit) -> Unit:
        """ "this limited reserves", "this situation a trade-off": the pointing words are the object, the rest is the name."""
        first = unit.first + 1
        if unit.last - first > 1 and self.tokens[first].lower in POINTED_AT:
            first += 1
        return replace(unit, first=first, determiner="")

    def _referred(self, i: int) -> Iterator[Defined]:
        """ "we refer to a policy that ... as X"."""
        verb = self.units[i]
        k = next(
            (k for k in range(i + 3, len(self.units)) if self._lemma(k) == "as" and self.symbols[k] == "p"),
            -1,
        )
        if k < 0 or self._at(i + 2) != "N" or self._at(k + 1) != "N" or verb.negated or verb.past:
            return
        noun, term = self.units[i + 2], term_of(self.units[k + 1], self.tokens)
        if not self._told_apart(i + 2) and not (noun.pronoun or noun.determiner in POINTING_DETERMINERS):
            return
        if not term or self._at(k + 2) not in (".", ",", ";", ""):
            return
        if noun.pronoun or noun.determiner in POINTING_DETERMINERS:
            yield Defined(term, 0, 0, (verb.first, verb.last), before=True)
        else:
            yield Defined(term, noun.first, self.units[k].first, (verb.first, verb.last), genus_of(noun))

    def _before_that(self, named: Unit, verb: Unit) -> Iterator[Defined]:
        term = term_of(named, self.tokens)
        if term:
            yield Defined(term, 0, 0, (verb.first, verb.last), before=True)

    def _participle(self, i: int) -> Iterator[Defined]:
        """ "a level of income called the poverty line", "labor, known as X"."""
        at = self._over_adverbs(i + 1)
        if self._lemma(at) in ("as", "to"):
            at += 1
        elif self.units[i].lemma in ("know", "refer"):
            return
        j = i - 1
        while j >= 0 and self.symbols[j] in ",-a(":
            j -= 1
        if j < 0 or self.symbols[j] != "N" or self._at(at) != "N" or "(" in self.symbols[j:i]:
            return
        term = term_of(self.units[at], self.tokens)
        if not term or self.units[j].pronoun:
            return
        verb = (self.units[i].first, self.units[i].last)
        follows = at + 1 + (self._at(at + 1) in (",", "-"))
        genus = genus_of(self.units[j])
        if self._at(follows) in ("r", "q") or (self._at(follows) == "p" and self._at(follows + 1) == "r"):
            yield Defined(term, self.units[follows].first, self._end(follows), verb, genus)
        else:
            yield Defined(term, self.units[j].first, self.units[j].last, verb, genus)

    def _the_term(self, i: int) -> Iterator[Defined]:
        """ "use the term X to refer to ...", "the term X refers to ..."."""
        if self._at(i + 1) != "N":
            return
        term = term_of(self.units[i + 1], self.tokens)
        at = i + 2
        verb = self.units[at] if at < len(self.units) else None
        if (
            not term
            or verb is None
            or verb.symbol not in "IV"
            or verb.lemma not in ("refer", "describe", "mean")
        ):
            return
        at += 2 if self._lemma(at + 1) == "to" else 1
        if at < len(self.units):
            yield Defined(term, self.units[at].first, self._end(at), (verb.first, verb.last), self._genus(at))
