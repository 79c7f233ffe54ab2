"""synthesise_examples: write the initial Examples from concepts and relations, under the frozen benchmark."""

from __future__ import annotations

from proda_core.jobs import JobRequest
from tools.base import NoArguments, Tool
from tools.host import Host
from tools.work import JobHandle, book_of, start_job


async def synthesise_examples(host: Host, _arguments: NoArguments) -> JobHandle:
    book, config = book_of(host), host.config.synthesis
    params = {"config": config.model_dump(mode="json"), "seed": host.config.seed}
    if config.reworded_rows:
        params["teacher"] = host.config.teacher.model_dump(mode="json")
    request = JobRequest(
        "synthesise",
        "proda_core.synthesis.examples_job:run",
        params,
        {"snapshot": book.need("snapshot_id"), "benchmark": book.need("benchmark_id")},
    )
    return await start_job(host, "synthesise_examples", {}, request)


TOOL = Tool(
    "synthesise_examples",
    "Write the initial training rows from concepts and relations (open, multiple choice, true/false), each with its lineage. "
    "Returns a job handle.",
    NoArguments,
    JobHandle,
    synthesise_examples,
)
