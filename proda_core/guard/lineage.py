"""Lineage derived from a text and nothing else: every concept mentioned, and every relation whose two ends are mentioned.

The same index writes rows and checks them, so an honest writer declares exactly what the guard derives. A pair counts
whatever its direction or type. Matching is longest first over canonical terms and aliases, plural-tolerant, never across a
sentence end; a form of function words alone ("it", "the") names nothing. Cost is linear in the text's words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proda_core.errors import KnowledgeError
from proda_core.guard.normalise import BOUNDARY, tokens
from proda_core.ids import pair_key
from proda_core.types import Concept, Evidence, KnowledgeSnapshot, Relation

_FUNCTION_WORD_LIST = """
a an and are as at be but by can do doe for from had ha he i if in into is it no not of on or our s so such t than that
the them then they thi to u us wa was we were what when which who will with you
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LIST.split())
_ARTICLES = frozenset(("a", "an", "the"))


@dataclass(frozen=True, slots=True)
class DerivedLineage:
    """What a text teaches by the graph; both tuples sorted."""

    l1_ids: tuple[str, ...]
    l2_ids: tuple[str, ...]


class LineageIndex:
    """Reads lineage off texts against one snapshot. Build it once; ``derive`` is pure."""

    def __init__(self, snapshot: KnowledgeSnapshot) -> None:
        self.snapshot = snapshot
        self._forms: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._longest: dict[str, int] = {}
        for concept in snapshot.concepts.values():
            for surface in (concept.term, *concept.aliases):
                self._add_form(surface, concept.concept_id)
        self._partners: dict[str, dict[str, list[str]]] = {}
        for relation in snapshot.relations.values():
            self._add_relation(relation)
        self._defined_by = {
            c.concept_id: _defining(c, (snapshot.relations[r] for r in self._relations_of(c.concept_id)))
            for c in snapshot.concepts.values()
        }

    def _add_form(self, surface: str, concept_id: str) -> None:
        form = tokens(surface)
        if len(form) > 1 and form[0] in _ARTICLES:
            form = form[1:]
        if all(word in _FUNCTION_WORDS for word in form):
            return
        key = tuple(form)
        self._forms[key] = tuple(sorted({*self._forms.get(key, ()), concept_id}))
        self._longest[key[0]] = max(self._longest.get(key[0], 0), len(key))

    def _add_relation(self, relation: Relation) -> None:
        subject, object_ = relation.subject_id, relation.object_id
        for one, other in ((subject, object_), (object_, subject)):
            self._partners.setdefault(one, {}).setdefault(other, []).append(relation.relation_id)

    def mentions(self, text: str) -> frozenset[str]:
        """IDs of the concepts that ``text`` names."""
        return self._mentions(tokens(text))

    def _mentions(self, stream: list[str]) -> frozenset[str]:
        found: set[str] = set()
        place = 0
        while place < len(stream):
            longest = min(self._longest.get(stream[place], 0), len(stream) - place)
            for length in range(longest, 0, -1):
                named = self._forms.get(tuple(stream[place : place + length]))
                if named is not None:
                    found.update(named)
                    place += length - 1
                    break
            place += 1
        return frozenset(found)

    def derive(self, text: str) -> DerivedLineage:
        """Every concept mentioned and every relation of the graph with both its concepts mentioned."""
        mentioned = self.mentions(text)
        return DerivedLineage(tuple(sorted(mentioned)), tuple(sorted(self._stated(mentioned, mentioned))))

    def derive_definition(self, concept_id: str, text: str) -> DerivedLineage:
        """Lineage of a definition row: one L1 ID, and the concept's relations that the row states, its definition's at least.

        Whatever the row says outside the definitions that it quotes counts in full, and so does every concept whose
        definition it quotes: a row about something else gains nothing by being called a definition.
        """
        if concept_id not in self.snapshot.concepts:
            raise KnowledgeError(f"no concept {concept_id} in snapshot {self.snapshot.digest[:16]}")
        mentioned = self.mentions(text)
        rest = f" {' '.join(tokens(text))} "
        about = {concept_id}
        for concept in sorted(mentioned | {concept_id}):
            definition = self._definition_form(concept)
            if definition and definition in rest:
                about.add(concept)
                rest = rest.replace(definition, f" {BOUNDARY} ")
        outside = self._mentions(rest.split())
        stated = self._stated(about, mentioned) | self._stated(outside, outside)
        for concept in about:
            stated |= self._defined_by[concept]
        return DerivedLineage((concept_id,), tuple(sorted(stated)))

    def pairs(self, l2_ids: Iterable[str]) -> frozenset[tuple[str, str]]:
        """The concept pairs that relations join: what counts as one relation, whatever its direction or type."""
        relations = (self.snapshot.relations[key] for key in l2_ids)
        return frozenset(pair_key(r.subject_id, r.object_id) for r in relations)

    def _definition_form(self, concept_id: str) -> str:
        form = " ".join(tokens(self.snapshot.concepts[concept_id].definition)).strip(f" {BOUNDARY}")
        return f" {form} " if form else ""

    def _stated(self, about: Iterable[str], mentioned: frozenset[str]) -> set[str]:
        stated: set[str] = set()
        for concept in about:
            partners = self._partners.get(concept, {})
            for other in partners.keys() & mentioned:
                stated.update(partners[other])
        return stated

    def _relations_of(self, concept_id: str) -> list[str]:
        partners = self._partners.get(concept_id, {})
        return sorted(relation for relations in partners.values() for relation in relations)


def _defining(concept: Concept, relations: Iterable[Relation]) -> frozenset[str]:
    """Relations of a concept that were read in the very sentence that defines it."""
    defined = concept.definition_evidence
    if defined is None:
        return frozenset()
    return frozenset(r.relation_id for r in relations if any(_same_sentence(defined, e) for e in r.evidence))


def _same_sentence(one: Evidence, other: Evidence) -> bool:
    overlaps = one.chunk_id == other.chunk_id and one.start < other.end and other.start < one.end
    return overlaps or one.quote == other.quote
