"""What the store answers with: small frozen rows, ready to be shown or sent."""

from __future__ import annotations

from dataclasses import dataclass

from proda_core.types import Evidence


@dataclass(frozen=True, slots=True)
class Triple:
    """One relation by its IDs."""

    relation_id: str
    subject_id: str
    type: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One relation with its terms, the text's own wording and the sentences it was read in."""

    relation_id: str
    subject: str
    type: str
    object: str
    verb_phrase: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A concept one relation away; ``outgoing`` when the relation leads to it."""

    concept_id: str
    term: str
    relation_id: str
    outgoing: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A concept that a search found."""

    concept_id: str
    term: str
    aliases: tuple[str, ...]
    discipline: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an ID comes from: the term, triple or chain it is, and the facts back to their sentences."""

    id: str
    text: str
    definition: str
    definition_evidence: Evidence | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Components:
    """Connected components; ``largest_share`` is the largest one's share of the concepts, 0.0 of an empty graph."""

    sizes: tuple[int, ...]
    largest_share: float


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of the three levels, and of relations by type and by discipline."""

    concepts: int
    relations: int
    chains: int
    by_type: dict[str, int]
    by_discipline: dict[str, int]
