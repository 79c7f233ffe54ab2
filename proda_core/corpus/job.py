"""The curate job: a folder of texts to a corpus artifact (documents, chunks and what was dropped, as JSON lines)."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proda_core.clock import SystemClock
from proda_core.config import CorpusConfig
from proda_core.corpus.curate import Curated, curate
from proda_core.corpus.sources import corpus_digest
from proda_core.errors import ConfigError, CorpusError, JobError
from proda_core.ids import digest, make_id
from proda_core.jobs.contract import JobContext, JobRequest, JobResult, Progress
from proda_core.serialize import to_plain, write_lines

_TIDIED = frozenset({"running_heads", "contents_lines", "front_matter"})  # left out of files that were read
_MOST_SHOWN = 20


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

    clock = SystemClock()
    began = clock.monotonic()

    def tell(done: float, note: str) -> None:
        spent = clock.monotonic() - began
        left = spent / done - spent if done > 0.01 and spent > 0.5 else None
        context.report(Progress(round(100 * done, 1), 100, left, note))
        if context.should_stop():
            raise JobError("cancelled")

    curated = curate(path, config, tell)
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
        "languages": dict(curated.languages),
        "readers": dict(curated.readers),
        "repaired_by": f"ftfy {version('ftfy')}",
        "refused": _refused(curated),
        "disciplines": dict(sorted(Counter(d.discipline for d in curated.documents).items())),
    }


def _refused(curated: Curated) -> list[dict[str, str]]:
    """The first files, parts of files and rows that could not be read, with the reason; dropped.jsonl has all."""
    unread = [d for d in curated.dropped if d.stage == "load" and d.reason not in _TIDIED]
    return [{"source": d.source, "reason": d.reason, "detail": d.detail} for d in unread[:_MOST_SHOWN]]
