"""The extract job: a corpus artifact to a snapshot artifact, with the figures of what was found and what was left out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from proda_core.config import TeacherConfig
from proda_core.embeddings import Embedder
from proda_core.errors import ConfigError, JobError, KnowledgeError
from proda_core.extraction.build import Extracted, extract
from proda_core.jobs.contract import JobContext, JobRequest, JobResult, Progress
from proda_core.knowledge.snapshot import component_sizes, find_orphans, save_snapshot, snapshot_id
from proda_core.serialize import read_lines, to_plain
from proda_core.teachers.choosing import teacher_from
from proda_core.types import Chunk, Dropped, KnowledgeSnapshot

_WHOLE = ("chunk", "concepts")  # stages at which a chunk, or all that it defines, is set aside
_NAMED = 200  # chunks named in the figures
_SAMPLES = 3  # of each reason


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
    teacher = teacher_from(config, context)
    extracted = extract(chunks, teacher, encoder=Embedder(), config=config, on_read=_reporter(context))
    if not extracted.chains:
        why = ", ".join(f"{count} {reason}" for reason, count in _counts(extracted.unread).items())
        raise KnowledgeError(
            f"no chain of relations in corpus {corpus_id}: give more running prose, or prose in English"
            + (f"; what the teacher said was left out: {why}" if why else "")
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
    set_aside = [left for left in extracted.unread if left.stage in _WHOLE]
    unread = [left for left in extracted.unread if left.stage not in _WHOLE]
    return {
        "words": words,
        "relations_per_1000_words": round(1000 * len(extracted.relations) / max(words, 1), 2),
        "relation_types": dict(sorted(Counter(r.type for r in extracted.relations).items())),
        "chain_hops": {str(k): v for k, v in sorted(Counter(c.hops for c in extracted.chains).items())},
        "left_out": dict(sorted((Counter(extracted.dropped) + Counter(_counts(unread))).items())),
        "chunks_set_aside": _counts(set_aside),
        "set_aside": [to_plain(one) for one in set_aside[:_NAMED]],
        "left_out_samples": [to_plain(one) for one in _samples(unread)],
        "merged": dict(sorted(extracted.merged.items())),
        "defined": sum(bool(c.definition) for c in extracted.concepts),
    }


def _counts(left: Iterable[Dropped]) -> dict[str, int]:
    named = (
        one.reason if one.stage in (*_WHOLE, "relation") else f"{one.stage}_{one.reason}" for one in left
    )
    return dict(sorted(Counter(named).items()))


def _samples(left: Iterable[Dropped]) -> Iterator[Dropped]:
    """The first few of each reason."""
    seen: Counter[tuple[str, str]] = Counter()
    for one in left:
        seen[one.stage, one.reason] += 1
        if seen[one.stage, one.reason] <= _SAMPLES:
            yield one


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
