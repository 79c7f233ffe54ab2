"""curate_corpus: read, repair, filter and chunk the session's corpus."""

from __future__ import annotations

from proda_core.jobs import JobRequest
from tools.base import NoArguments, Tool
from tools.host import Host
from tools.work import JobHandle, start_job


async def curate_corpus(host: Host, _arguments: NoArguments) -> JobHandle:
    params = {
        "path": str(host.corpus_path),
        "corpus_digest": host.corpus_digest,
        "config": host.config.corpus.model_dump(mode="json"),
    }
    return await start_job(
        host, "curate_corpus", {}, JobRequest("curate", "proda_core.corpus.job:run", params)
    )


TOOL = Tool(
    "curate_corpus",
    "Read the session's corpus: decode, repair, filter, remove duplicates and cut into chunks. Returns a job handle.",
    NoArguments,
    JobHandle,
    curate_corpus,
)
