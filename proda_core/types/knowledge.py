"""The three levels of knowledge (L1 Concept, L2 Relation, L3 Chain) and the frozen snapshot of them that jobs read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact was read: ``quote == chunk.text[start:end]``, one sentence, offsets inside the chunk."""

    chunk_id: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Concept:
    """L1. ``term`` is canonical; ``aliases`` never repeat it; ``definition`` is empty when the text defines none."""

    concept_id: str
    term: str
    aliases: tuple[str, ...]
    type: str
    definition: str
    definition_evidence: Evidence | None
    sources: tuple[str, ...]  # chunk IDs
    discipline: str
    sense: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """L2. A typed triple; ``verb_phrase`` is the text's own wording, kept as evidence and never instead of the type.

    It is empty where the subject's name alone tells the relation ("price floor" is a kind of "floor").
    """

    relation_id: str
    subject_id: str
    type: str
    object_id: str
    verb_phrase: str
    evidence: tuple[Evidence, ...]
    discipline: str

    @property
    def told_by_name(self) -> bool:
        """Whether no sentence says it: who reads the two names knows it, so nothing is tested by asking for it."""
        return not self.verb_phrase


@dataclass(frozen=True, slots=True)
class Chain:
    """L3. 2 to 6 relations joined end to end: relation i joins ``concept_ids[i]`` to ``concept_ids[i + 1]``."""

    chain_id: str
    relation_ids: tuple[str, ...]
    concept_ids: tuple[str, ...]
    chunk_ids: tuple[str, ...]
    discipline: str

    @property
    def hops(self) -> int:
        return len(self.relation_ids)


@dataclass(frozen=True, slots=True)
class KnowledgeSnapshot:
    """An immutable copy of the graph named by ``digest``; every job and every guard check reads this, never Kùzu."""

    digest: str
    concepts: Mapping[str, Concept]
    relations: Mapping[str, Relation]
    chains: Mapping[str, Chain]

    def term(self, concept_id: str) -> str:
        return self.concepts[concept_id].term
