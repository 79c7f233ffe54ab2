"""What readers mark, and where each quote lies: a random sample of relations and concepts with the text around them.

``relations.md`` and ``concepts.md`` hold the corpus' text and are not to be committed; the files of places say for each number
document, offsets and SHA-256 of the quote, which is what may be committed beside the marks.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from proda_core.corpus.curate import Curated
from proda_core.teachers.sentences import SentenceSplitter
from proda_core.types import Evidence, KnowledgeSnapshot

EDGE = 400  # characters on either side that may hold the neighbouring sentence


@dataclass(frozen=True, slots=True)
class Place:
    """A quote in a document: ``text[start:end]`` has this hash."""

    document: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing to mark: what it is, its quote between its neighbours, and where the quote lies."""

    what: str
    before: str
    quote: str
    after: str
    place: Place


class _Around:
    """Sentences on either side of a quote."""

    def __init__(self, curated: Curated) -> None:
        self._documents = {document.doc_id: document for document in curated.documents}
        self._chunks = {chunk.chunk_id: chunk for chunk in curated.chunks}
        self._splitter = SentenceSplitter()

    def shown(self, what: str, evidence: Evidence) -> Shown:
        chunk = self._chunks[evidence.chunk_id]
        start, end = chunk.start + evidence.start, chunk.start + evidence.end
        quote = chunk.text[evidence.start : evidence.end]
        before = self._splitter.every(chunk.text[max(0, evidence.start - EDGE) : evidence.start])
        after = self._splitter.every(chunk.text[evidence.end : evidence.end + EDGE])
        digest = hashlib.sha256(quote.encode()).hexdigest()
        name = Path(self._documents[chunk.doc_id].path).name
        return Shown(
            what,
            before[-1].text if before else "",
            quote,
            after[0].text if after else "",
            Place(name, start, end, digest),
        )


def drawn_relations(
    snapshot: KnowledgeSnapshot, curated: Curated, *, count: int, pick: random.Random
) -> list[Shown]:
    """``count`` relations that a sentence says, each with its first evidence; what a name alone tells is no reading to judge."""
    around = _Around(curated)
    read = sorted(key for key, relation in snapshot.relations.items() if not relation.told_by_name)
    ids = pick.sample(read, min(count, len(read)))
    relations = [snapshot.relations[one] for one in ids]
    return [
        around.shown(
            f"{snapshot.term(r.subject_id)} | {r.type} | {snapshot.term(r.object_id)}", r.evidence[0]
        )
        for r in relations
    ]


def drawn_concepts(
    snapshot: KnowledgeSnapshot, curated: Curated, *, count: int, pick: random.Random
) -> list[Shown]:
    """``count`` concepts, each with its definition's sentence or, without one, a sentence that relates it."""
    around = _Around(curated)
    said = {end: r.evidence[0] for r in snapshot.relations.values() for end in (r.subject_id, r.object_id)}
    ids = pick.sample(sorted(snapshot.concepts), min(count, len(snapshot.concepts)))
    shown = []
    for concept in (snapshot.concepts[one] for one in ids):
        meaning = f" := {concept.definition}" if concept.definition else ""
        shown.append(
            around.shown(concept.term + meaning, concept.definition_evidence or said[concept.concept_id])
        )
    return shown


def write_review(folder: Path, relations: Sequence[Shown], concepts: Sequence[Shown]) -> None:
    """The two files for readers, and the places."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("relations", relations), ("concepts", concepts)):
        pages = [
            f"## {number}\n\n{row.before} **{row.quote}** {row.after}\n\n`{row.what}`\n"
            for number, row in enumerate(rows, 1)
        ]
        (folder / f"{name}.md").write_text("\n".join(pages), encoding="utf-8")
        places = [asdict(row.place) for row in rows]
        (folder / f"{name}.places.json").write_text(json.dumps(places, indent=1), encoding="utf-8")
