"""extract_knowledge: read chains, relations and concepts from the chunks and load them into the graph."""

from __future__ import annotations

from proda_core.config import TeacherConfig
from proda_core.jobs import JobRequest
from tools.base import NoArguments, Tool
from tools.host import Host
from tools.work import JobHandle, book_of, start_job


async def extract_knowledge(host: Host, _arguments: NoArguments) -> JobHandle:
    request = JobRequest(
        "extract",
        "proda_core.extraction.job:run",
        {"config": _reader(host.config.teacher).model_dump(mode="json"), "seed": host.config.seed},
        {"corpus": book_of(host).need("corpus_id")},
    )
    return await start_job(host, "extract_knowledge", {}, request)


def _reader(teacher: TeacherConfig) -> TeacherConfig:
    """What the reading depends on: the rules read the same whatever model is asked for other things."""
    return teacher if teacher.kind == "llm" else teacher.model_copy(update={"model": None})


TOOL = Tool(
    "extract_knowledge",
    "Extract the three levels of knowledge top-down (chains, then relations, then concepts) and load them into Kùzu. "
    "Returns a job handle.",
    NoArguments,
    JobHandle,
    extract_knowledge,
)
