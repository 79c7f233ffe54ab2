"""Whether another option of an item is true as well: a second route through the snapshot, by names and by closure over Φ.

An option stands where the gold stands on the item's chain. It is true when its name is also the gold's, or when the chain still
holds with it in that place: every hop of the chain's types, each hop a relation or relations that compose to its type.
Options that name no concept cannot be judged this way and are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping

from proda_core.ids import normalise_term
from proda_core.phi import PHI, RelationType
from proda_core.types import Chain, Item, KnowledgeSnapshot

MAX_COMPOSED = 3  # relations that may compose to one hop


class SecondRoute:
    """An index over one snapshot; build it once and ask about many items."""

    def __init__(self, snapshot: KnowledgeSnapshot, *, phi: Mapping[str, RelationType] = PHI) -> None:
        self._snapshot, self._phi = snapshot, phi
        self._out: dict[str, list[tuple[str, str]]] = {}  # concept -> (type, concept)
        self._named: dict[str, set[str]] = {}
        self._closed: dict[tuple[str, str], frozenset[str]] = {}
        for concept in snapshot.concepts.values():
            for name in (concept.term, *concept.aliases):
                self._named.setdefault(normalise_term(name), set()).add(concept.concept_id)
        for relation in sorted(snapshot.relations.values(), key=lambda r: r.relation_id):
            self._out.setdefault(relation.subject_id, []).append((relation.type, relation.object_id))
            if phi[relation.type].symmetric:
                self._out.setdefault(relation.object_id, []).append((relation.type, relation.subject_id))

    def also_true(self, item: Item) -> tuple[int, ...]:
        """Indices of the options other than the gold that are true by the snapshot."""
        gold = self._concepts(item, item.gold_index)
        chain = self._snapshot.chains.get(item.chain_id)
        others = (index for index in range(len(item.options)) if index != item.gold_index)
        return tuple(
            index
            for index in others
            if self._same(item, index, gold) or (chain and self._stands(item, index, gold, chain))
        )

    def _concepts(self, item: Item, index: int) -> frozenset[str]:
        """The concepts an option may mean: the one it was made from and every one with its name."""
        declared = item.option_concept_ids[index]
        named = self._named.get(normalise_term(item.options[index]), set())
        return frozenset(named | ({declared} if declared else set()))

    def _same(self, item: Item, index: int, gold: frozenset[str]) -> bool:
        same_text = normalise_term(item.options[index]) == normalise_term(item.gold)
        return same_text or bool(self._concepts(item, index) & gold)

    def _stands(self, item: Item, index: int, gold: frozenset[str], chain: Chain) -> bool:
        places = [place for place, concept in enumerate(chain.concept_ids) if concept in gold]
        if len(places) != 1:
            return False
        types = [self._snapshot.relations[relation].type for relation in chain.relation_ids]
        first, last, place = chain.concept_ids[0], chain.concept_ids[-1], places[0]
        before, after = types[:place], types[place:]
        return any(
            (not before or self._leads(first, before, option, passed=(last,) if after else ()))
            and (not after or self._leads(option, after, last, passed=(first,) if before else ()))
            for option in self._concepts(item, index)
        )

    def _leads(self, start: str, types: list[str], end: str, *, passed: tuple[str, ...]) -> bool:
        """Whether hops of these types lead from ``start`` to ``end``, no concept passed twice."""
        if not types or start in passed:
            return start == end and not types
        passed = (*passed, start)
        return any(
            self._leads(concept, types[1:], end, passed=passed)
            for concept in self._hop(start, types[0])
            if concept not in passed
        )

    def _hop(self, start: str, wanted: str) -> frozenset[str]:
        """Concepts that ``start`` is related to by ``wanted``, directly or by composition."""
        if (start, wanted) not in self._closed:
            found: set[str] = set()
            edge = {(kind, concept) for kind, concept in self._out.get(start, []) if concept != start}
            seen = set(edge)
            for _ in range(MAX_COMPOSED):
                found |= {concept for kind, concept in edge if kind == wanted}
                edge = self._compose(edge, start) - seen
                seen |= edge
            self._closed[start, wanted] = frozenset(found)
        return self._closed[start, wanted]

    def _compose(self, edge: set[tuple[str, str]], start: str) -> set[tuple[str, str]]:
        return {
            (joined, further)
            for kind, concept in edge
            for following, further in self._out.get(concept, [])
            if further != start and (joined := self._phi[kind].composes.get(following)) is not None
        }
