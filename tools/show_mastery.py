"""show_mastery: what probing a round's model found it to know and not to know, of one concept or of all that were probed.

Only what lies on failed dev chains is probed, so a concept without a probe is not shown to be known.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from proda_core.errors import ToolError
from proda_core.phi import verbalise
from proda_core.records import load_benchmark, load_diagnoses
from proda_core.types import Diagnosis, KnowledgeSnapshot, Mastery, Split
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.paging import First, page_of
from tools.show_failures import RoundNumber, scored_round
from tools.work import book_of, knowledge_of

_MOST = 60
_MOST_ITEMS = 40


class MasteryArguments(ToolModel):
    """``term`` is a concept's term, alias or ID; without it, all that was probed. ``round`` as for show_failures."""

    term: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    round: RoundNumber = 0
    first: First = 0


class NodeView(ToolModel):
    """A concept or relation in words of the corpus (data): right of asked, corrected for guessing to 0 to 1."""

    node_id: str
    text: str
    asked: int
    right: int
    corrected: float
    mastered: bool
    formats: dict[str, bool]


class MasteryView(ToolModel):
    """Nodes probed, the least mastered first. ``unprobed`` relations of the concept were on no failed chain.

    ``failed_items`` are the failed dev items whose chain passes the concept, 40 at most; all without a concept is none.
    """

    model: str
    concept_id: str
    probed: int
    mastered: int
    unprobed: int
    nodes: list[NodeView]
    failed_items: list[str]
    next: int | None


async def show_mastery(host: Host, arguments: MasteryArguments) -> MasteryView:
    return await asyncio.to_thread(_mastery, host, arguments)


def _mastery(host: Host, arguments: MasteryArguments) -> MasteryView:
    book = book_of(host)
    snapshot = host.snapshot(book.need("snapshot_id"))
    concept_id = knowledge_of(host).resolve(arguments.term) if arguments.term is not None else ""
    entry = scored_round(book, arguments.round)
    diagnosis_id = book.diagnoses.get(entry.report_id, "")
    if not diagnosis_id:
        raise ToolError(f"the failures of V{entry.number + 1} are not diagnosed yet, so nothing was probed")
    diagnoses = load_diagnoses(host.store, diagnosis_id)
    about = _around(snapshot, concept_id)
    nodes = [one for one in _probed(diagnoses) if not concept_id or one.node_id in about]
    nodes.sort(key=lambda one: (one.mastered, one.corrected, one.node_id))
    page = page_of(nodes, arguments.first, lambda one: _node(snapshot, one), most=_MOST)
    asked = {one.node_id for one in nodes}
    return MasteryView(
        model=f"V{entry.number + 1}",
        concept_id=concept_id,
        probed=len(nodes),
        mastered=sum(one.mastered for one in nodes),
        unprobed=len(about - asked),
        nodes=page.rows,
        failed_items=_items_on(host, book.benchmark_id, diagnoses, concept_id) if concept_id else [],
        next=page.next,
    )


def _probed(diagnoses: tuple[Diagnosis, ...]) -> list[Mastery]:
    """Each node once: one model's probe of a node is the same on every chain."""
    return list({probe.node_id: probe for one in diagnoses for probe in one.probes}.values())


def _around(snapshot: KnowledgeSnapshot, concept_id: str) -> set[str]:
    """A concept and the relations it stands in; nothing without one."""
    if not concept_id:
        return set()
    ends = {one.relation_id: (one.subject_id, one.object_id) for one in snapshot.relations.values()}
    return {concept_id, *(key for key, pair in ends.items() if concept_id in pair)}


def _items_on(host: Host, benchmark_id: str, diagnoses: tuple[Diagnosis, ...], concept_id: str) -> list[str]:
    """Failed dev items whose chain passes the concept."""
    failed = {one.item_id for one in diagnoses}
    items = load_benchmark(host.store, benchmark_id).of(Split.DEV)
    return [one.item_id for one in items if one.item_id in failed and concept_id in one.l1_ids][:_MOST_ITEMS]


def _node(snapshot: KnowledgeSnapshot, probe: Mastery) -> NodeView:
    relation = snapshot.relations.get(probe.node_id)
    if relation is None:
        text = snapshot.term(probe.node_id)
    else:
        text = verbalise(relation.type, snapshot.term(relation.subject_id), snapshot.term(relation.object_id))
    return NodeView(
        node_id=probe.node_id,
        text=text,
        asked=probe.asked,
        right=probe.right,
        corrected=probe.corrected,
        mastered=probe.mastered,
        formats=dict(probe.formats),
    )


TOOL = Tool(
    "show_mastery",
    "What a round's model (the incumbent unless a round is given) was found to know and not to know when it was probed: of one "
    "concept and its relations, or of all that was probed, the least mastered first.",
    MasteryArguments,
    MasteryView,
    show_mastery,
    scope="read",
)
