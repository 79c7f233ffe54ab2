"""The snapshot as an adjacency index: neighbours N(e), relations of a concept or a pair, components, and chain walks.

Build it once and ask often; every answer is sorted, so that what is made from it has the same ID in every run. Walks follow
a relation from subject to object, a symmetric one either way, and never pass a concept twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from proda_core.errors import KnowledgeError
from proda_core.ids import pair_key
from proda_core.phi import PHI, RelationType
from proda_core.types import KnowledgeSnapshot, Relation


@dataclass(frozen=True, slots=True)
class Step:
    """One relation as a walk leaves by it: ``relation_id`` leads to ``concept_id``."""

    relation_id: str
    concept_id: str


@dataclass(frozen=True, slots=True)
class Walk:
    """Relations joined end to end: relation i joins ``concept_ids[i]`` to ``concept_ids[i + 1]``, as in a Chain."""

    relation_ids: tuple[str, ...]
    concept_ids: tuple[str, ...]

    @property
    def hops(self) -> int:
        return len(self.relation_ids)


class Adjacency:
    """An index over one snapshot. An unknown concept ID is a KnowledgeError, never an empty answer."""

    def __init__(self, snapshot: KnowledgeSnapshot, *, phi: Mapping[str, RelationType] = PHI) -> None:
        self.snapshot = snapshot
        self._steps: dict[str, list[Step]] = {key: [] for key in snapshot.concepts}
        self._around: dict[str, set[str]] = {key: set() for key in snapshot.concepts}
        self._of: dict[str, list[str]] = {key: [] for key in snapshot.concepts}
        self._between: dict[tuple[str, str], list[str]] = {}
        for relation in sorted(snapshot.relations.values(), key=lambda r: r.relation_id):
            self._add(relation, symmetric=phi[relation.type].symmetric)
        for steps in self._steps.values():
            steps.sort(key=lambda s: (s.relation_id, s.concept_id))

    def _add(self, relation: Relation, *, symmetric: bool) -> None:
        subject, object_ = relation.subject_id, relation.object_id
        self._steps[subject].append(Step(relation.relation_id, object_))
        if symmetric:
            self._steps[object_].append(Step(relation.relation_id, subject))
        self._around[subject].add(object_)
        self._around[object_].add(subject)
        for end in (subject, object_):
            self._of[end].append(relation.relation_id)
        self._between.setdefault(pair_key(subject, object_), []).append(relation.relation_id)

    def neighbours(self, concept_id: str) -> tuple[str, ...]:
        """N(e): concepts one relation away, either direction."""
        return tuple(sorted(self._around[self._known(concept_id)]))

    def relations_of(self, concept_id: str) -> tuple[str, ...]:
        """Relations with the concept as subject or object."""
        return tuple(self._of[self._known(concept_id)])

    def between(self, first: str, second: str) -> tuple[str, ...]:
        """Relations of a pair, whatever direction or type."""
        return tuple(self._between.get(pair_key(first, second), ()))

    def steps(self, concept_id: str) -> tuple[Step, ...]:
        """The relations a walk may leave a concept by."""
        return tuple(self._steps[self._known(concept_id)])

    def walks(self, start: str, hops: int) -> Iterator[Walk]:
        """Every walk of exactly ``hops`` relations from ``start``, in a fixed order."""
        yield from self._walks(Walk((), (self._known(start),)), hops)

    def paths(self, start: str, end: str, max_hops: int) -> Iterator[Walk]:
        """Walks from ``start`` to ``end`` of 1 to ``max_hops`` relations, shortest first."""
        self._known(end)
        for hops in range(1, max_hops + 1):
            yield from (walk for walk in self.walks(start, hops) if walk.concept_ids[-1] == end)

    def _walks(self, walk: Walk, hops: int) -> Iterator[Walk]:
        if walk.hops == hops:
            yield walk
            return
        for step in self._steps[walk.concept_ids[-1]]:
            if step.concept_id not in walk.concept_ids:
                longer = Walk((*walk.relation_ids, step.relation_id), (*walk.concept_ids, step.concept_id))
                yield from self._walks(longer, hops)

    def components(self) -> tuple[tuple[str, ...], ...]:
        """Connected components (direction and type ignored), largest first, IDs sorted within."""
        seen: set[str] = set()
        parts: list[tuple[str, ...]] = []
        for start in self._around:
            if start in seen:
                continue
            part, edge = {start}, [start]
            while edge:
                fresh = self._around[edge.pop()] - part
                part |= fresh
                edge += fresh
            seen |= part
            parts.append(tuple(sorted(part)))
        return tuple(sorted(parts, key=lambda p: (-len(p), p)))

    def _known(self, concept_id: str) -> str:
        if concept_id not in self._around:
            raise KnowledgeError(f"no concept {concept_id} in snapshot {self.snapshot.digest[:16]}")
        return concept_id
