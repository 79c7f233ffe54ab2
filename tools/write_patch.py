"""write_patch: write patch and scaffold rows for a set of diagnoses, from the graph and never from an item."""

from __future__ import annotations

from proda_core.errors import ToolError
from proda_core.jobs import JobRequest
from tools.base import ID, Tool, ToolModel
from tools.host import Host
from tools.work import JobHandle, book_of, start_job


class PatchArguments(ToolModel):
    diagnosis_id: ID


async def write_patch(host: Host, arguments: PatchArguments) -> JobHandle:
    book = book_of(host)
    if arguments.diagnosis_id not in book.diagnoses.values():
        raise ToolError(
            f"{arguments.diagnosis_id} is not a diagnosis of this session: call diagnose_failures first"
        )
    number = len(book.rounds)  # a patch after a rejection is not the same patch again
    request = JobRequest(
        "patch",
        "proda_core.synthesis.patch_job:run",
        {"config": host.config.mixture.model_dump(mode="json"), "seed": host.config.seed + number},
        {
            "snapshot": book.need("snapshot_id"),
            "benchmark": book.need("benchmark_id"),
            "diagnosis": arguments.diagnosis_id,
        },
    )
    call = {"diagnosis_id": arguments.diagnosis_id, "round": number}
    return await start_job(host, "write_patch", call, request)


TOOL = Tool(
    "write_patch",
    "Write the training rows that repair a set of diagnoses: contrast for concept gaps, chains of thought for reasoning "
    "deficits, and scaffold walks elsewhere in the graph. Returns a job handle.",
    PatchArguments,
    JobHandle,
    write_patch,
)
