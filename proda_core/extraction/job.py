"""The extract job: a corpus artifact to a snapshot artifact, with the figures of what was found and what was left out."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from pydantic import ValidationError

from proda_core.config import TeacherConfig
from proda_core.embeddings import Embedder
from proda_core.errors import ConfigError, JobError, KnowledgeError
from proda_core.extraction.build import Extracted, extract
from proda_core.jobs.contract import JobContext, JobRequest, JobResult, Progress
from proda_core.knowledge.snapshot import component_sizes, find_orphans, save_snapshot, snapshot_id
from proda_core.serialize import read_lines
from proda_core.teachers import RulesTeacher
from proda_core.types import Chunk, KnowledgeSnapshot


def run(context: JobContext, request: JobRequest) -> JobResult:
    """Inputs: ``corpus``. Params: ``config`` (TeacherConfig), ``seed`` (unused by the rules). Result: artifact "snapshot"."""
    try:
        config = TeacherConfig.model_validate(request.params.get("config", {}))
    except ValidationError as error:
        raise ConfigError(
            f"extract: teacher configuration: {error.errors(include_url=False)[0]['msg']}"
        ) from error
    corpus_id = request.inputs["corpus"]
    chunks = list(read_lines(context.store.file("corpus", corpus_id, "chunks.jsonl"), Chunk))
    teacher = RulesTeacher()
    extracted = extract(chunks, teacher, encoder=Embedder(), config=config, on_chunk=_reporter(context))
    if not extracted.chains:
        raise KnowledgeError(
            f"no chain of relations in corpus {corpus_id}: give more running prose, or prose in English"
        )
    meta = _figures(extracted, chunks) | {"teacher": teacher.name}
    snapshot = save_snapshot(
        context.store,
        extracted.concepts,
        extracted.relations,
        extracted.chains,
        meta,
        inputs={"corpus": corpus_id},
    )
    meta |= _checked(snapshot)
    return JobResult(artifacts={"snapshot": snapshot_id(snapshot.digest)}, meta=meta)


def _reporter(context: JobContext) -> Any:
    began = time.monotonic()

    def report(done: int, total: int) -> None:
        if context.should_stop():
            raise JobError("cancelled")
        left = (time.monotonic() - began) / done * (total - done)
        context.report(Progress(done, total, left, f"reading chunks {done}/{total}"))

    return report


def _figures(extracted: Extracted, chunks: list[Chunk]) -> dict[str, Any]:
    words = sum(len(chunk.text.split()) for chunk in chunks)
    return {
        "words": words,
        "relations_per_1000_words": round(1000 * len(extracted.relations) / max(words, 1), 2),
        "relation_types": dict(sorted(Counter(r.type for r in extracted.relations).items())),
        "chain_hops": {str(k): v for k, v in sorted(Counter(c.hops for c in extracted.chains).items())},
        "left_out": dict(sorted(extracted.dropped.items())),
        "merged": dict(sorted(extracted.merged.items())),
        "defined": sum(bool(c.definition) for c in extracted.concepts),
    }


def _checked(snapshot: KnowledgeSnapshot) -> dict[str, Any]:
    orphans = find_orphans(snapshot)
    if orphans:
        raise KnowledgeError(
            f"{len(orphans)} orphans after extraction, first {orphans[0]}: this is a defect; report it"
        )
    sizes = component_sizes(snapshot)
    return {
        "concepts": len(snapshot.concepts),
        "relations": len(snapshot.relations),
        "chains": len(snapshot.chains),
        "orphans": 0,
        "components": len(sizes),
        "largest_component_share": round(sizes[0] / len(snapshot.concepts), 3),
    }
