"""The fixtures as a server, of the same kind as a session's and hosted in the same way."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import MCPError
from mcp.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from mcp_types import Tool as ToolSchema

from mcp_server.conformance import contents, inputs
from mcp_server.conformance.fixture import Answer, Fixture, saying
from mcp_server.conformance.tasks import FixtureTasks
from mcp_server.tasks import Context, Tasks, extend
from proda_core import __version__
from proda_core.clock import SystemClock

Page = PaginatedRequestParams | None
_KEY_BYTES = 32


@asynccontextmanager
async def fixture_server() -> AsyncIterator[Server[dict[str, Any]]]:
    """The server with every fixture; its tasks end with the block."""
    tasks, bus = FixtureTasks(SystemClock()), InMemorySubscriptionBus()
    server = _server({**contents.TOOLS, **inputs.TOOLS, **_changes(bus), **tasks.tools()}, bus)
    extend(server, Tasks(tasks))
    security = RequestStateSecurity(keys=[secrets.token_bytes(_KEY_BYTES)])
    server.middleware.append(RequestStateBoundary(security, default_audience=server.name))
    try:
        yield server
    finally:
        await tasks.close()


def _changes(bus: InMemorySubscriptionBus) -> dict[str, Fixture]:
    """Tools that say that a list has changed."""

    def telling(event: ServerEvent) -> Fixture:
        async def run(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
            await bus.publish(event)
            return saying("told")

        return Fixture("Says that a list has changed.", run)

    return {
        "test_trigger_tool_change": telling(ToolsListChanged()),
        "test_trigger_prompt_change": telling(PromptsListChanged()),
    }


def _server(tools: dict[str, Fixture], bus: InMemorySubscriptionBus) -> Server[dict[str, Any]]:
    async def list_tools(_context: Context, _params: Page) -> ListToolsResult:
        schemas = [
            ToolSchema(name=name, description=tool.description, input_schema=tool.schema)
            for name, tool in tools.items()
        ]
        return ListToolsResult(tools=schemas)

    async def call_tool(context: Context, params: CallToolRequestParams) -> Answer:
        if params.name not in tools:
            raise MCPError(INVALID_PARAMS, "unknown tool")
        return await tools[params.name].run(context, params)

    server = Server(
        "proda-conformance-fixtures",
        version=__version__,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_templates,
        on_read_resource=_read,
        on_subscribe_resource=_subscribe,
        on_unsubscribe_resource=_unsubscribe,
        on_subscriptions_listen=ListenHandler(bus),
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
        on_completion=_complete,
    )
    server.add_request_handler("logging/setLevel", SetLevelRequestParams, _set_level)
    return server


async def _list_resources(_context: Context, _params: Page) -> ListResourcesResult:
    return ListResourcesResult(resources=list(contents.RESOURCES))


async def _list_templates(_context: Context, _params: Page) -> ListResourceTemplatesResult:
    return ListResourceTemplatesResult(resource_templates=list(contents.TEMPLATES))


async def _read(_context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    return ReadResourceResult(contents=[contents.read(str(params.uri))])


async def _subscribe(_context: Context, _params: SubscribeRequestParams) -> EmptyResult:
    return EmptyResult()


async def _unsubscribe(_context: Context, _params: UnsubscribeRequestParams) -> EmptyResult:
    return EmptyResult()


async def _list_prompts(_context: Context, _params: Page) -> ListPromptsResult:
    return ListPromptsResult(prompts=list(contents.PROMPTS))


async def _get_prompt(
    _context: Context, params: GetPromptRequestParams
) -> GetPromptResult | InputRequiredResult:
    if params.name == "test_input_required_result_prompt":
        return await inputs.prompt(params)
    return GetPromptResult(messages=contents.messages_of(params.name, params.arguments or {}))


async def _complete(_context: Context, params: CompleteRequestParams) -> CompleteResult:
    values = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
    return CompleteResult(completion=Completion(values=values, total=len(values), has_more=False))


async def _set_level(_context: Context, _params: SetLevelRequestParams) -> EmptyResult:
    return EmptyResult()
