"""The whole of curation: load, repair, name language and discipline, deduplicate documents and paragraphs, split, filter.

Nothing disappears: every file, paragraph and chunk left out is a Dropped row with stage and reason. Raises CorpusError
when nothing usable is left.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from proda_core.config import CorpusConfig
from proda_core.corpus.chunks import Span, blocks_of, split_document
from proda_core.corpus.disciplines import UNKNOWN, classify, discipline_code, from_path
from proda_core.corpus.duplicates import find_duplicates
from proda_core.corpus.filters import reason_to_drop
from proda_core.corpus.languages import detect_language
from proda_core.corpus.raw import RawText
from proda_core.corpus.repair import repair_text
from proda_core.corpus.sources import corpus_root, find_sources, load_source, reading_options
from proda_core.errors import CorpusError
from proda_core.ids import make_id
from proda_core.types import Chunk, Document, Dropped

Tell = Callable[[float, str], None]
"""Hears how much of the work is done, 0 to 1, and what is being done."""
_TITLE = re.compile(r"#{1,3} +(.+?)\s*#*\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Curated:
    """A curated corpus: the documents kept, their chunks in order, and what was left out."""

    documents: tuple[Document, ...]
    chunks: tuple[Chunk, ...]
    dropped: tuple[Dropped, ...]
    languages: Mapping[str, int] = field(
        default_factory=dict
    )  # of all documents read, those included that nothing was kept of
    readers: Mapping[str, int] = field(default_factory=dict)  # who read how many of them

    @property
    def words(self) -> int:
        return sum(len(chunk.text.split()) for chunk in self.chunks)


def curate(path: Path, config: CorpusConfig, tell: Tell = lambda _done, _note: None) -> Curated:
    """Curate the folder, file or glob ``path``; ``tell`` is called after each file and each few texts of what follows."""
    dropped: list[Dropped] = []
    read = _load(path, config, dropped, tell)
    documents = _distinct_documents(
        _with_majority(read), config, dropped, _Stretch(tell, 0.3, 0.5, "comparing texts")
    )
    repeated = _repeated_blocks(documents, config, dropped, _Stretch(tell, 0.5, 0.85, "comparing paragraphs"))
    chunks: list[Chunk] = []
    cutting = _Stretch(tell, 0.85, 1.0, "cutting texts")
    for number, document in enumerate(documents, 1):
        left_out = repeated.get(document.doc_id, [])
        for chunk in split_document(document, max_chars=config.chunk_chars, left_out=left_out):
            reason = reason_to_drop(chunk.text, min_words=config.min_words)
            if reason:
                dropped.append(_dropped(document, Span(chunk.start, chunk.end), "filter", reason))
            else:
                chunks.append(chunk)
        cutting(number, len(documents))
    if not chunks:
        raise CorpusError(_nothing_usable(path, dropped))
    kept = {chunk.doc_id for chunk in chunks}
    return Curated(
        tuple(d for d in documents if d.doc_id in kept),
        tuple(chunks),
        tuple(dropped),
        dict(sorted(Counter(d.metadata["language"] or "unknown" for d in read).items())),
        dict(sorted(Counter(d.metadata["reader"] for d in read).items())),
    )


def _nothing_usable(path: Path, dropped: Sequence[Dropped]) -> str:
    reasons = ", ".join(f"{r} {n}" for r, n in sorted(Counter(d.reason for d in dropped).items()))
    first = next((f"; {d.source}: {d.detail}" for d in dropped if d.stage == "load" and d.detail), "")
    return f"nothing usable in {path}: {reasons or 'no files'}{first}; give texts with prose in English"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One part of the work within the whole of it."""

    tell: Tell
    start: float
    end: float
    note: str

    def __call__(self, done: int, total: int) -> None:
        self.tell(
            self.start + (self.end - self.start) * done / max(total, 1), f"{self.note} {done:,}/{total:,}"
        )


def _load(path: Path, config: CorpusConfig, dropped: list[Dropped], tell: Tell) -> list[Document]:
    documents: list[Document] = []
    sources, root, options = find_sources(path), corpus_root(path), reading_options(config)
    sizes = [source.stat().st_size for source in sources]
    read = 0
    for number, (source, size) in enumerate(zip(sources, sizes, strict=True), 1):
        for loaded in load_source(source, path, options):
            if isinstance(loaded, Dropped):
                dropped.append(loaded)
                continue
            document = _document(loaded, corpus_name=root.name if root.is_dir() else root.parent.name)
            if document.text:
                documents.append(document)
            else:
                dropped.append(Dropped(loaded.name, "load", "empty", "nothing left after repair"))
        read += size
        tell(0.3 * read / max(sum(sizes), 1), f"reading files {number:,}/{len(sources):,}")
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
    metadata = raw.metadata | {"language": detect_language(text)}
    return Document(make_id("d", title, text), raw.name, title, text, discipline, metadata)


def _title_from_name(name: str) -> str:
    return re.sub(r"[_-]+", " ", PurePosixPath(name.partition("#")[0]).stem).strip() or name


def _distinct_documents(
    documents: list[Document], config: CorpusConfig, dropped: list[Dropped], tell: _Stretch
) -> list[Document]:
    repeated = {
        d.index: d for d in find_duplicates([d.text for d in documents], config.near_duplicate, tell=tell)
    }
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
    documents: list[Document], config: CorpusConfig, dropped: list[Dropped], tell: _Stretch
) -> dict[str, list[Span]]:
    """Paragraphs that repeat an earlier one of any document; headings and short lines may return."""
    owners = [(document, block) for document in documents for block in blocks_of(document.text)]
    texts = [document.text[block.start : block.end] for document, block in owners]
    repeated: dict[str, list[Span]] = {}
    for duplicate in find_duplicates(texts, config.near_duplicate, tell=tell):
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
    detail = (
        f"its document's language: {document.metadata['language'] or 'unknown'}"
        if reason == "not_english"
        else ""
    )
    return Dropped(source, stage, reason, detail, document.text[span.start : span.end][:80])
