"""Jobs as tasks of the protocol: the same job under the same ID, whichever way a client asks for it.

Everything goes through the tools that jobs have anyway, ``wait_for_job`` and ``cancel_job``, so that who may do what, what is
logged and where a call is carried to are decided in one place. A job asks nobody for input; an update is taken and has no effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp import MCPError
from mcp.server.context import HandlerResult
from mcp_types import INVALID_PARAMS, CallToolRequestParams, CallToolResult, TextContent

from mcp_server.tasks import Context, Status, Task
from tools import cancel_job, wait_for_job
from tools.registry import TOOLS
from tools.work import JobHandle

CallTool = Callable[[Context, CallToolRequestParams], Awaitable[CallToolResult]]
WAIT, CANCEL = wait_for_job.TOOL.name, cancel_job.TOOL.name
STARTING = frozenset(tool.name for tool in TOOLS if tool.result is JobHandle) - {WAIT, CANCEL}
"""The tools that start jobs."""
_STATUS: dict[str, Status] = {
    "running": "working",
    "finished": "completed",
    "failed": "completed",  # with a result that is an error: "failed" is for failures of the protocol
    "cancelled": "cancelled",
}


class JobTasks:
    """A TaskSource over a server's own tools."""

    needing = frozenset[str]()

    def __init__(self, call: CallTool) -> None:
        self._call = call

    def started(self, params: CallToolRequestParams, result: HandlerResult) -> Task | None:
        """The job that a call started; None when the work was done already, so that its result is in hand."""
        if params.name not in STARTING or not isinstance(result, CallToolResult) or result.is_error:
            return None
        handle = JobHandle.model_validate(result.structured_content)
        return _task(handle) if handle.state == "running" else None

    async def get(self, context: Context, task_id: str) -> Task:
        return _task(await self._ask(context, WAIT, {"job_id": task_id, "timeout_s": 0.0}))

    async def update(self, context: Context, task_id: str, _responses: Mapping[str, Any]) -> None:
        await self.get(context, task_id)

    async def cancel(self, context: Context, task_id: str) -> None:
        await self._ask(context, CANCEL, {"job_id": task_id})

    async def _ask(self, context: Context, tool: str, arguments: dict[str, Any]) -> JobHandle:
        result = await self._call(context, CallToolRequestParams(name=tool, arguments=arguments))
        if result.is_error:
            raise MCPError(INVALID_PARAMS, str(result.structured_content["error"]["message"]))
        return JobHandle.model_validate(result.structured_content)


def _task(handle: JobHandle) -> Task:
    status, done = _STATUS[handle.state], handle.progress
    result = None
    if status == "completed":
        data = handle.model_dump(mode="json")
        text = handle.error or handle.model_dump_json()
        result = CallToolResult(
            content=[TextContent(type="text", text=text)],
            structured_content=data,
            is_error=handle.state == "failed",
        )
    note = "" if done is None else f"{done.done:g} of {done.total:g} {done.note}".rstrip()
    return Task(handle.job_id, status, handle.started_at, handle.changed_at, note, result)
