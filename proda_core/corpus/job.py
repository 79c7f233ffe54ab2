"""The curate job: a folder of texts to a corpus artifact (documents, chunks and what was dropped, as JSON lines)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proda_core.config import CorpusConfig
from proda_core.corpus.curate import Curated, curate
from proda_core.corpus.sources import corpus_digest
from proda_core.errors import ConfigError, CorpusError, JobError
from proda_core.ids import digest, make_id
from proda_core.jobs.contract import JobContext, JobRequest, JobResult, Progress
from proda_core.serialize import to_plain, write_lines


def run(context: JobContext, request: JobRequest) -> JobResult:
    """Params: ``path`` (absolute), ``corpus_digest``, ``config``. Result: artifact "corpus"; meta has the counts."""
    path = Path(request.params["path"])
    try:
        config = CorpusConfig.model_validate(request.params.get("config", {}))
    except ValidationError as error:
        raise ConfigError(
            f"curate: corpus configuration: {error.errors(include_url=False)[0]['msg']}"
        ) from error
    expected = request.params.get("corpus_digest", "")
    if expected and corpus_digest(path) != expected:
        raise CorpusError(
            f"{path} changed since the session was started; start a new session for the new texts"
        )

    def on_file(done: int, total: int) -> None:
        context.report(Progress(done, total, note=f"reading texts {done}/{total}"))
        if context.should_stop():
            raise JobError("cancelled")

    curated = curate(path, config, on_file)
    corpus_id = make_id("u", digest([to_plain(row) for row in (*curated.chunks, *curated.dropped)]))
    meta = _meta(curated)

    def write(folder: Path) -> None:
        write_lines(folder / "documents.jsonl", curated.documents)
        write_lines(folder / "chunks.jsonl", curated.chunks)
        write_lines(folder / "dropped.jsonl", curated.dropped)

    context.store.make("corpus", corpus_id, write, inputs={"corpus": expected}, meta=meta)
    return JobResult(artifacts={"corpus": corpus_id}, meta=meta)


def _meta(curated: Curated) -> dict[str, Any]:
    reasons = Counter(f"{d.stage}:{d.reason}" for d in curated.dropped)
    return {
        "documents": len(curated.documents),
        "chunks": len(curated.chunks),
        "words": curated.words,
        "dropped": dict(sorted(reasons.items())),
        "disciplines": dict(sorted(Counter(d.discipline for d in curated.documents).items())),
    }
