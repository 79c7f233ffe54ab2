"""build_benchmark: build, check, split and freeze the items, before any Example exists (G5)."""

from __future__ import annotations

from proda_core.jobs import JobRequest
from tools.base import NoArguments, Tool
from tools.host import Host
from tools.work import JobHandle, book_of, start_job


async def build_benchmark(host: Host, _arguments: NoArguments) -> JobHandle:
    request = JobRequest(
        "benchmark",
        "proda_core.synthesis.benchmark_job:run",
        {"config": host.config.benchmark.model_dump(mode="json"), "seed": host.config.seed},
        {"snapshot": book_of(host).need("snapshot_id")},
    )
    return await start_job(host, "build_benchmark", {}, request)


TOOL = Tool(
    "build_benchmark",
    "Build multiple-choice items from chains, check them, split them into dev and sealed and freeze the set under its digest. "
    "Returns a job handle.",
    NoArguments,
    JobHandle,
    build_benchmark,
)
