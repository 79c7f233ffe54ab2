"""What a fixture is: a tool of the conformance suite, by its description, its schema and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_types import CallToolRequestParams, CallToolResult, InputRequiredResult, TextContent

from mcp_server.tasks import Context

Answer = CallToolResult | InputRequiredResult
Run = Callable[[Context, CallToolRequestParams], Awaitable[Answer]]


def object_schema(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that needs all of ``properties``."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _nothing() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Fixture:
    """One tool. The name, and where it matters the wording, are the suite's."""

    description: str
    run: Run
    schema: dict[str, Any] = field(default_factory=_nothing)


def saying(text: str, *, error: bool = False) -> CallToolResult:
    """A result of one text."""
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=error)
