"""Propositions of all chunks to one set of triples over canonical terms: merged, with their evidence, one type a pair.

Self-loops are dropped; of two statements that contradict each other (A before B and B before A) or give a pair two types, the one
with more evidence stays. Every drop is counted by reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proda_core.extraction.canonical import Canon
from proda_core.phi import PHI, RelationType
from proda_core.teachers import Proposition, Reading
from proda_core.types import Chunk, Evidence

MAX_EVIDENCE = 12


@dataclass(slots=True)
class Triple:
    """A candidate relation between canonical keys, before it has IDs."""

    subject: str
    type: str
    object: str
    verb_phrase: str
    evidence: list[Evidence] = field(default_factory=list)
    disciplines: Counter[str] = field(default_factory=Counter)

    @property
    def pair(self) -> frozenset[str]:
        return frozenset((self.subject, self.object))


@dataclass(frozen=True, slots=True)
class Triples:
    """What was kept, in a fixed order, and how much was dropped by reason."""

    kept: tuple[Triple, ...]
    dropped: Mapping[str, int]


def gather(
    readings: Sequence[Reading],
    chunks: Mapping[str, Chunk],
    canon: Canon,
    phi: Mapping[str, RelationType] = PHI,
) -> Triples:
    """Merge what the readings say into triples."""
    dropped: Counter[str] = Counter()
    found: dict[tuple[str, str, str], Triple] = {}
    for reading in readings:
        for proposition in reading.propositions:
            subject, object_ = canon.key(proposition.subject), canon.key(proposition.object)
            if subject == object_:
                dropped["self_loop"] += 1
                continue
            if phi[proposition.type].symmetric and object_ < subject:
                subject, object_ = object_, subject
            key = (subject, proposition.type, object_)
            triple = found.setdefault(key, Triple(*key, proposition.verb_phrase))
            triple.verb_phrase = triple.verb_phrase or proposition.verb_phrase
            _witness(triple, proposition, chunks[reading.chunk_id])
    return Triples(_one_a_pair(found, dropped), dict(sorted(dropped.items())))


def _witness(triple: Triple, proposition: Proposition, chunk: Chunk) -> None:
    quote = chunk.text[proposition.start : proposition.end]
    evidence = Evidence(chunk.chunk_id, proposition.start, proposition.end, quote)
    triple.disciplines[chunk.discipline] += 1
    if evidence not in triple.evidence and len(triple.evidence) < MAX_EVIDENCE:
        triple.evidence.append(evidence)


def _one_a_pair(found: Mapping[tuple[str, str, str], Triple], dropped: Counter[str]) -> tuple[Triple, ...]:
    by_pair: dict[frozenset[str], list[Triple]] = defaultdict(list)
    for triple in found.values():
        by_pair[triple.pair].append(triple)
    kept: list[Triple] = []
    for triples in by_pair.values():
        # What a sentence says comes before what a name tells. Stable: among equals the one read first stays.
        best = max(triples, key=lambda t: (bool(t.verb_phrase), len(t.evidence)))
        kept.append(best)
        for other in triples:
            if other is not best:
                dropped["contradicted" if other.type == best.type else "second_type"] += 1
    return tuple(sorted(kept, key=lambda t: (t.subject, t.type, t.object)))
