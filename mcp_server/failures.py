"""What a tool answers when it fails as expected: a typed body, and the schema that says so.

Clients check a result's structured content against the tool's output schema, failures included; a schema of the good case alone
would have them show their own complaint in place of the error.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from tools.base import Tool, ToolModel


class FailureBody(ToolModel):
    """The error's class, what happened and what to do, and the rows that a guard refused."""

    type: str
    message: str
    refusals: list[dict[str, Any]]


class Failure(ToolModel):
    """The structured content of a result that is an error."""

    error: FailureBody


def output_schema(tool: Tool) -> dict[str, Any]:
    """What a tool's structured content may be: its result, or a failure."""
    kinds: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (tool.result, "validation"),
        (Failure, "validation"),
    ]
    found, definitions = models_json_schema(kinds)
    return {"type": "object", "anyOf": [found[kind] for kind in kinds], **definitions}
