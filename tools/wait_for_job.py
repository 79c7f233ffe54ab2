"""wait_for_job: wait at most 25 seconds for a job and say where it stands."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from tools.base import ID, Tell, Tool, ToolModel
from tools.host import Host
from tools.work import JobHandle, job_handle

_POLL_S = 0.2


class WaitArguments(ToolModel):
    job_id: ID
    timeout_s: Annotated[
        float, Field(ge=0, le=25, description="seconds to wait at most; 0 asks and returns")
    ] = 10.0


async def wait_for_job(host: Host, arguments: WaitArguments, tell: Tell) -> JobHandle:
    loop = asyncio.get_running_loop()
    until = loop.time() + arguments.timeout_s
    told = -1.0
    while True:
        handle = await asyncio.to_thread(job_handle, host, arguments.job_id)
        if handle.progress is not None and handle.progress.done > told:  # the protocol wants it to grow
            told = handle.progress.done
            await tell(told, handle.progress.total, handle.progress.note)
        if handle.state != "running" or loop.time() >= until:
            return handle
        await asyncio.sleep(min(_POLL_S, max(0.0, until - loop.time())))


TOOL = Tool(
    "wait_for_job",
    "Wait up to 25 seconds for a job; returns its state, progress and, once finished, the artifacts it made. Call it again "
    "while the state is running.",
    WaitArguments,
    JobHandle,
    wait_for_job,
    waits=True,
)
