"""graph_stats: counts of the three levels, types, components and orphans, asked of Kùzu."""

from __future__ import annotations

import asyncio
from collections import Counter

from tools.base import NoArguments, Tool, ToolModel
from tools.host import Host
from tools.work import book_of, knowledge_of


class GraphStats(ToolModel):
    """``largest_share`` is the largest component's share of the concepts."""

    concepts: int
    relations: int
    chains: int
    by_type: dict[str, int]
    by_discipline: dict[str, int]
    by_hops: dict[str, int]
    components: int
    largest_share: float
    orphans: int


async def graph_stats(host: Host, _arguments: NoArguments) -> GraphStats:
    return await asyncio.to_thread(_stats, host)


def _stats(host: Host) -> GraphStats:
    knowledge = knowledge_of(host)
    counted, components = knowledge.stats(), knowledge.components()
    chains = host.snapshot(book_of(host).need("snapshot_id")).chains.values()
    hops = Counter(str(chain.hops) for chain in chains)
    return GraphStats(
        concepts=counted.concepts,
        relations=counted.relations,
        chains=counted.chains,
        by_type=counted.by_type,
        by_discipline=counted.by_discipline,
        by_hops=dict(sorted(hops.items())),
        components=len(components.sizes),
        largest_share=components.largest_share,
        orphans=len(knowledge.orphans()),
    )


TOOL = Tool(
    "graph_stats",
    "Counts of concepts, relations and chains by type, discipline and hops; connected components; orphans (always 0).",
    NoArguments,
    GraphStats,
    graph_stats,
    scope="read",
)
