"""From knowledge and rows back to the sentences behind them, as a tree whose every step was checked against what lies on disk.

A sentence is resolved when the chunk holds the quote where it says and the document holds the chunk. Sealed items are not told
from ones that are not there. An item's chain is followed once. Texts of the corpus and of models are data, never instruction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from proda_core.guard.general_rows import regenerated
from proda_core.phi import verbalise
from proda_core.records import load_benchmark, load_examples, load_mixture, load_patch
from proda_core.serialize import read_lines
from proda_core.types import Chunk, Document, Evidence, Example, ExampleKind, Item, Split
from tools.book import read_book
from tools.host import Host

MOST = 40  # relations of one row or concept that are followed; the rest are counted
_LONGEST = 400


@dataclass(slots=True)
class Node:
    """One step: what it is, what it says, and the steps behind it. ``quote`` and ``document`` are a sentence's.

    ``resolved``: it is there and says what is claimed of it. ``seq`` is the log's record that tells of it.
    """

    kind: str
    id: str
    says: str
    children: list[Node] = field(default_factory=list)
    resolved: bool = True
    seq: int | None = None
    quote: str = ""
    document: str = ""


def shortened(text: str, longest: int = _LONGEST) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


class Material:
    """What explanations of one session are made from, as far as its log has come; read once, when it is first asked for."""

    def __init__(self, host: Host) -> None:
        self.host, self.records = host, host.records()
        self.book = read_book(self.records)
        self.snapshot = host.snapshot(self.book.need("snapshot_id"))
        self.mixture = cache(lambda key: load_mixture(host.store, key))
        self.patch = cache(lambda key: load_patch(host.store, key))

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        return load_examples(self.host.store, self.book.examples_id) if self.book.examples_id else ()

    @cached_property
    def rows(self) -> dict[str, Example]:
        """Every row that the session trained on or wrote, by ID."""
        sets = [self.mixture(entry.mixture_id).rows for entry in self.book.rounds]
        sets += [self.patch(patch) for patch in self.book.patches.values()]
        found = {row.example.example_id: row.example for rows in sets for row in rows}
        return found | {row.example_id: row for row in self.examples}

    @cached_property
    def chunks(self) -> dict[str, Chunk]:
        path = self.host.store.file("corpus", self.book.corpus_id, "chunks.jsonl")
        return {chunk.chunk_id: chunk for chunk in read_lines(path, Chunk)}

    @cached_property
    def documents(self) -> dict[str, Document]:
        path = self.host.store.file("corpus", self.book.corpus_id, "documents.jsonl")
        return {document.doc_id: document for document in read_lines(path, Document)}

    @cached_property
    def dev_items(self) -> dict[str, Item]:
        if not self.book.benchmark_id:
            return {}
        items = load_benchmark(self.host.store, self.book.benchmark_id).of(Split.DEV)
        return {item.item_id: item for item in items}


class Knowledge:
    """Graph, items and rows as steps of one explanation."""

    def __init__(self, material: Material) -> None:
        self._from, self.snapshot = material, material.snapshot
        self._followed: set[str] = set()

    def sentence(self, evidence: Evidence) -> Node:
        """The leaf of the tree: a quote, where it stands, and whether it stands there."""
        chunk = self._from.chunks.get(evidence.chunk_id)
        if chunk is None:
            missing = f"chunk {evidence.chunk_id} is not in the corpus"
            return Node("sentence", evidence.chunk_id, missing, resolved=False, quote=evidence.quote)
        document = self._from.documents.get(chunk.doc_id)
        quoted = chunk.text[evidence.start : evidence.end] == evidence.quote
        whole = document is not None and document.text[chunk.start : chunk.end] == chunk.text
        begin, end = chunk.start + evidence.start, chunk.start + evidence.end
        says = f"{chunk.title}, characters {begin} to {end}"
        if not (quoted and whole):
            says += ": the text there is another one"
        path = document.path if document is not None else ""
        return Node(
            "sentence",
            evidence.chunk_id,
            says,
            resolved=quoted and whole,
            quote=evidence.quote,
            document=path,
        )

    def relation(self, key: str) -> Node:
        relation = self.snapshot.relations.get(key)
        if relation is None:
            return Node("relation", key, "the graph does not hold it", resolved=False)
        subject, object_ = self.snapshot.term(relation.subject_id), self.snapshot.term(relation.object_id)
        sentences = [self.sentence(evidence) for evidence in relation.evidence]
        says = verbalise(relation.type, subject, object_)
        return Node("relation", key, says, sentences, resolved=bool(sentences))

    def concept(self, key: str) -> Node:
        """A concept by the sentence that defines it, or by a relation that names it."""
        concept = self.snapshot.concepts.get(key)
        if concept is None:
            return Node("concept", key, "the graph does not hold it", resolved=False)
        behind = [] if concept.definition_evidence is None else [self.sentence(concept.definition_evidence)]
        if not behind:
            behind = self.relations(self.about(key))
        says = concept.term + (f": {concept.definition}" if concept.definition else "")
        return Node("concept", key, says, behind, resolved=bool(behind))

    def about(self, concept_id: str) -> list[str]:
        relations = self.snapshot.relations.values()
        return sorted(r.relation_id for r in relations if concept_id in (r.subject_id, r.object_id))

    def relations(self, keys: Sequence[str]) -> list[Node]:
        shown = [self.relation(key) for key in keys[:MOST]]
        if len(keys) > MOST:
            shown.append(Node("more", "", f"and {len(keys) - MOST} relations more"))
        return shown

    def chain(self, key: str) -> Node:
        chain = self.snapshot.chains.get(key)
        if chain is None:
            return Node("chain", key, "the graph does not hold it", resolved=False)
        terms = " → ".join(self.snapshot.term(one) for one in chain.concept_ids)
        return Node("chain", key, terms, self.relations(chain.relation_ids))

    def item(self, key: str) -> Node | None:
        """A dev item; None for any other, sealed or not there."""
        item = self._from.dev_items.get(key)
        if item is None:
            return None
        says = f"{item.stem} Right: {item.gold}"
        if key in self._followed:
            return Node("item", key, f"{says} (followed above)")
        self._followed.add(key)
        return Node("item", key, says, [self.chain(item.chain_id)])

    def row(self, example: Example) -> Node:
        """A training row by what it teaches: relations, a definition, or a generator where no text stands behind it."""
        if example.kind is ExampleKind.GENERAL:
            again = regenerated(example.lineage) == example
            lineage = example.lineage
            made = f"{lineage.generator}, seed {lineage.seed}, number {lineage.index}"
            says = f"made again by {made}: no text is behind it" if again else f"{made} makes another row"
            behind = [Node("generator", "", says, resolved=again)]
        else:
            concepts = example.lineage.l1_ids if example.kind is ExampleKind.DEFINITION else ()
            behind = [self.concept(key) for key in concepts] + self.relations(example.lineage.l2_ids)
        return Node("row", example.example_id, shortened(example.text), behind, resolved=bool(behind))

    def rows(self, examples: Iterable[Example]) -> Node:
        """Whether each of many rows resolves, counted: what a mixture or a patch is shown by."""
        examples = tuple(examples)
        general = [row for row in examples if row.kind is ExampleKind.GENERAL]
        known = {
            key: all_resolved(self.relation(key))
            for key in {k for row in examples for k in row.lineage.l2_ids}
        }
        lost = [row for row in general if regenerated(row.lineage) != row]
        for row in examples:
            concepts = row.lineage.l1_ids if row.kind is ExampleKind.DEFINITION else ()
            held = all(known[key] for key in row.lineage.l2_ids)
            if row.kind is not ExampleKind.GENERAL and not (
                held
                and (row.lineage.l2_ids or concepts)
                and all(all_resolved(self.concept(c)) for c in concepts)
            ):
                lost.append(row)
        says = f"{len(examples) - len(general):,} rows on {len(known):,} relations, each read in sentences of the corpus"
        if general:
            says += f"; {len(general):,} general rows, each made again by its generator"
        if lost:
            says = f"{len(lost):,} of {len(examples):,} rows do not resolve, {lost[0].example_id} first"
        return Node("rows", "", says, resolved=not lost)


def all_resolved(node: Node) -> bool:
    return node.resolved and all(all_resolved(child) for child in node.children)
