"""What a server offers beside its tools: resources, prompts and completion, answered from a session's Host.

One handler a method of the protocol, the same for both eras. Failures are protocol errors with a plain message.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mcp import MCPError
from mcp.server import Server
from mcp_types import (
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from mcp_server.prompts import PROMPTS, get_prompt, prompt_schemas
from mcp_server.resources import BY_ID, ENTRIES, SESSION, VIEW, VIEWS, read_resource, resources_of, templates
from proda_core.errors import ProdaError
from tools.completion import completions
from tools.host import Host

_MOST_VALUES = 100  # that the protocol allows in one answer


def offer_surface(server: Server[dict[str, Any]], host: Host) -> None:
    """Let ``server`` answer for resources, prompts and completion of ``host``'s session."""

    async def list_resources(_context: Any, _params: PaginatedRequestParams) -> ListResourcesResult:
        return ListResourcesResult(resources=resources_of(host.folder.name))

    async def list_templates(_context: Any, _params: PaginatedRequestParams) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=templates())

    async def read(_context: Any, params: ReadResourceRequestParams) -> ReadResourceResult:
        return ReadResourceResult(contents=[await read_resource(host, params.uri)])

    async def list_prompts(_context: Any, _params: PaginatedRequestParams) -> ListPromptsResult:
        return ListPromptsResult(prompts=prompt_schemas())

    async def prompt(_context: Any, params: GetPromptRequestParams) -> GetPromptResult:
        return await get_prompt(host, params.name, params.arguments or {})

    async def complete(_context: Any, params: CompleteRequestParams) -> CompleteResult:
        return CompleteResult(completion=await _complete(host, params))

    server.add_request_handler("resources/list", PaginatedRequestParams, list_resources)
    server.add_request_handler("resources/templates/list", PaginatedRequestParams, list_templates)
    server.add_request_handler("resources/read", ReadResourceRequestParams, read)
    server.add_request_handler("prompts/list", PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", GetPromptRequestParams, prompt)
    server.add_request_handler("completion/complete", CompleteRequestParams, complete)


async def _complete(host: Host, params: CompleteRequestParams) -> Completion:
    argument, typed = params.argument.name, params.argument.value
    if argument not in _arguments_of(params):
        raise MCPError(INVALID_PARAMS, "no such prompt or resource template, or it has no such argument")
    if argument == "view":
        found = [view for view in VIEWS if view.startswith(typed)]
    else:
        try:
            found = await asyncio.to_thread(completions, host, argument, typed)
        except ProdaError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error
    return Completion(values=found[:_MOST_VALUES], total=len(found), has_more=len(found) > _MOST_VALUES)


def _arguments_of(params: CompleteRequestParams) -> tuple[str, ...]:
    """The arguments of the prompt or template referred to; none of one that there is not."""
    if isinstance(params.ref, PromptReference):
        prompt = PROMPTS.get(params.ref.name)
        return (prompt.argument,) if prompt is not None and prompt.argument else ()
    known = {str(SESSION): ("session",), str(VIEW): ("session", "view", "first")}
    known |= {str(BY_ID[name]): (entry.variable,) for name, entry in ENTRIES.items()}
    return known.get(params.ref.uri, ())
