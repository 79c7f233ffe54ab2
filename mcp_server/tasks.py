"""The tasks extension of the protocol (``io.modelcontextprotocol/tasks``, SEP-2663), which the SDK does not have.

A client that declares it gets, in place of a handle, a task for a call that started long work, and asks for it with tasks/get,
tasks/update and tasks/cancel; one that does not declare it gets the handle as before. What the tasks are is the source's
business. Refused: the three methods from a client that did not declare it, and routing headers that name another task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from mcp import MCPError
from mcp.server import Server, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.extension import Extension, MethodBinding, compose_tool_call_handler
from mcp.server.mcpserver import require_client_extension
from mcp_types import (
    HEADER_MISMATCH,
    METHOD_NOT_FOUND,
    CallToolRequestParams,
    CallToolResult,
    EmptyResult,
    ErrorData,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

Context = ServerRequestContext[dict[str, Any]]
IDENTIFIER = "io.modelcontextprotocol/tasks"
Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
_ERA = frozenset(MODERN_PROTOCOL_VERSIONS)
_POLL_MS = 1000
_HEADER = "mcp-name"  # SEP-2663: routing by the task's ID


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands. Times are ISO 8601; ``result`` when completed, ``error`` when failed, ``inputs`` when it asks."""

    task_id: str
    status: Status
    created_at: str
    updated_at: str
    note: str = ""
    result: CallToolResult | None = None
    error: ErrorData | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def created(self) -> dict[str, Any]:
        """The answer to the call that started it. Tasks are kept as long as their session: no ``ttlMs``."""
        plain: dict[str, Any] = {
            "resultType": "task",
            "taskId": self.task_id,
            "status": self.status,
            "createdAt": self.created_at,
            "lastUpdatedAt": self.updated_at,
            "ttlMs": None,
            "pollIntervalMs": _POLL_MS,
        }
        return plain | ({"statusMessage": self.note} if self.note else {})

    def detailed(self) -> dict[str, Any]:
        """The answer to tasks/get."""
        plain = self.created() | {"resultType": "complete"}
        if self.result is not None:
            plain["result"] = self.result.model_dump(by_alias=True, mode="json", exclude_none=True)
        if self.error is not None:
            plain["error"] = self.error.model_dump(by_alias=True, mode="json", exclude_none=True)
        if self.inputs:
            plain["inputRequests"] = dict(self.inputs)
        return plain


class TaskSource(Protocol):
    """Whose tasks they are. Each method raises MCPError with INVALID_PARAMS for an ID that it does not know."""

    @property
    def needing(self) -> Collection[str]:
        """Tools that cannot be called without the extension."""

    def started(self, params: CallToolRequestParams, result: HandlerResult) -> Task | None:
        """The task that a call just started, if its result says that it started one."""

    async def get(self, context: Context, task_id: str) -> Task:
        """The task as it stands."""

    async def update(self, context: Context, task_id: str, responses: Mapping[str, Any]) -> None:
        """Hand it what it asked for; answers to nothing asked are left aside."""

    async def cancel(self, context: Context, task_id: str) -> None:
        """Ask it to end; one that has ended stays as it is."""


class TaskParams(RequestParams):
    """Which task."""

    task_id: str


class UpdateParams(TaskParams):
    """Answers, by the keys under which the task asked."""

    input_responses: dict[str, Any]


class Tasks(Extension):
    """The extension over a source of tasks."""

    identifier = IDENTIFIER

    def __init__(self, source: TaskSource) -> None:
        self._source = source

    def methods(self) -> Sequence[MethodBinding]:
        return (
            MethodBinding("tasks/get", TaskParams, self._get, _ERA),
            MethodBinding("tasks/update", UpdateParams, self._update, _ERA),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, _ERA),
        )

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        if params.name in self._source.needing:
            require_client_extension(ctx, IDENTIFIER)
        result = await call_next(ctx)
        task = self._source.started(params, result) if declares_tasks(ctx) else None
        return result if task is None else task.created()

    async def _get(self, context: Context, params: TaskParams) -> HandlerResult:
        _admit(context, params)
        return (await self._source.get(context, params.task_id)).detailed()

    async def _update(self, context: Context, params: UpdateParams) -> HandlerResult:
        _admit(context, params)
        await self._source.update(context, params.task_id, params.input_responses)
        return EmptyResult()

    async def _cancel(self, context: Context, params: TaskParams) -> HandlerResult:
        _admit(context, params)
        await self._source.cancel(context, params.task_id)
        return EmptyResult()


def declares_tasks(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether the caller of the request in hand takes tasks."""
    capabilities = context.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return context.protocol_version in _ERA and IDENTIFIER in (declared or {})


def extend(server: Server[Any], extension: Extension) -> None:
    """Attach an extension's methods and its view of tool calls to a server that has its tools already."""
    for binding in extension.methods():
        server.add_request_handler(binding.method, binding.params_type, _of_its_era(binding))
    called = server.get_request_handler("tools/call")
    if called is not None:
        handler = compose_tool_call_handler([extension], called.handler)
        server.add_request_handler("tools/call", CallToolRequestParams, handler)
    server.extensions[extension.identifier] = extension.settings()


def _of_its_era(binding: MethodBinding) -> Callable[[Context, Any], Awaitable[HandlerResult]]:
    async def gated(context: Context, params: Any) -> HandlerResult:
        if (
            binding.protocol_versions is not None
            and context.protocol_version not in binding.protocol_versions
        ):
            raise MCPError(METHOD_NOT_FOUND, "Method not found", binding.method)
        return await binding.handler(context, params)

    return gated


def _admit(context: Context, params: TaskParams) -> None:
    """Refuse a client that did not declare the extension, and over HTTP a request routed to another task."""
    require_client_extension(context, IDENTIFIER)
    if context.request is not None and context.request.headers.get(_HEADER) != params.task_id:
        raise MCPError(
            HEADER_MISMATCH, f"{_HEADER} header does not match the request body's 'taskId' parameter"
        )
