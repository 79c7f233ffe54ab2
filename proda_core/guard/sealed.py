"""G3 sealed: no patch, carried or scaffold row states a relation on a sealed chain, and no tool shows a sealed item.

The seal covers concept pairs, so neither direction nor type evades it, and it is read from each sealed item's own list and from
its chain in the graph. A sealed relation that the graph does not hold cannot be guarded: everything is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from proda_core.errors import GuardRefusal, Refusal
from proda_core.guard.case import TAUGHT, Case, Pair
from proda_core.ids import pair_key
from proda_core.types import Benchmark, KnowledgeSnapshot, Split

RULE = "G3"


def sealed_pairs(benchmark: Benchmark, snapshot: KnowledgeSnapshot) -> frozenset[Pair]:
    """The concept pairs under the seal. A writer leaves them out and counts them; GuardRefusal where one is unknown."""
    pairs: set[Pair] = set()
    for item in benchmark.of(Split.SEALED):
        chain = snapshot.chains.get(item.chain_id)
        keys = {*item.l2_ids, *(chain.relation_ids if chain else ())}
        if chain is None or not keys <= snapshot.relations.keys():
            detail = f"sealed item {item.item_id} has a chain or relation that the graph does not hold"
            raise GuardRefusal([Refusal(RULE, benchmark.benchmark_id, detail)])
        for key in keys:
            relation = snapshot.relations[key]
            pairs.add(pair_key(relation.subject_id, relation.object_id))
    return frozenset(pairs)


def refuse_sealed_relations(case: Case) -> Iterator[Refusal]:
    """One refusal for each patch, carried or scaffold row under the seal."""
    try:
        sealed = sealed_pairs(case.benchmark, case.index.snapshot)
    except GuardRefusal as refusal:
        yield from refusal.refusals
        return
    for reading in case.readings:
        touched = sorted(reading.pairs & sealed) if reading.role in TAUGHT else []
        if touched:
            first, second = touched[0]
            detail = f"a {reading.role.value} row on {len(touched)} sealed pair(s), {first}-{second} first"
            yield Refusal(RULE, reading.row_id, detail)
