"""Scaffold walks: walks of the same shape elsewhere in the graph, so that a skill is taught and not one answer.

A shape is the sequence of relation types. Walks come from the graph's chains, touch no forbidden pair, start each at another
concept while there are enough, and together take at most a given number of relations. Exact shapes first, then equal lengths.
"""

from __future__ import annotations

from collections.abc import Iterable

from proda_core.ids import digest, pair_key
from proda_core.knowledge import Walk
from proda_core.types import Chain, KnowledgeSnapshot

Pair = tuple[str, str]
Shape = tuple[str, ...]


def walk_of(chain: Chain) -> Walk:
    return Walk(chain.relation_ids, chain.concept_ids)


def shape_of(snapshot: KnowledgeSnapshot, walk: Walk) -> Shape:
    return tuple(snapshot.relations[r].type for r in walk.relation_ids)


def pairs_of(snapshot: KnowledgeSnapshot, walk: Walk) -> frozenset[Pair]:
    """The concept pairs that a walk crosses."""
    relations = (snapshot.relations[r] for r in walk.relation_ids)
    return frozenset(pair_key(r.subject_id, r.object_id) for r in relations)


class ScaffoldPicker:
    """Picks walks from one snapshot; ``forbidden`` pairs are the sealed ones and those the patch teaches anyway."""

    def __init__(self, snapshot: KnowledgeSnapshot, *, forbidden: frozenset[Pair], seed: int) -> None:
        self._snapshot = snapshot
        self._walks = sorted(
            (walk_of(c) for c in snapshot.chains.values() if not pairs_of(snapshot, walk_of(c)) & forbidden),
            key=lambda w: digest([seed, list(w.relation_ids)]),
        )

    def pick(self, shapes: Iterable[Shape], *, max_relations: int) -> tuple[Walk, ...]:
        """Walks whose relations together are at most ``max_relations``; each brings a relation that none before it had."""
        wanted = set(shapes)
        lengths = {len(shape) for shape in wanted}
        exact = [w for w in self._walks if shape_of(self._snapshot, w) in wanted]
        alike = [w for w in self._walks if w.hops in lengths and shape_of(self._snapshot, w) not in wanted]
        chosen: list[Walk] = []
        taken: set[str] = set()
        started: set[str] = set()
        for again in (False, True):
            for walk in (*exact, *alike):
                if (walk.concept_ids[0] in started) is not again or walk in chosen:
                    continue
                fresh = set(walk.relation_ids) - taken
                if fresh and len(taken | fresh) <= max_relations:
                    chosen.append(walk)
                    taken |= fresh
                    started.add(walk.concept_ids[0])
        return tuple(chosen)
