"""trace_source: from any ID (a dev item, a training row, a chain, a relation, a concept) back to the sentences behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from proda_core.errors import ToolError
from proda_core.records import load_benchmark, load_examples, load_patch
from proda_core.types import Example, Split
from tools.base import ID, Tool, ToolModel
from tools.book import Book
from tools.host import Host
from tools.provenance import StepView, steps_of
from tools.work import book_of

_MOST = 40


class TraceArguments(ToolModel):
    id: ID


class TraceView(ToolModel):
    """``kind`` is item, example, chain, relation or concept; ``text`` what it says; ``more`` steps were left out."""

    id: str
    kind: str
    text: str
    steps: list[StepView]
    more: int


async def trace_source(host: Host, arguments: TraceArguments) -> TraceView:
    return await asyncio.to_thread(_trace, host, arguments.id)


def _trace(host: Host, key: str) -> TraceView:
    book = book_of(host)
    for find in (_in_graph, _item, _row):
        found = find(host, book, key)
        if found is not None:
            kind, text, relation_ids = found
            steps = steps_of(host, book, relation_ids[:_MOST])
            return TraceView(
                id=key, kind=kind, text=text, steps=steps, more=max(0, len(relation_ids) - _MOST)
            )
    raise ToolError("no concept, relation, chain, dev item or training row of this session has that ID")


Found = tuple[str, str, Sequence[str]] | None


def _in_graph(host: Host, book: Book, key: str) -> Found:
    snapshot = host.snapshot(book.need("snapshot_id"))
    if key in snapshot.chains:
        chain = snapshot.chains[key]
        return "chain", " -> ".join(snapshot.term(one) for one in chain.concept_ids), chain.relation_ids
    if key in snapshot.relations:
        relation = snapshot.relations[key]
        return "relation", relation.verb_phrase or "told by the name", (key,)
    if key in snapshot.concepts:
        about = sorted(
            one.relation_id for one in snapshot.relations.values() if key in (one.subject_id, one.object_id)
        )
        return "concept", snapshot.concepts[key].definition or snapshot.term(key), about
    return None


def _item(host: Host, book: Book, key: str) -> Found:
    """A dev item; a sealed one is not told from one that is not there."""
    if not book.benchmark_id:
        return None
    items = load_benchmark(host.store, book.benchmark_id).of(Split.DEV)
    item = next((one for one in items if one.item_id == key), None)
    if item is None:
        return None
    return "item", item.stem, host.snapshot(book.snapshot_id).chains[item.chain_id].relation_ids


def _row(host: Host, book: Book, key: str) -> Found:
    """An initial Example or a patch row."""
    rows: list[Example] = list(load_examples(host.store, book.examples_id)) if book.examples_id else []
    for patch_id in book.patches.values():
        rows += [row.example for row in load_patch(host.store, patch_id)]
    row = next((one for one in rows if one.example_id == key), None)
    return None if row is None else ("example", row.text, row.lineage.l2_ids)


TOOL = Tool(
    "trace_source",
    "From an ID (of a dev item, a training row, a chain, a relation or a concept) back to the relations behind it, each with the "
    "sentence it was read in and its document.",
    TraceArguments,
    TraceView,
    trace_source,
    scope="read",
)
