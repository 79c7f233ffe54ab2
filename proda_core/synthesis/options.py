"""Wrong options for training rows, picked so that a row teaches its own fact and states no other relation by accident.

A pick is clean when it is joined to nothing else that the row names and does not bring both ends of an item's chain into one
row. Near options (neighbours, for contrast) are taken first and need not be clean. Fewer than asked for is an empty pick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from proda_core.ids import pair_key
from proda_core.synthesis.distractors import answers_to, like_length
from proda_core.synthesis.questions import ChainQuestion
from proda_core.synthesis.truths import Truths
from proda_core.types import Benchmark

Pair = tuple[str, str]


def item_ends(benchmark: Benchmark) -> frozenset[Pair]:
    """The two ends of every item's chain: pairs that no single Example may join."""
    return frozenset(pair_key(item.l1_ids[0], item.l1_ids[item.hops]) for item in benchmark.items)


class OptionPicker:
    """Picks over one snapshot; ``apart`` are pairs that no pick may bring together, near or not."""

    def __init__(self, truths: Truths, *, apart: frozenset[Pair] = frozenset()) -> None:
        self._truths, self._apart = truths, apart
        concepts = truths.snapshot.concepts
        self._of_discipline: dict[str, tuple[str, ...]] = {}
        for code in {c.discipline for c in concepts.values()}:
            self._of_discipline[code] = tuple(sorted(k for k, c in concepts.items() if c.discipline == code))
        self._ends: dict[tuple[str, bool, str], tuple[str, ...]] = {}
        for relation in truths.snapshot.relations.values():
            for forward, end in ((True, relation.object_id), (False, relation.subject_id)):
                key = (relation.type, forward, concepts[end].discipline)
                self._ends[key] = (*self._ends.get(key, ()), end)

    def pick(
        self,
        question: ChainQuestion,
        rng: Random,
        *,
        count: int = 3,
        near: Sequence[str] = (),
        beside: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """``count`` wrong answers, or none when there are not so many.

        ``beside`` are concepts that the row names apart from the question: no pick, and no pick is joined to one.
        """
        answers = answers_to(question, self._truths)
        for strict in (True, False):
            chosen: list[str] = []
            for concept, is_near in self._candidates(question, near, rng):
                if concept in chosen or (concept in question.walk.concept_ids[1:-1] and not is_near):
                    continue
                named = [*question.walk.concept_ids, *beside, *chosen]
                if concept in beside or not self._allowed(concept, named, is_near=is_near):
                    continue
                if self._fits(concept, [question.gold, *chosen], strict=strict) and answers.is_wrong(concept):
                    chosen.append(concept)
                if len(chosen) == count:
                    return tuple(chosen)
        return ()

    def _candidates(
        self, question: ChainQuestion, near: Iterable[str], rng: Random
    ) -> Iterator[tuple[str, bool]]:
        yield from ((concept, True) for concept in near)
        last = question.types[-1] if question.forward else question.types[0]
        code = self._truths.snapshot.concepts[question.gold].discipline
        ends = sorted(set(self._ends.get((last, question.forward, code), ())))
        rng.shuffle(ends)
        yield from ((concept, False) for concept in ends)
        others = list(self._of_discipline[code])
        rng.shuffle(others)
        yield from ((concept, False) for concept in others)

    def _allowed(self, concept: str, named: Sequence[str], *, is_near: bool) -> bool:
        if any(pair_key(concept, other) in self._apart for other in named):
            return False
        return is_near or self._truths.neighbours(concept).isdisjoint(named)

    def _fits(self, concept: str, named: Sequence[str], *, strict: bool) -> bool:
        term = self._truths.snapshot.term
        if any(self._truths.same_name(concept, other) for other in named):
            return False
        if strict:
            return all(like_length(term(concept), term(other)) for other in named)
        folded = term(concept).casefold()
        return not any(folded in term(o).casefold() or term(o).casefold() in folded for o in named)
