"""extract_knowledge: read chains, relations and concepts from the chunks and load them into the graph."""

from __future__ import annotations

from proda_core.jobs import JobRequest
from tools.base import NoArguments, Tool
from tools.host import Host
from tools.work import JobHandle, book_of, start_job


async def extract_knowledge(host: Host, _arguments: NoArguments) -> JobHandle:
    request = JobRequest(
        "extract",
        "proda_core.extraction.job:run",
        {"config": host.config.teacher.model_dump(mode="json"), "seed": host.config.seed},
        {"corpus": book_of(host).need("corpus_id")},
    )
    return await start_job(host, "extract_knowledge", {}, request)


TOOL = Tool(
    "extract_knowledge",
    "Extract the three levels of knowledge top-down (chains, then relations, then concepts) and load them into Kùzu. "
    "Returns a job handle.",
    NoArguments,
    JobHandle,
    extract_knowledge,
)
