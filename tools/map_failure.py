"""map_failure: the chain of a failed dev item with its neighbourhood in the graph, and what probing says of each part.

Mastery is that of the round's model, from every probe made in diagnosing it; what was never asked has none. A sealed item is
not told from one that is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from proda_core.errors import ToolError
from proda_core.phi import verbalise
from proda_core.records import load_benchmark, load_diagnoses
from proda_core.types import Chain, Diagnosis, KnowledgeSnapshot, Mastery, Relation, Split
from tools.base import ID, Tool, ToolModel
from tools.book import Book
from tools.host import Host
from tools.show_failures import RoundNumber, scored_round
from tools.work import book_of

MOST = 24  # relations beside the chain
_STEPS = 2


class MapArguments(ToolModel):
    """``round`` counts from V1, which is 1; 0 asks for the incumbent's."""

    item_id: ID
    round: RoundNumber = 0


class MapConcept(ToolModel):
    """``mastery`` is corrected for guessing, 0 to 1; null for a concept that was not asked about."""

    concept_id: str
    term: str
    on_chain: bool
    mastery: float | None
    mastered: bool | None


class MapRelation(ToolModel):
    """A relation as a sentence, between two concepts of the map; ``mastery`` as of a concept."""

    relation_id: str
    subject_id: str
    object_id: str
    type: str
    statement: str
    on_chain: bool
    mastery: float | None
    mastered: bool | None


class FailureMap(ToolModel):
    """The chain's concepts and relations come first, in its order; ``more`` relations beside it were left out."""

    item_id: str
    model: str
    diagnosis: str
    concepts: list[MapConcept]
    relations: list[MapRelation]
    more: int


async def map_failure(host: Host, arguments: MapArguments) -> FailureMap:
    return await asyncio.to_thread(_map, host, arguments)


def _map(host: Host, arguments: MapArguments) -> FailureMap:
    book = book_of(host)
    entry = scored_round(book, arguments.round)
    diagnosis_id = book.diagnoses.get(entry.report_id, "")
    found = load_diagnoses(host.store, diagnosis_id) if diagnosis_id else ()
    diagnosis = _diagnosis(host, book, found, arguments.item_id)
    snapshot = host.snapshot(book.snapshot_id)
    known = {probe.node_id: probe for one in found for probe in one.probes}
    chain = snapshot.chains[diagnosis.chain_id]
    beside = _beside(snapshot, chain, known)
    relations = [snapshot.relations[one] for one in chain.relation_ids] + beside[:MOST]
    ends = [key for relation in relations for key in (relation.subject_id, relation.object_id)]
    concepts = dict.fromkeys([*chain.concept_ids, *ends])
    return FailureMap(
        item_id=diagnosis.item_id,
        model=f"V{entry.number + 1}",
        diagnosis=diagnosis.kind.value,
        concepts=[_concept(snapshot, key, chain, known.get(key)) for key in concepts],
        relations=[_relation(snapshot, one, chain, known.get(one.relation_id)) for one in relations],
        more=max(0, len(beside) - MOST),
    )


def _diagnosis(host: Host, book: Book, found: tuple[Diagnosis, ...], item_id: str) -> Diagnosis:
    """The item's own; ToolError for an item that is not dev, or that the model got right or was not diagnosed on."""
    dev = {item.item_id for item in load_benchmark(host.store, book.need("benchmark_id")).of(Split.DEV)}
    diagnosis = next((one for one in found if one.item_id == item_id and item_id in dev), None)
    if diagnosis is None:
        raise ToolError("no diagnosed failure of that round has that ID; show_failures lists them")
    return diagnosis


def _beside(snapshot: KnowledgeSnapshot, chain: Chain, known: Mapping[str, Mastery]) -> list[Relation]:
    """Relations at most ``_STEPS`` from the chain and not on it: nearer ones first, then those that were asked about."""
    left = {key: one for key, one in snapshot.relations.items() if key not in chain.relation_ids}
    near, found = set(chain.concept_ids), []
    for _ in range(_STEPS):
        touching = [r for r in left.values() if r.subject_id in near or r.object_id in near]
        found += sorted(touching, key=lambda one: (one.relation_id not in known, one.relation_id))
        for relation in touching:
            del left[relation.relation_id]
            near |= {relation.subject_id, relation.object_id}
    return found


def _concept(snapshot: KnowledgeSnapshot, key: str, chain: Chain, probe: Mastery | None) -> MapConcept:
    return MapConcept(
        concept_id=key,
        term=snapshot.term(key),
        on_chain=key in chain.concept_ids,
        mastery=probe.corrected if probe else None,
        mastered=probe.mastered if probe else None,
    )


def _relation(
    snapshot: KnowledgeSnapshot, relation: Relation, chain: Chain, probe: Mastery | None
) -> MapRelation:
    return MapRelation(
        relation_id=relation.relation_id,
        subject_id=relation.subject_id,
        object_id=relation.object_id,
        type=relation.type,
        statement=verbalise(
            relation.type, snapshot.term(relation.subject_id), snapshot.term(relation.object_id)
        ),
        on_chain=relation.relation_id in chain.relation_ids,
        mastery=probe.corrected if probe else None,
        mastered=probe.mastered if probe else None,
    )


TOOL = Tool(
    "map_failure",
    "The chain of a failed dev item and its neighbourhood in the graph: concepts and relations, each with what probing the "
    "round's model (the incumbent's unless a round is given) found of its mastery.",
    MapArguments,
    FailureMap,
    map_failure,
    scope="read",
)
