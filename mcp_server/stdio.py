"""A session over standard input and output, for clients that start their servers themselves.

Where a host serves the session, requests go on to it; where none does, the session's folder is read, and what is asked of the
session waits in its inbox. Which of the two is looked up for each call, so hosts may come and go. Only protocol messages reach
standard output: the SDK keeps the descriptor and points file descriptor 1 at standard error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    GetPromptRequestParams,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    RequestParams,
)
from pydantic import BaseModel

from mcp_server.access import access_in
from mcp_server.hosting import read_session, reading_host
from mcp_server.http import url_of_host
from mcp_server.job_tasks import JobTasks
from mcp_server.server import failure, named_server
from mcp_server.tasks import Context, Tasks, extend
from proda_core.errors import SessionError
from proda_core.session import SessionFolder

Ask = Callable[[Client, Any], Awaitable[BaseModel]]
Answer = TypeVar("Answer")
_CONNECT_S = 2.0
_ANSWER_S = 60.0  # above what wait_for_job may take


async def serve_stdio(folder: SessionFolder) -> None:
    """Serve until the client closes standard input."""
    async with read_session(folder) as reader, Client(reader) as here, stdio_server() as (incoming, outgoing):
        server = forwarding_server(folder, here)
        await server.run(incoming, outgoing, server.create_initialization_options())


def forwarding_server(folder: SessionFolder, here: Client) -> Server[dict[str, Any]]:
    """A server whose tools are those of the session's host while it serves, else those of the reader behind ``here``."""

    async def list_tools(_context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        try:
            async with _nearest(folder, here) as client:
                return await client.list_tools()
        except SessionError:  # the host's tokens cannot be had: a call says why
            return await here.list_tools()

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        try:
            return await _asked(
                folder,
                here,
                lambda client: client.call_tool(
                    params.name, params.arguments or {}, progress_callback=context.session.report_progress
                ),
            )
        except SessionError as error:
            return failure(error)

    server = named_server(list_tools, call_tool, reading_host(folder))
    for method, (params_type, ask) in _FORWARDED.items():
        server.add_request_handler(method, params_type, _forward(folder, here, ask))
    extend(server, Tasks(JobTasks(call_tool)))
    return server


def _forward(folder: SessionFolder, here: Client, ask: Ask) -> Callable[[Context, Any], Awaitable[BaseModel]]:
    """A handler that asks the host or the reader; MCPError when the host's tokens cannot be had."""

    async def handle(_context: Context, params: Any) -> BaseModel:
        try:
            return await _asked(folder, here, lambda client: ask(client, params))
        except SessionError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error

    return handle


async def _asked(folder: SessionFolder, here: Client, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
    """The nearest server's answer, or the protocol error that it answered with: as itself, not in a group of its connection's."""
    async with _nearest(folder, here) as client:
        try:
            return await ask(client)
        except MCPError as error:
            refused = error
    raise refused


_FORWARDED: dict[str, tuple[type[RequestParams], Ask]] = {
    "resources/list": (PaginatedRequestParams, lambda client, _: client.list_resources()),
    "resources/templates/list": (PaginatedRequestParams, lambda client, _: client.list_resource_templates()),
    "resources/read": (ReadResourceRequestParams, lambda client, asked: client.read_resource(asked.uri)),
    "prompts/list": (PaginatedRequestParams, lambda client, _: client.list_prompts()),
    "prompts/get": (
        GetPromptRequestParams,
        lambda client, asked: client.get_prompt(asked.name, asked.arguments),
    ),
    "completion/complete": (
        CompleteRequestParams,
        lambda client, asked: client.complete(asked.ref, asked.argument.model_dump()),
    ),
}
"""What goes on beside the tools. Subscriptions do not: the session's files tell this process as much as its host."""


@asynccontextmanager
async def _nearest(folder: SessionFolder, here: Client) -> AsyncIterator[Client]:
    """A client of the host, where one answers, else ``here``. SessionError when the tokens cannot be had or it takes them not."""
    async with AsyncExitStack() as stack:
        client = here
        if url := url_of_host(folder):
            try:
                client = await stack.enter_async_context(_hosts_client(folder, url))
            except (OSError, httpx2.HTTPError, MCPError, ExceptionGroup) as error:
                if _refused(error) and url_of_host(folder):
                    raise SessionError(
                        f"the host of {folder.name} refuses the tokens in {folder.access.name}; start the host anew"
                    ) from error
                client = here  # it ended just now
        yield client


def _refused(error: Exception) -> bool:
    """Whether it is an answer of a host, not the want of one."""
    if isinstance(error, ExceptionGroup):
        return error.subgroup(MCPError) is not None
    return isinstance(error, MCPError)


@asynccontextmanager
async def _hosts_client(folder: SessionFolder, url: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {access_in(folder.access).steer}"}
    timeout = httpx2.Timeout(_ANSWER_S, connect=_CONNECT_S)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client
