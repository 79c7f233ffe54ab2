"""The whole of curation: load, repair, name the discipline, deduplicate documents and paragraphs, split, filter.

Nothing disappears: every file, paragraph and chunk left out is a Dropped row with stage and reason. Raises CorpusError
when nothing usable is left.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from proda_core.config import CorpusConfig
from proda_core.corpus.chunks import Span, blocks_of, split_document
from proda_core.corpus.disciplines import UNKNOWN, classify, discipline_code, from_path
from proda_core.corpus.duplicates import find_duplicates
from proda_core.corpus.filters import reason_to_drop
from proda_core.corpus.repair import repair_text
from proda_core.corpus.sources import RawText, find_sources, load_source
from proda_core.errors import CorpusError
from proda_core.ids import make_id
from proda_core.types import Chunk, Document, Dropped

_TITLE = re.compile(r"#{1,3} +(.+?)\s*#*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Curated:
    """A curated corpus: the documents kept, their chunks in order, and what was left out."""

    documents: tuple[Document, ...]
    chunks: tuple[Chunk, ...]
    dropped: tuple[Dropped, ...]

    @property
    def words(self) -> int:
        return sum(len(chunk.text.split()) for chunk in self.chunks)


def curate(
    path: Path, config: CorpusConfig, on_file: Callable[[int, int], None] = lambda _done, _total: None
) -> Curated:
    """Curate the folder or file ``path``; ``on_file(done, total)`` is called after each file."""
    dropped: list[Dropped] = []
    documents = _with_majority(_load(path, dropped, on_file))
    documents = _distinct_documents(documents, config, dropped)
    repeated = _repeated_blocks(documents, config, dropped)
    chunks: list[Chunk] = []
    for document in documents:
        left_out = repeated.get(document.doc_id, [])
        for chunk in split_document(document, max_chars=config.chunk_chars, left_out=left_out):
            reason = reason_to_drop(chunk.text, min_words=config.min_words)
            if reason:
                dropped.append(_dropped(document, Span(chunk.start, chunk.end), "filter", reason))
            else:
                chunks.append(chunk)
    if not chunks:
        reasons = ", ".join(f"{r} {n}" for r, n in sorted(Counter(d.reason for d in dropped).items()))
        raise CorpusError(
            f"nothing usable in {path}: {reasons or 'no files'}; give a folder of .txt, .md or .jsonl with prose"
        )
    kept = {chunk.doc_id for chunk in chunks}
    return Curated(tuple(d for d in documents if d.doc_id in kept), tuple(chunks), tuple(dropped))


def _load(path: Path, dropped: list[Dropped], on_file: Callable[[int, int], None]) -> list[Document]:
    documents: list[Document] = []
    sources = find_sources(path)
    for number, source in enumerate(sources, 1):
        for loaded in load_source(source, path):
            if isinstance(loaded, Dropped):
                dropped.append(loaded)
                continue
            document = _document(loaded, corpus_name=path.name if path.is_dir() else path.parent.name)
            if document.text:
                documents.append(document)
            else:
                dropped.append(Dropped(loaded.name, "load", "empty", "nothing left after repair"))
        on_file(number, len(sources))
    return documents


def _with_majority(documents: list[Document]) -> list[Document]:
    """Texts that no vote could place get the discipline of a corpus that is mostly of one."""
    counts = Counter(document.discipline for document in documents)
    code, count = max(counts.items(), key=lambda c: (c[1], c[0]), default=(UNKNOWN, 0))
    if code == UNKNOWN or count < 0.6 * len(documents):
        return documents
    return [replace(d, discipline=code) if d.discipline == UNKNOWN else d for d in documents]


def _document(raw: RawText, *, corpus_name: str) -> Document:
    text = repair_text(raw.text)
    heading = _TITLE.search(text)
    title = raw.metadata.get("title") or (heading.group(1) if heading else _title_from_name(raw.name))
    discipline = (
        discipline_code(raw.metadata.get("discipline", ""))
        or from_path(raw.name)
        or discipline_code(corpus_name)
        or classify(text)
        or UNKNOWN
    )
    return Document(make_id("d", title, text), raw.name, title, text, discipline, dict(raw.metadata))


def _title_from_name(name: str) -> str:
    return re.sub(r"[_-]+", " ", PurePosixPath(name.partition("#")[0]).stem).strip() or name


def _distinct_documents(
    documents: list[Document], config: CorpusConfig, dropped: list[Dropped]
) -> list[Document]:
    repeated = {d.index: d for d in find_duplicates([d.text for d in documents], config.near_duplicate)}
    for duplicate in repeated.values():
        document = documents[duplicate.index]
        reason = "exact_duplicate" if duplicate.similarity == 1.0 else "near_duplicate"
        detail = f"of {documents[duplicate.original].path}, similarity {duplicate.similarity:.2f}"
        row = _dropped(document, Span(0, len(document.text)), "dedup", reason)
        dropped.append(replace(row, source=document.path, detail=detail))
    distinct = [document for number, document in enumerate(documents) if number not in repeated]
    # Texts too short to compare may still be equal; an ID must name one document.
    return list({document.doc_id: document for document in distinct}.values())


def _repeated_blocks(
    documents: list[Document], config: CorpusConfig, dropped: list[Dropped]
) -> dict[str, list[Span]]:
    """Paragraphs that repeat an earlier one of any document; headings and short lines may return."""
    owners = [(document, block) for document in documents for block in blocks_of(document.text)]
    texts = [document.text[block.start : block.end] for document, block in owners]
    repeated: dict[str, list[Span]] = {}
    for duplicate in find_duplicates(texts, config.near_duplicate):
        document, block = owners[duplicate.index]
        reason = "exact_duplicate" if duplicate.similarity == 1.0 else "near_duplicate"
        row = _dropped(document, block, "dedup", reason)
        original = owners[duplicate.original][0].path
        dropped.append(
            replace(row, detail=f"of a paragraph in {original}, similarity {duplicate.similarity:.2f}")
        )
        repeated.setdefault(document.doc_id, []).append(block)
    return repeated


def _dropped(document: Document, span: Span, stage: str, reason: str) -> Dropped:
    source = f"{document.path}[{span.start}:{span.end}]"
    return Dropped(source, stage, reason, "", document.text[span.start : span.end][:80])
