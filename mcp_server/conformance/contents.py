"""Fixtures that answer by themselves: each kind of content, progress, log messages, an error, schemas, resources and prompts."""

from __future__ import annotations

import asyncio
import json

from mcp import MCPError
from mcp.server.connection import allowed_log_levels
from mcp_types import (
    INVALID_PARAMS,
    AudioContent,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
)

from mcp_server.conformance.fixture import Fixture, object_schema, saying
from mcp_server.tasks import Context

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGOoBwAAgQCA05RTSgAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
_STEP_S = 0.05  # the suite wants to see messages come one by one
_TEXT = {"type": "string"}
_IMAGE = ImageContent(type="image", data=PNG, mime_type="image/png")
_TEMPLATE = "test://template/{id}/data"
_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {"$anchor": "addressDef", "type": "object", "properties": {"street": _TEXT, "city": _TEXT}}
    },
    "properties": {
        "name": _TEXT,
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": _TEXT,
        "email": _TEXT,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


async def _text(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
    return saying("This is a simple text response for testing.")


async def _image(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
    return CallToolResult(content=[_IMAGE])


async def _audio(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
    return CallToolResult(content=[AudioContent(type="audio", data=WAV, mime_type="audio/wav")])


async def _resource(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
    found = _embedded("test://embedded-resource", "This is an embedded resource content.")
    return CallToolResult(content=[found])


async def _mixed(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
    text = TextContent(type="text", text="Multiple content types test:")
    data = json.dumps({"test": "data", "value": 123})
    return CallToolResult(
        content=[text, _IMAGE, _embedded("test://mixed-content-resource", data, "application/json")]
    )


async def _logging(context: Context, _params: CallToolRequestParams) -> CallToolResult:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        if "info" in allowed_log_levels(context.protocol_version, context.meta):
            message = LoggingMessageNotification(
                params=LoggingMessageNotificationParams(level="info", data=said)
            )
            await context.session.send_notification(message, related_request_id=context.request_id)
        await asyncio.sleep(_STEP_S)
    return saying("Tool with logging executed successfully")


async def _progress(context: Context, _params: CallToolRequestParams) -> CallToolResult:
    for percent in (0, 50, 100):
        await context.session.report_progress(percent, 100, f"Completed step {percent} of 100")
        await asyncio.sleep(_STEP_S)
    return saying("Tool with progress executed successfully")


async def _error(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
    return saying("This tool intentionally returns an error for testing", error=True)


async def _echo(_context: Context, params: CallToolRequestParams) -> CallToolResult:
    return saying(json.dumps(params.arguments or {}))


TOOLS: dict[str, Fixture] = {
    "test_simple_text": Fixture("Answers with a text.", _text),
    "test_image_content": Fixture("Answers with an image.", _image),
    "test_audio_content": Fixture("Answers with a sound.", _audio),
    "test_embedded_resource": Fixture("Answers with a resource.", _resource),
    "test_multiple_content_types": Fixture("Answers with a text, an image and a resource.", _mixed),
    "test_tool_with_logging": Fixture("Sends three log messages.", _logging),
    "test_logging_tool": Fixture("Sends log messages to who asked for them.", _logging),
    "test_tool_with_progress": Fixture("Says three times how far it is.", _progress),
    "test_error_handling": Fixture("Answers with an error.", _error),
    "json_schema_2020_12_tool": Fixture("Has a schema of many keywords.", _echo, _SCHEMA),
    "test_header_param": Fixture(
        "Has an argument that is mirrored in a header.",
        _echo,
        object_schema(region={"type": "string", "x-mcp-header": "Region"}),
    ),
}

RESOURCES = (
    Resource(
        uri="test://static-text", name="static text", description="Always the same.", mime_type="text/plain"
    ),
    Resource(
        uri="test://static-binary", name="static binary", description="An image.", mime_type="image/png"
    ),
    Resource(
        uri="test://watched-resource",
        name="watched",
        description="May be subscribed to.",
        mime_type="text/plain",
    ),
)
TEMPLATES = (
    ResourceTemplate(
        uri_template=_TEMPLATE,
        name="template",
        description="Says its parameter.",
        mime_type="application/json",
    ),
)


def read(uri: str) -> TextResourceContents | BlobResourceContents:
    """A resource's contents. MCPError when there is none under this name."""
    before, after = _TEMPLATE.split("{id}")
    if uri == "test://static-text":
        text = "This is the content of the static text resource."
        return TextResourceContents(uri=uri, mime_type="text/plain", text=text)
    if uri == "test://watched-resource":
        return TextResourceContents(uri=uri, mime_type="text/plain", text="Watched resource content")
    if uri == "test://static-binary":
        return BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
    if uri.startswith(before) and uri.endswith(after):
        given = uri[len(before) : -len(after)]
        data = json.dumps({"id": given, "templateTest": True, "data": f"Data for ID: {given}"})
        return TextResourceContents(uri=uri, mime_type="application/json", text=data)
    raise MCPError(INVALID_PARAMS, "Resource not found", {"uri": uri})


PROMPTS = (
    Prompt(name="test_simple_prompt", description="A text."),
    Prompt(
        name="test_prompt_with_arguments",
        description="A text of two arguments.",
        arguments=[PromptArgument(name="arg1", required=True), PromptArgument(name="arg2", required=True)],
    ),
    Prompt(
        name="test_prompt_with_embedded_resource",
        description="A resource and a text.",
        arguments=[PromptArgument(name="resourceUri", required=True)],
    ),
    Prompt(name="test_prompt_with_image", description="An image and a text."),
    Prompt(name="test_input_required_result_prompt", description="Asks for its context first."),
)


def messages_of(name: str, arguments: dict[str, str]) -> list[PromptMessage]:
    """A prompt's messages. MCPError for one that is not there or lacks an argument."""
    prompt = next((known for known in PROMPTS if known.name == name), None)
    needed = [argument.name for argument in (prompt.arguments or ())] if prompt else []
    if prompt is None or not set(needed) <= set(arguments):
        raise MCPError(INVALID_PARAMS, f"no such prompt, or not all of {needed} given")
    contents: dict[str, list[TextContent | ImageContent | EmbeddedResource]] = {
        "test_simple_prompt": [_say("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            _say("Prompt with arguments: " + ", ".join(f"{key}='{arguments[key]}'" for key in needed))
        ],
        "test_prompt_with_embedded_resource": [
            _embedded(arguments.get("resourceUri", ""), "Embedded resource content for testing."),
            _say("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [_IMAGE, _say("Please analyze the image above.")],
    }
    return [PromptMessage(role="user", content=content) for content in contents[name]]


def _say(text: str) -> TextContent:
    return TextContent(type="text", text=text)
