"""Chunks to the three levels of knowledge: read, canonicalise, gather triples, join chains, then keep what lies on one.

Relations exist only on chains and concepts only on relations, so zero orphans holds by construction; the snapshot checks it
again. What is left out is counted by reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proda_core.config import TeacherConfig
from proda_core.embeddings import TextEncoder
from proda_core.extraction.canonical import Canon, canonicalise
from proda_core.extraction.chains import Path, find_chains, nodes_on
from proda_core.extraction.graph import Triple, gather
from proda_core.extraction.kinds import link_by_name
from proda_core.extraction.linking import generalise
from proda_core.ids import chain_id, concept_id, relation_id
from proda_core.teachers import MEASURED, Definition, OnRead, Reading, Teacher
from proda_core.types import Chain, Chunk, Concept, Dropped, Evidence, Relation


@dataclass(frozen=True, slots=True)
class Extracted:
    """The three levels, why triples were left out, and what the teacher itself did not believe."""

    concepts: tuple[Concept, ...]
    relations: tuple[Relation, ...]
    chains: tuple[Chain, ...]
    dropped: Mapping[str, int]
    merged: Mapping[str, int]
    unread: tuple[Dropped, ...] = ()


def extract(
    chunks: Sequence[Chunk],
    teacher: Teacher,
    *,
    encoder: TextEncoder,
    config: TeacherConfig,
    on_read: OnRead = lambda _done, _total: None,
) -> Extracted:
    """Read every chunk and build the knowledge; ``on_read(done, total)`` may raise to cancel."""
    return build(teacher.read_all(chunks, on_read), chunks, encoder=encoder, config=config)


def build(
    readings: Sequence[Reading], chunks: Sequence[Chunk], *, encoder: TextEncoder, config: TeacherConfig
) -> Extracted:
    """The knowledge that readings make together (top-down: L3, then L2, then L1)."""
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    canon = canonicalise(readings, encoder=encoder, similarity=config.merge_similarity)
    triples = gather(readings, by_id, canon)
    generalised = generalise(triples.kept, heads=any(reading.spare for reading in readings))
    kept = triples.kept
    placed = nodes_on(find_chains(kept, max_hops=2))
    named = link_by_name(kept, readings, canon=canon, chunks=by_id, placed=placed)
    kept = tuple(sorted((*kept, *named), key=lambda t: (t.subject, t.type, t.object)))
    paths = find_chains(kept, max_hops=config.max_hops)
    on_chain = sorted({step.triple for path in paths for step in path.steps})
    relations = {number: _relation(kept[number], canon) for number in on_chain}
    chains = tuple(_chain(path, relations, canon) for path in paths)
    concepts = _concepts(relations.values(), readings, canon, by_id)
    dropped = dict(triples.dropped) | {"on_no_chain": len(kept) - len(on_chain)}
    return Extracted(
        concepts,
        tuple(relations.values()),
        chains,
        dropped,
        dict(canon.merged) | {"object_generalised": generalised, "kind_by_name": len(named)},
        tuple(left for reading in readings for left in reading.dropped),
    )


def _relation(triple: Triple, canon: Canon) -> Relation:
    subject, object_ = concept_id(canon.term[triple.subject]), concept_id(canon.term[triple.object])
    return Relation(
        relation_id=relation_id(subject, triple.type, object_),
        subject_id=subject,
        type=triple.type,
        object_id=object_,
        verb_phrase=triple.verb_phrase,
        evidence=tuple(triple.evidence),
        discipline=_most_common(triple.disciplines),
    )


def _chain(path: Path, relations: Mapping[int, Relation], canon: Canon) -> Chain:
    steps = [relations[step.triple] for step in path.steps]
    ids = tuple(r.relation_id for r in steps)
    return Chain(
        chain_id=chain_id(ids),
        relation_ids=ids,
        concept_ids=tuple(concept_id(canon.term[node]) for node in path.nodes),
        chunk_ids=tuple(dict.fromkeys(r.evidence[0].chunk_id for r in steps)),
        discipline=_most_common(Counter(r.discipline for r in steps)),
    )


def _concepts(
    relations: Iterable[Relation], readings: Sequence[Reading], canon: Canon, chunks: Mapping[str, Chunk]
) -> tuple[Concept, ...]:
    sources: dict[str, dict[str, None]] = defaultdict(dict)
    disciplines: dict[str, Counter[str]] = defaultdict(Counter)
    for relation in relations:
        for end in (relation.subject_id, relation.object_id):
            disciplines[end][relation.discipline] += 1
            for evidence in relation.evidence:
                sources[end][evidence.chunk_id] = None
    definitions = _definitions(readings, canon)
    concepts = []
    for key, term in canon.term.items():
        identity = concept_id(term)
        if identity not in sources:
            continue
        text = ""
        witness: Evidence | None = None
        if key in definitions:
            chunk_id, definition = definitions[key]
            quote = chunks[chunk_id].text[definition.start : definition.end]
            text, witness = definition.text, Evidence(chunk_id, definition.start, definition.end, quote)
        concepts.append(
            Concept(
                identity, term, canon.aliases[key], concept_type(term), text, witness,
                tuple(sources[identity]), _most_common(disciplines[identity]),
            )
        )  # fmt: skip
    return tuple(sorted(concepts, key=lambda c: c.concept_id))


def _definitions(readings: Sequence[Reading], canon: Canon) -> dict[str, tuple[str, Definition]]:
    found: dict[str, tuple[str, Definition]] = {}
    for reading in readings:
        for definition in reading.definitions:
            found.setdefault(canon.key(definition.term), (reading.chunk_id, definition))
    return found


def concept_type(term: str) -> str:
    """name (a proper name), process (what happens), quantity (what is measured) or thing, by the form of the head."""
    head = term.split(" of ", maxsplit=1)[0].rsplit(maxsplit=1)[-1]
    if term[:1].isupper() and not term.isupper():
        return "name"
    if head.lower() in MEASURED:
        return "quantity"
    return "process" if head.endswith(("tion", "sion", "sis", "ing", "ment")) else "thing"


def _most_common(counts: Counter[str]) -> str:
    return min(counts, key=lambda code: (-counts[code], code))
