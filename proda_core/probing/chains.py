"""Chain probes: a chain asked from both its ends in other words than any item's, with options of its own.

They tell whether a chain is joined at all from whether one wording of it was missed. Wrong options are concepts that no walk as
long as the chain joins to the end that the question names. From an end
that has no three of them it is not asked.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proda_core.disciplines import discipline_name
from proda_core.ids import normalise_term
from proda_core.knowledge.adjacency import Adjacency
from proda_core.phi import PHI
from proda_core.probing.templates import CHAIN_BACKWARD, CHAIN_FORWARD, ChainFrame
from proda_core.types import Chain, KnowledgeSnapshot

OPTIONS = 4


@dataclass(frozen=True, slots=True)
class ChainProbe:
    """One question of a chain; ``gold`` is the place of the right option."""

    chain_id: str
    stem: str
    options: tuple[str, ...]
    gold: int


def build_chain_probes(
    snapshot: KnowledgeSnapshot, chain_ids: Iterable[str], *, seed: int
) -> list[ChainProbe]:
    """Every wording of each chain, from its start and from its end; the same for the same chain and seed."""
    graph = Adjacency(snapshot)
    return [
        probe
        for chain_id in dict.fromkeys(chain_ids)
        for probe in _of_chain(snapshot, graph, snapshot.chains[chain_id], seed)
    ]


def _of_chain(snapshot: KnowledgeSnapshot, graph: Adjacency, chain: Chain, seed: int) -> Iterator[ChainProbe]:
    for family, known, gold in (
        (CHAIN_FORWARD, chain.concept_ids[0], chain.concept_ids[-1]),
        (CHAIN_BACKWARD, chain.concept_ids[-1], chain.concept_ids[0]),
    ):
        wrong = _wrong(snapshot, graph, chain, known=known, gold=gold)
        if len(wrong) < OPTIONS - 1:
            continue
        for number, frame in enumerate(family):
            rng = random.Random(f"chain probe:{seed}:{chain.chain_id}:{known}:{number}")
            options = [gold, *rng.sample(wrong, OPTIONS - 1)]
            rng.shuffle(options)
            terms = tuple(snapshot.term(c) for c in options)
            yield ChainProbe(chain.chain_id, _stem(snapshot, frame, chain, known), terms, options.index(gold))


def _stem(snapshot: KnowledgeSnapshot, frame: ChainFrame, chain: Chain, known: str) -> str:
    verbs = [_verb(snapshot.relations[r].type) for r in chain.relation_ids]
    parts = [frame.opening, *([frame.link] * (len(verbs) - 2)), frame.closing]
    term = snapshot.term(known)
    body = "".join(part.format(known=term, v=verb) for part, verb in zip(parts, verbs, strict=True))
    name = discipline_name(chain.discipline)
    return f"In {name}, {body}" if name else f"{body[:1].upper()}{body[1:]}"


def _verb(type_: str) -> str:
    return PHI[type_].statement.removeprefix("{s} ").removesuffix(" {o}.")


def _wrong(
    snapshot: KnowledgeSnapshot, graph: Adjacency, chain: Chain, *, known: str, gold: str
) -> list[str]:
    """Concepts of the gold's discipline beyond the chain's reach and not named like its gold, sorted; those that the relation
    asked last fits alone where there are enough, or that relation would give the gold away.
    """
    near = edge = {known}
    for _ in chain.relation_ids:
        edge = {other for concept in edge for other in graph.neighbours(concept)} - near
        near = near | edge
    right = normalise_term(snapshot.term(gold))
    found = sorted(
        key
        for key, concept in snapshot.concepts.items()
        if key not in near
        and key not in chain.concept_ids
        and concept.discipline == snapshot.concepts[gold].discipline
        and not _alike(normalise_term(concept.term), right)
    )
    last = snapshot.relations[chain.relation_ids[-1 if gold == chain.concept_ids[-1] else 0]].type
    same = [relation for relation in snapshot.relations.values() if relation.type == last]
    ends = {r.object_id if gold == chain.concept_ids[-1] else r.subject_id for r in same}
    fitting = [key for key in found if key in ends]
    return fitting if len(fitting) >= OPTIONS - 1 else found


def _alike(one: str, other: str) -> bool:
    return one in other or other in one
