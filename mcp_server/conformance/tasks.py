"""Fixtures that take a while: tasks held in memory, which sleep, fail, ask for input and can be cancelled.

They go through the same extension as a session's jobs and lie behind the same interface.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp import MCPError
from mcp.server.context import HandlerResult
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ErrorData,
    InputRequest,
    TextContent,
)

from mcp_server.conformance.fixture import Answer, Fixture, object_schema, saying
from mcp_server.conformance.inputs import NAME, answers_to, asking, field_of, form
from mcp_server.tasks import Context, Status, Task, declares_tasks
from proda_core.clock import Clock, stamp

_FAILS_AFTER_S = 0.2
_YES = {"type": "boolean"}


@dataclass(slots=True)
class _Held:
    """A task under way. ``asked`` shrinks as answers come; ``answered`` is set when nothing is asked any more."""

    created_at: str
    updated_at: str
    asked: dict[str, InputRequest] = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    running: asyncio.Task[CallToolResult] | None = None

    async def ask(self, **requests: InputRequest) -> None:
        """Ask for input and wait until all of it has come."""
        self.asked = {f"{name}-{secrets.token_hex(4)}": request for name, request in requests.items()}
        self.answered.clear()
        await self.answered.wait()


Work = Callable[[_Held], Awaitable[CallToolResult]]


class FixtureTasks:
    """A TaskSource over tasks of this process."""

    needing = frozenset(
        {"failing_job", "protocol_error_job", "confirm_delete", "multi_input", "test_tool_with_task"}
    )

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[str, _Held] = {}

    def tools(self) -> dict[str, Fixture]:
        """The tools that start them."""
        name = object_schema(filename={"type": "string"})
        length = {
            "type": "object",
            "properties": {"seconds": {"type": "number"}, "label": {"type": "string"}},
        }
        return {
            "greet": Fixture("Says hello at once.", _greet, object_schema(name={"type": "string"})),
            "slow_compute": Fixture("Takes some seconds.", self._slow, length),
            "failing_job": Fixture("Ends with an error.", self._starting(_failing)),
            "protocol_error_job": Fixture("Breaks.", self._starting(_breaking)),
            "confirm_delete": Fixture("Asks before it goes on.", self._starting(_confirming), name),
            "multi_input": Fixture("Asks for two things at once.", self._starting(_asking_twice)),
            "test_tool_with_task": Fixture("Asks first, then takes a while.", self._escalating),
        }

    def started(self, _params: CallToolRequestParams, result: HandlerResult) -> Task | None:
        data = result.structured_content if isinstance(result, CallToolResult) else None
        task_id = data.get("task_id", "") if isinstance(data, dict) else ""
        return self._task(task_id) if task_id in self._tasks else None

    async def get(self, _context: Context, task_id: str) -> Task:
        return self._task(task_id)

    async def update(self, _context: Context, task_id: str, responses: Mapping[str, Any]) -> None:
        held = self._held(task_id)
        for key in responses:
            held.asked.pop(key, None)
        held.updated_at = stamp(self._clock)
        if not held.asked:
            held.answered.set()
            await asyncio.sleep(0)  # the work goes on before the next question about it

    async def cancel(self, _context: Context, task_id: str) -> None:
        held = self._held(task_id)
        if held.running is not None and held.running.cancel():
            held.updated_at = stamp(self._clock)
            await asyncio.wait([held.running])

    async def close(self) -> None:
        """End what still runs."""
        running = [held.running for held in self._tasks.values() if held.running is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _held(self, task_id: str) -> _Held:
        if task_id not in self._tasks:
            raise MCPError(INVALID_PARAMS, "no such task")
        return self._tasks[task_id]

    def _begin(self, work: Work) -> CallToolResult:
        """Start work; a result that names its task."""
        now, task_id = stamp(self._clock), secrets.token_hex(8)
        held = self._tasks[task_id] = _Held(now, now)

        async def run() -> CallToolResult:
            try:
                return await work(held)
            finally:
                held.updated_at = stamp(self._clock)

        held.running = asyncio.create_task(run())
        text = TextContent(type="text", text=f"task {task_id}")
        return CallToolResult(content=[text], structured_content={"task_id": task_id})

    def _starting(self, work: Work) -> Callable[[Context, CallToolRequestParams], Awaitable[Answer]]:
        async def run(_context: Context, _params: CallToolRequestParams) -> Answer:
            return self._begin(work)

        return run

    async def _slow(self, context: Context, params: CallToolRequestParams) -> Answer:
        seconds = float((params.arguments or {}).get("seconds", 0))

        async def work(_held: _Held) -> CallToolResult:
            await asyncio.sleep(seconds)
            return saying(f"Computed for {seconds:g} s")

        held = _Held("", "")
        return self._begin(work) if declares_tasks(context) else await work(held)

    async def _escalating(self, _context: Context, params: CallToolRequestParams) -> Answer:
        found = answers_to(NAME, params)
        if found is None:
            return asking(NAME)
        name = field_of(found["user_name"], "name")

        async def work(_held: _Held) -> CallToolResult:
            await asyncio.sleep(_FAILS_AFTER_S)
            return saying(f"Hello, {name}!")

        return self._begin(work)

    def _task(self, task_id: str) -> Task:
        held = self._held(task_id)
        ran = held.running
        if ran is None or not ran.done():
            asked = {
                key: request.model_dump(by_alias=True, mode="json", exclude_none=True)
                for key, request in held.asked.items()
            }
            status: Status = "input_required" if asked else "working"
            return Task(task_id, status, held.created_at, held.updated_at, inputs=asked)
        if ran.cancelled():
            return Task(task_id, "cancelled", held.created_at, held.updated_at)
        if (error := ran.exception()) is not None:
            data = ErrorData(code=INTERNAL_ERROR, message=str(error))
            return Task(task_id, "failed", held.created_at, held.updated_at, error=data)
        return Task(task_id, "completed", held.created_at, held.updated_at, result=ran.result())


async def _greet(_context: Context, params: CallToolRequestParams) -> Answer:
    return saying(f"Hello, {(params.arguments or {}).get('name', '')}!")


async def _failing(_held: _Held) -> CallToolResult:
    await asyncio.sleep(_FAILS_AFTER_S)
    return saying("This job always fails", error=True)


async def _breaking(_held: _Held) -> CallToolResult:
    await asyncio.sleep(0)
    raise RuntimeError("this job breaks, as it is meant to")


async def _confirming(held: _Held) -> CallToolResult:
    await held.ask(confirm=form("Really?", confirm=_YES))
    return saying("Confirmed")


async def _asking_twice(held: _Held) -> CallToolResult:
    await held.ask(first=form("First?", confirm=_YES), second=form("Second?", confirm=_YES))
    return saying("Both answered")
