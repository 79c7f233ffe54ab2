"""The controller's MCP client: typed calls in, plain data out, and the server's typed errors as exceptions again.

The only file of the agent that knows MCP. In memory it is handed a server; from anywhere else it is handed a URL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from mcp import Client

from proda_core import errors
from proda_core.errors import ProdaError, Refusal, ToolError

OnJob = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as its server describes it; ``schema`` is its arguments' JSON schema."""

    name: str
    description: str
    schema: dict[str, Any]


class ToolClient:
    """``async with ToolClient(server)``: calls tools and waits for jobs."""

    def __init__(self, server: Any, *, on_job: OnJob | None = None) -> None:
        self._client = Client(server, mode="auto")
        self._on_job = on_job

    async def __aenter__(self) -> ToolClient:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._client.__aexit__(kind, value, trace)
        except BaseExceptionGroup as group:
            if not _is_only(group, value):
                raise  # else the caller's own error goes on as it was raised, without the group around it

    async def tools(self) -> list[str]:
        """Names of the tools that this server offers."""
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def offers(self) -> list[Offer]:
        """The tools that this server offers, with what it says of them."""
        listed = (await self._client.list_tools()).tools
        return [Offer(tool.name, tool.description or "", dict(tool.input_schema)) for tool in listed]

    async def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; its structured result, or the typed error that it reported."""
        result = await self._client.call_tool(name, arguments)
        data = result.structured_content
        if result.is_error:
            raise error_from(data, name)
        if not isinstance(data, dict):
            raise ToolError(f"{name} returned no structured result")
        return data

    async def wait(self, handle: dict[str, Any], *, poll_s: float = 1.0) -> dict[str, Any]:
        """Wait for a job to end, telling ``on_job`` each time; returns the last handle, whatever its state."""
        while handle["state"] == "running":
            handle = await self.call("wait_for_job", job_id=handle["job_id"], timeout_s=poll_s)
            if self._on_job is not None:
                self._on_job(handle)
        return handle


def _is_only(group: BaseExceptionGroup[BaseException], value: BaseException | None) -> bool:
    """Whether a group, however deep, holds this one error and no other."""
    inner = group.exceptions
    if len(inner) != 1:
        return False
    return _is_only(inner[0], value) if isinstance(inner[0], BaseExceptionGroup) else inner[0] is value


def error_from(data: Any, tool: str) -> ProdaError:
    """The exception that a tool's typed error body stands for."""
    body = data.get("error", {}) if isinstance(data, dict) else {}
    message = str(body.get("message", f"{tool} failed without a reason"))
    kind = getattr(errors, str(body.get("type", "")), ToolError)
    if kind is errors.GuardRefusal:
        return errors.GuardRefusal([Refusal(**row) for row in body.get("refusals", [])])
    if kind is errors.BudgetExhausted:
        return errors.BudgetExhausted.said(message)
    if isinstance(kind, type) and issubclass(kind, ProdaError) and kind is not errors.UnreadableFile:
        return kind(message)
    return ToolError(message)
