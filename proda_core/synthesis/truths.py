"""What a snapshot says, and what it implies by Φ: the two routes by which an option is found true or false.

Direct: relations as they stand (a symmetric type holds both ways). Implied: a relation joined with the next one gives the
type that Φ's ``composes`` names, up to ``CLOSURE_DEPTH`` relations, and anything counts as a kind of itself. What neither
route reaches is false by the graph. Building is linear in the relations, times the closure's width.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from proda_core.guard.normalise import words
from proda_core.ids import pair_key
from proda_core.phi import PHI, RelationType
from proda_core.types import KnowledgeSnapshot

CLOSURE_DEPTH = 4
KIND = "SPECIALIZATION"
_Edges = dict[tuple[str, str], set[str]]  # (concept, type) -> concepts


class Truths:
    """An index over one snapshot; every answer is a frozenset of concept IDs."""

    def __init__(self, snapshot: KnowledgeSnapshot, *, phi: Mapping[str, RelationType] = PHI) -> None:
        self.snapshot, self.phi = snapshot, phi
        self._after: _Edges = defaultdict(set)
        self._before: _Edges = defaultdict(set)
        self._around: dict[str, set[str]] = defaultdict(set)
        self._between: dict[tuple[str, str], list[str]] = defaultdict(list)
        for relation in snapshot.relations.values():
            subject, object_ = relation.subject_id, relation.object_id
            self._after[subject, relation.type].add(object_)
            self._before[object_, relation.type].add(subject)
            if phi[relation.type].symmetric:
                self._after[object_, relation.type].add(subject)
                self._before[subject, relation.type].add(object_)
            self._around[subject].add(object_)
            self._around[object_].add(subject)
            self._between[pair_key(subject, object_)].append(relation.relation_id)
        self._names = {
            key: frozenset(map(_plain, (c.term, *c.aliases))) for key, c in snapshot.concepts.items()
        }
        self._implied_after = _closure(self._after, phi)
        self._implied_before: _Edges = defaultdict(set)
        for (concept, type_), reached in self._implied_after.items():
            for other in reached:
                self._implied_before[other, type_].add(concept)

    def after(self, concept_id: str, type_: str) -> frozenset[str]:
        """Objects of the concept's own relations of a type."""
        return frozenset(self._after.get((concept_id, type_), ()))

    def before(self, concept_id: str, type_: str) -> frozenset[str]:
        """Subjects of relations of a type that end at the concept."""
        return frozenset(self._before.get((concept_id, type_), ()))

    def reached(self, known: str, types: Sequence[str], *, forward: bool) -> frozenset[str]:
        """Direct route: every end of a path of these types that starts at ``known`` (or, backward, every start of one)."""
        edges, order = (self._after, types) if forward else (self._before, tuple(reversed(types)))
        return _walk({known}, order, edges, reflexive=False)

    def implied_by_steps(self, known: str, types: Sequence[str], *, forward: bool) -> frozenset[str]:
        """Closure route, step by step: as ``reached`` over implied relations."""
        edges, order = (
            (self._implied_after, types) if forward else (self._implied_before, tuple(reversed(types)))
        )
        return _walk({known}, order, edges, reflexive=True)

    def implied(self, known: str, types: Sequence[str], *, forward: bool) -> frozenset[str]:
        """Closure route: step by step, or at once by the one type that the whole path composes to."""
        edges = self._implied_after if forward else self._implied_before
        whole = edges.get((known, self.composed(types)), set())
        return self.implied_by_steps(known, types, forward=forward) | whole

    def composed(self, types: Sequence[str]) -> str:
        """The type a path composes to, or "" when Φ gives it none."""
        joined = types[0]
        for type_ in types[1:]:
            joined = self.phi[joined].composes.get(type_, "") if joined else ""
        return joined

    def kin(self, concept_id: str) -> frozenset[str]:
        """Concepts that are, directly or by implication, a kind of the concept or that it is a kind of."""
        return frozenset(
            self._implied_after.get((concept_id, KIND), set())
            | self._implied_before.get((concept_id, KIND), set())
        )

    def neighbours(self, concept_id: str) -> frozenset[str]:
        """N(e): concepts one relation away, whatever its direction or type."""
        return frozenset(self._around.get(concept_id, ()))

    def between(self, first: str, second: str) -> tuple[str, ...]:
        """Relations of a pair, whatever direction or type, sorted."""
        return tuple(sorted(self._between.get(pair_key(first, second), ())))

    def on_pairs(self, relation_ids: Iterable[str]) -> frozenset[str]:
        """These relations and every other one on the same concept pairs."""
        found: set[str] = set()
        for key in relation_ids:
            relation = self.snapshot.relations[key]
            found.update(self._between[pair_key(relation.subject_id, relation.object_id)])
        return frozenset(found)

    def holds(self, subject_id: str, type_: str, object_id: str) -> bool:
        """Whether a triple is true directly or by implication."""
        if object_id in self._implied_after.get((subject_id, type_), ()):
            return True
        return type_ == KIND and subject_id == object_id

    def degree(self, concept_id: str) -> int:
        """How many relations have the concept at an end."""
        return sum(len(self.between(concept_id, other)) for other in self.neighbours(concept_id))

    def same_name(self, first: str, second: str) -> bool:
        """Whether two concepts are one, or share a term or alias."""
        return first == second or not self._names[first].isdisjoint(self._names[second])


def _plain(name: str) -> str:
    return " ".join(words(name))


def _walk(
    start: set[str], types: Sequence[str], edges: Mapping[tuple[str, str], set[str]], *, reflexive: bool
) -> frozenset[str]:
    places = start
    for type_ in types:
        reached = set().union(*(edges.get((place, type_), set()) for place in places))
        places = reached | places if reflexive and type_ == KIND else reached
    return frozenset(places)


def _closure(direct: _Edges, phi: Mapping[str, RelationType]) -> _Edges:
    """Edges of every type that up to ``CLOSURE_DEPTH`` direct ones compose to."""
    leaving: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (concept, type_), reached in direct.items():
        leaving[concept] += [(type_, other) for other in reached]
    implied: _Edges = defaultdict(set, {key: set(reached) for key, reached in direct.items()})
    fresh = [(a, type_, b) for (a, type_), reached in direct.items() for b in reached]
    for _ in range(CLOSURE_DEPTH - 1):
        longer: list[tuple[str, str, str]] = []
        for concept, type_, middle in fresh:
            for following, end in leaving[middle]:
                joined = phi[type_].composes.get(following)
                if joined and end != concept and end not in implied[concept, joined]:
                    implied[concept, joined].add(end)
                    longer.append((concept, joined, end))
        fresh = longer
    return implied
