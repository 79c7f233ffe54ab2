"""Distractors by graph operators: wrong answers that somebody who half knows the chain would give.

SUBST_ADJ a neighbour of the gold; REVERSED the last relation read the wrong way; SWAPPED_TYPE the last relation of another
type; TRUNCATED a concept inside the chain; SIBLING the end of another walk whose last relation has the same type. A
candidate is kept only if both routes of ``Truths`` find it false and its length is like the gold's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from proda_core.synthesis.questions import ChainQuestion
from proda_core.synthesis.truths import Truths

LENGTH_RATIO = 2.0
_SHORTEST = 6  # terms shorter than this count as this long, or "ion" could have no company


class Operator(StrEnum):
    SUBST_ADJ = "subst_adj"
    REVERSED = "reversed"
    SWAPPED_TYPE = "swapped_type"
    TRUNCATED = "truncated"
    SIBLING = "sibling"


GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Distractor:
    concept_id: str
    operator: Operator
    shares_last: bool  # the last relation alone would allow it


class DistractorSource:
    """Candidates for one snapshot; enumeration is in a fixed order."""

    def __init__(self, truths: Truths) -> None:
        self._truths = truths
        self._ends: dict[tuple[str, bool], tuple[str, ...]] = {}
        for type_ in truths.phi:
            found = [r for r in truths.snapshot.relations.values() if r.type == type_]
            subjects, objects = {r.subject_id for r in found}, {r.object_id for r in found}
            both = subjects | objects if truths.phi[type_].symmetric else set()
            self._ends[type_, True] = tuple(sorted(objects | both))
            self._ends[type_, False] = tuple(sorted(subjects | both))

    def of(self, question: ChainQuestion) -> tuple[Distractor, ...]:
        """Every usable distractor, each concept once under the first operator that makes it; siblings last.

        Siblings are of the gold's own discipline, which would otherwise tell it apart.
        """
        last = question.types[-1] if question.forward else question.types[0]
        ends = frozenset(self._ends[last, question.forward])
        answers = answers_to(question, self._truths)
        found: dict[str, Distractor] = {}
        for concept, operator in self._made(question, last):
            if concept not in found and answers.is_wrong(concept):
                found[concept] = Distractor(concept, operator, concept in ends)
        return tuple(d for d in found.values() if like_length(*self._terms(question.gold, d.concept_id)))

    def _made(self, question: ChainQuestion, last: str) -> Iterator[tuple[str, Operator]]:
        truths = self._truths
        discipline = truths.snapshot.concepts[question.gold].discipline
        before_last = question.walk.concept_ids[-2 if question.forward else 1]
        yield from ((c, Operator.TRUNCATED) for c in question.inner)
        ahead = (truths.before if question.forward else truths.after)(before_last, last)
        yield from ((c, Operator.REVERSED) for c in sorted(ahead))
        for type_ in sorted(set(truths.phi) - {last}):
            swapped = (truths.after if question.forward else truths.before)(before_last, type_)
            yield from ((c, Operator.SWAPPED_TYPE) for c in sorted(swapped))
        yield from ((c, Operator.SUBST_ADJ) for c in sorted(truths.neighbours(question.gold)))
        yield from (
            (c, Operator.SIBLING)
            for c in self._ends[last, question.forward]
            if truths.snapshot.concepts[c].discipline == discipline
        )

    def _terms(self, *concept_ids: str) -> tuple[str, ...]:
        return tuple(self._truths.snapshot.term(c) for c in concept_ids)


@dataclass(frozen=True, slots=True)
class Answers:
    """What both routes say of a question; computed once, asked for every option."""

    question: ChainQuestion
    truths: Truths
    direct: frozenset[str]
    implied: frozenset[str]
    implied_by_steps: frozenset[str]
    kin: frozenset[str]

    def is_wrong(self, concept_id: str) -> bool:
        """Whether a concept is a wrong answer by both routes, and no near name of a right one or of the concept named.

        A concept inside the chain may be reached by the type of the whole path and is still wrong as the end of it. Kin of
        the gold (its kinds, what it is a kind of) are neither clearly right nor clearly wrong, and do not count as wrong.
        """
        question, same_name = self.question, self.truths.same_name
        if concept_id in self.direct or same_name(concept_id, question.known):
            return False
        if concept_id in self.implied_by_steps or concept_id in self.kin:
            return False
        if concept_id in self.implied and concept_id not in question.inner:
            return False
        return not any(same_name(concept_id, right) for right in self.direct)


def answers_to(question: ChainQuestion, truths: Truths) -> Answers:
    known, types, forward = question.known, question.types, question.forward
    return Answers(
        question,
        truths,
        truths.reached(known, types, forward=forward),
        truths.implied(known, types, forward=forward),
        truths.implied_by_steps(known, types, forward=forward),
        truths.kin(question.gold),
    )


def like_length(*terms: str) -> bool:
    """Whether the longest of some options is within ``LENGTH_RATIO`` of the shortest, and none lies inside another."""
    lengths = [max(len(term), _SHORTEST) for term in terms]
    if max(lengths) > LENGTH_RATIO * min(lengths):
        return False
    folded = [term.casefold() for term in terms]
    return not any(one in other for i, one in enumerate(folded) for j, other in enumerate(folded) if i != j)
