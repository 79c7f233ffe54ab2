"""Sentences that say what a term is: "X is the Y that ...", "... is called X", "we call ... X", "X, which is a Y", "X (a Y)".

Looser than the grammar of relations, because a definition is worth having where its genus is none: what it gives is the term,
the text's words for it and, where one can be told, the genus. Refuses pointing subjects, past and hedged verbs and questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from proda_core.teachers.apposing import AppositionReader
from proda_core.teachers.calling import NAMING
from proda_core.teachers.definition_view import Defined
from proda_core.teachers.lexicon import NO_DEFINITION, UNCERTAIN
from proda_core.teachers.naming import term_of
from proda_core.teachers.phrases import Unit
from proda_core.teachers.tagging import Token

NAMED_BESIDE = frozenset(("called", "termed", "named", "dubbed"))
_HAPPENING = frozenset(("occur", "exist", "arise", "happen"))
_QUOTES = frozenset("\"'\u201c\u201d\u2018\u2019")


def without_quotes(tokens: Sequence[Token]) -> list[Token]:
    """Tokens without quotation marks and abbreviations in brackets: they stand between a name and its verb."""
    kept: list[Token] = []
    i = 0
    while i < len(tokens):
        if tokens[i].text in _QUOTES:
            i += 1
        elif (
            tokens[i].text == "("
            and i + 2 < len(tokens)
            and tokens[i + 2].text == ")"
            and tokens[i + 1].text.isupper()
        ):
            i += 3
        else:
            kept.append(tokens[i])
            i += 1
    return kept


class DefinitionReader(AppositionReader):
    """Reads the definitions of one sentence from its units (quotation marks removed)."""

    def read(self) -> Iterator[Defined]:
        """Every definition, in the order of the words."""
        if any(u.lemma in UNCERTAIN for u in self.units):
            return
        for i, unit in enumerate(self.units):
            if unit.symbol == "P" and unit.lemma in NAMING:
                yield from self._passive_name(i)
            elif unit.symbol in "VI" and unit.lemma in ("call", "term", "label", "dub"):
                yield from self._called_by(i)
            elif unit.symbol in "VI" and unit.lemma == "refer" and self._lemma(i + 1) == "to":
                yield from self._referred(i)
            elif (unit.symbol == "D" and unit.lemma in NAMING) or (
                unit.symbol == "V"
                and self.tokens[unit.first].lower in NAMED_BESIDE
                and self._at(i - 1) in ("-", ",", "(")
            ):
                yield from self._participle(i)
            if unit.symbol in "VPC":
                yield from self._forward(i)
                yield from self._backward(i)
            elif unit.symbol in ",-(":
                yield from self._beside(i)
            elif unit.symbol == "N" and unit.lemma == "term":
                yield from self._the_term(i)

    def _forward(self, i: int) -> Iterator[Defined]:
        """ "X is the Y that", "X refers to", "X occurs when", "X means that"."""
        verb = self.units[i]
        subject = self._subject(i)
        if subject < 0 or verb.negated or verb.hedged or verb.past or self.tokens[verb.first].tag == "VM0":
            return
        at = self._over_adverbs(i + 1)
        known = verb.symbol == "V" and verb.lemma == "refer" and self._lemma(at) == "to"
        if known or (verb.symbol == "P" and verb.lemma in ("define",) and self._lemma(at) == "as"):
            yield from self._found(subject, at + 1, verb)
        elif verb.symbol == "C" and (self._defines(at) or self._lemma(at) in ("when", "where")):
            yield from self._found(subject, at, verb)
        elif verb.symbol == "V" and (self._says(verb, at, self.units[subject]) or self._happens(verb, at)):
            yield from self._found(subject, i, verb, related=False)

    def _happens(self, verb: Unit, at: int) -> bool:
        return verb.lemma in _HAPPENING and self._lemma(at) in ("when", "if", "where")

    def _found(self, subject: int, at: int, verb: Unit, *, related: bool = True) -> Iterator[Defined]:
        if at >= len(self.units):
            return
        named = self.units[subject]
        if self._lemma(subject + 1) == "per" and self._at(subject + 2) == "N":
            named = replace(named, last=self.units[subject + 2].last)
        genus = self._genus(at) if related else ""
        named_too = (
            self.units[subject - 2]
            if self._lemma(subject - 1) == "or" and self._at(subject - 2) == "N"
            else None
        )
        for unit in (named, named_too):
            term = term_of(unit, self.tokens) if unit is not None else ""
            if term:
                ends = (self.units[at].first, self._end(at))
                yield Defined(
                    term, *ends, (verb.first, verb.last), genus, parts=self._parts(at) if related else ()
                )

    def _backward(self, i: int) -> Iterator[Defined]:
        """ "A tax that falls on the rich is a progressive tax": narrowed first and named at the end."""
        verb, at = self.units[i], self._over_adverbs(i + 1)
        opening = self._opening(i)
        if (
            self.tokens[verb.first].tag == "VM0"
            or verb.symbol != "C"
            or verb.negated
            or verb.past
            or verb.hedged
            or opening < 0
            or self._at(at) != "N"
        ):
            return
        first, named = self.units[opening], self.units[at]
        ends = self._at(at + 1) in (".", "") or (self._at(at + 1) == "c" and self._lemma(at + 1) == "or")
        plain = first.symbol == "N" and self._at(opening + 1) in ("r", "q") and opening + 2 < i
        if not (ends and plain) or named.determiner == "the" or first.pronoun or self._genus(opening) == "":
            return
        term = term_of(named, self.tokens)
        if term and named.lemma not in NO_DEFINITION:
            yield Defined(term, first.first, verb.first, (verb.first, verb.last), self._genus(opening))
