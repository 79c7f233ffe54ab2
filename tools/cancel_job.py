"""cancel_job: ask a running job to end at its next checkpoint; what it has checkpointed stays."""

from __future__ import annotations

import asyncio

from tools.base import ID, Tool, ToolModel
from tools.host import Host
from tools.work import JobHandle, job_handle


class CancelArguments(ToolModel):
    job_id: ID


async def cancel_job(host: Host, arguments: CancelArguments) -> JobHandle:
    return await asyncio.to_thread(_cancel, host, arguments.job_id)


def _cancel(host: Host, job_id: str) -> JobHandle:
    if job_handle(host, job_id).state == "running":
        host.own.executor.cancel(job_id)
    return job_handle(host, job_id)


TOOL = Tool(
    "cancel_job",
    "Ask a running job to end. Its checkpoints stay, and starting it again goes on from them.",
    CancelArguments,
    JobHandle,
    cancel_job,
)
