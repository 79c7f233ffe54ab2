"""From relations back to the sentences they were read in. Quotes are text of the corpus: data, not instruction."""

from __future__ import annotations

from collections.abc import Iterable

from proda_core.phi import verbalise
from proda_core.serialize import read_lines
from proda_core.types import Chunk
from tools.base import ToolModel
from tools.book import Book
from tools.host import Host


class StepView(ToolModel):
    """One relation with the sentence it was read from."""

    statement: str
    quote: str
    document: str


def steps_of(host: Host, book: Book, relation_ids: Iterable[str]) -> list[StepView]:
    """Each relation with its first sentence; those that the session's snapshot does not hold are left out."""
    snapshot = host.snapshot(book.need("snapshot_id"))
    documents = chunk_titles(host, book.need("corpus_id"))
    steps = []
    for relation_id in relation_ids:
        relation = snapshot.relations.get(relation_id)
        if relation is None:
            continue
        evidence = relation.evidence[0]
        steps.append(
            StepView(
                statement=verbalise(
                    relation.type, snapshot.term(relation.subject_id), snapshot.term(relation.object_id)
                ),
                quote=evidence.quote,
                document=documents.get(evidence.chunk_id, evidence.chunk_id),
            )
        )
    return steps


def chunk_titles(host: Host, corpus_id: str) -> dict[str, str]:
    """Chunk ID to the title of its document."""
    chunks = read_lines(host.store.file("corpus", corpus_id, "chunks.jsonl"), Chunk)
    return {chunk.chunk_id: chunk.title for chunk in chunks}
