"""A walk asked as a question: forward (the start is named, the end is asked) or backward (the end is named).

Items, chain-of-thought rows and their checks all speak of the same ``ChainQuestion``; its steps give each term that is looked up
and the canonical statement found, in the order in which the question walks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from proda_core.knowledge import Walk
from proda_core.layout import cot_step
from proda_core.phi import verbalise
from proda_core.types import KnowledgeSnapshot


@dataclass(frozen=True, slots=True)
class ChainQuestion:
    """``walk`` in chain order whatever the direction asked; ``types[i]`` is the type of its relation i."""

    walk: Walk
    types: tuple[str, ...]
    forward: bool

    @property
    def hops(self) -> int:
        return self.walk.hops

    @property
    def known(self) -> str:
        """The concept the question names."""
        return self.walk.concept_ids[0 if self.forward else -1]

    @property
    def gold(self) -> str:
        """The concept the question asks for."""
        return self.walk.concept_ids[-1 if self.forward else 0]

    @property
    def inner(self) -> tuple[str, ...]:
        """The concepts between, which the question must not name."""
        return self.walk.concept_ids[1:-1]


def ask_walk(snapshot: KnowledgeSnapshot, walk: Walk, *, forward: bool) -> ChainQuestion:
    return ChainQuestion(walk, tuple(snapshot.relations[r].type for r in walk.relation_ids), forward)


def walk_steps(snapshot: KnowledgeSnapshot, question: ChainQuestion) -> tuple[str, ...]:
    """The steps of a chain of thought: canonical statements in walking order, each from the term that it is looked up by.

    A symmetric relation is said from the concept the chain comes from.
    """
    terms = [snapshot.term(concept_id) for concept_id in question.walk.concept_ids]
    said = [
        cot_step(first if question.forward else second, verbalise(type_, first, second))
        for type_, (first, second) in zip(question.types, pairwise(terms), strict=True)
    ]
    return tuple(said if question.forward else reversed(said))
