"""A walk asked as a question: forward (the start is named, the end is asked) or backward (the end is named).

Items, chain-of-thought rows and their checks all speak of the same ``ChainQuestion``; its steps are the canonical statements
of the walked relations in the order in which the question walks them.
"""

from __future__ import annotations

from dataclasses import dataclass

from proda_core.knowledge import Walk
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
    """Canonical statements in walking order. A symmetric relation is said from the concept the chain comes from."""
    ends = zip(question.walk.concept_ids, question.walk.concept_ids[1:], strict=False)
    said = [
        verbalise(type_, snapshot.term(first), snapshot.term(second))
        for type_, (first, second) in zip(question.types, ends, strict=True)
    ]
    return tuple(said if question.forward else reversed(said))
