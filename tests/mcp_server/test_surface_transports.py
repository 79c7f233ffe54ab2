"""Resources, prompts, completion and subscriptions over HTTP and on standard input and output: the same as in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp_types import PromptReference, ReadResourceResult

from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, own_session, read_session
from mcp_server.prompts import PROMPTS
from mcp_server.resources import VIEWS, session_uri
from proda_core.session import SessionFolder, SteerKind
from tests.mcp_server.test_stdio import COMMAND
from tests.mcp_server.test_watching import Told, watched
from tests.sessions import FinishedSession, copied

MODES = ("auto", "legacy")
MOVING = ("", "budget")  # views that hold the time


@pytest.fixture
def folder(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    return copied(finished_session.folder, tmp_path)


@asynccontextmanager
async def serving(folder: SessionFolder) -> AsyncIterator[str]:
    """The URL at which the session is served."""
    urls: list[str] = []
    async with own_session(folder, serving=Serving(Address(), False, urls.append)):
        yield urls[0]


def on_stdio(folder: SessionFolder) -> StdioServerParameters:
    return StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], str(folder.root)])


async def surface_of(client: Client, name: str) -> dict[str, Any]:
    """All that a client is offered beside the tools, and what it is refused."""
    looked: dict[str, Any] = {
        "resources": (await client.list_resources()).resources,
        "templates": (await client.list_resource_templates()).resource_templates,
        "prompts": (await client.list_prompts()).prompts,
        "why": (await client.get_prompt("why_round", {"round": "1"})).messages,
        "rounds": (
            await client.complete(PromptReference(name="why_round"), {"name": "round", "value": ""})
        ).completion.values,
    }
    for view in VIEWS.keys() - {*MOVING, "log", "report"}:
        found: ReadResourceResult = await client.read_resource(session_uri(name, view))
        looked[view] = found.contents
    for what, asked in {
        "no resource": client.read_resource("file:///etc/passwd"),
        "no item": client.read_resource("proda://item/i_" + "0" * 16),
        "no prompt": client.get_prompt("drop_guard", {}),
        "no argument": client.complete(PromptReference(name="why_round"), {"name": "x", "value": ""}),
    }.items():
        with pytest.raises(MCPError) as refused:
            await asked
        looked[what] = (refused.value.code, refused.value.message)
    return looked


async def in_memory(folder: SessionFolder) -> dict[str, Any]:
    async with read_session(folder) as server, Client(server) as client:
        return await surface_of(client, folder.name)


@asynccontextmanager
async def at(url: str, token: str) -> AsyncIterator[Any]:
    """A transport to ``url`` that carries a token."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        streamable_http_client(url, http_client=http) as streams,
    ):
        yield streams


async def told_of_a_note(folder: SessionFolder, told: Told) -> str:
    """The first that is told after one note in the inbox: who was told that it watches misses none."""
    folder.steering.post(SteerKind.NOTE, by="ann", why="the one note")
    return await told.next()


@pytest.mark.parametrize("mode", MODES)
def test_the_reading_token_reads_asks_completes_and_watches_over_http(
    folder: SessionFolder, mode: str
) -> None:
    async def run() -> None:
        expected = await in_memory(folder)
        status = session_uri(folder.name)
        async with serving(folder) as url:
            read = access_to(folder.access).read
            async with Client(at(url, read), mode=mode) as client:
                assert await surface_of(client, folder.name) == expected
                for name in PROMPTS.keys() - {"why_round", "what_is_unknown"}:
                    assert (await client.get_prompt(name, {})).messages
            async with watched(at(url, read), mode, status) as (client, told):
                assert await told_of_a_note(folder, told) == status

    asyncio.run(run())


@pytest.mark.parametrize("mode", MODES)
def test_on_stdio_the_folder_answers_where_no_host_serves_it(folder: SessionFolder, mode: str) -> None:
    async def run() -> None:
        expected = await in_memory(folder)
        status = session_uri(folder.name)
        async with watched(on_stdio(folder), mode, status) as (client, told):
            assert await surface_of(client, folder.name) == expected
            assert await told_of_a_note(folder, told) == status

    asyncio.run(run())


@pytest.mark.parametrize("mode", MODES)
def test_on_stdio_requests_go_on_to_the_host_and_changes_are_told_whoever_serves(
    folder: SessionFolder, mode: str
) -> None:
    async def run() -> None:
        expected = await in_memory(folder)
        status = session_uri(folder.name)
        async with watched(on_stdio(folder), mode, status) as (client, told):
            async with serving(folder):
                assert await surface_of(client, folder.name) == expected
                hosted = (await client.read_resource(status)).contents
                assert await told_of_a_note(folder, told) == status
                folder.access.chmod(0o644)
                with pytest.raises(MCPError, match="read by others"):
                    await client.read_resource(status)
                folder.access.chmod(0o600)
            assert hosted and (await client.read_resource(status)).contents
            assert await told_of_a_note(folder, told) == status

    asyncio.run(run())
