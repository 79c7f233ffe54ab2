"""cancel_job: ask a running job to end at its next checkpoint; what it has checkpointed stays."""

from __future__ import annotations

from tools.base import ID, Tool, ToolModel
from tools.host import Host
from tools.work import JobHandle, job_handle


class CancelArguments(ToolModel):
    job_id: ID


async def cancel_job(host: Host, arguments: CancelArguments) -> JobHandle:
    handle = job_handle(host, arguments.job_id)
    if handle.state == "running":
        host.own.executor.cancel(arguments.job_id)
    return job_handle(host, arguments.job_id)


TOOL = Tool(
    "cancel_job",
    "Ask a running job to end. Its checkpoints stay, and starting it again goes on from them.",
    CancelArguments,
    JobHandle,
    cancel_job,
)
