"""A session over HTTP: the same tools for both protocol eras, tokens and names checked before anything is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, host_fixtures, own_session
from mcp_server.http import url_of_host
from proda_core.errors import SessionError
from proda_core.session import SessionFolder
from tests.sessions import Bench, records_of
from tools.registry import TOOLS

MODES = ("auto", "legacy")
STAYS_S = 15.0
STATUS = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "get_status", "arguments": {}},
}
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture
def fresh(bench: Bench, tmp_path: Path) -> SessionFolder:
    """A session in which nothing was done yet."""
    return bench.session(tmp_path)


def while_served(
    folder: SessionFolder, act: Callable[[str], Awaitable[Any]], *, drivable: bool = True
) -> Any:
    """Run ``act`` on the URL of the served session."""

    async def run() -> Any:
        urls: list[str] = []
        address = Address(allowed=("proda.example.com",))
        async with own_session(folder, serving=Serving(address, drivable, urls.append)):
            return await act(urls[0])

    return asyncio.run(run())


@asynccontextmanager
async def client_with(url: str, token: str, mode: str = "auto") -> AsyncIterator[Client]:
    """An MCP client that carries a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", MODES)
def test_the_steering_token_does_all_and_the_reading_one_looks(fresh: SessionFolder, mode: str) -> None:
    async def act(url: str) -> None:
        access = access_to(fresh.access)
        async with client_with(url, access.steer, mode) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == [tool.name for tool in TOOLS]
            started = await client.call_tool("curate_corpus", {})
            assert not started.is_error and started.structured_content
        async with client_with(url, access.read, mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == [tool.name for tool in TOOLS if tool.scope == "read"]
            assert not (await client.call_tool("get_status", {})).is_error
            note = {"action": "note", "by": "eve", "why": "so"}
            for name, arguments in (("steer_session", note), ("extract_knowledge", {})):
                refused = await client.call_tool(name, arguments)
                assert refused.is_error and refused.structured_content
                assert "needs the token that steers" in refused.structured_content["error"]["message"]

    while_served(fresh, act)
    assert not fresh.steering.requests()
    assert not records_of(fresh, "refusal")  # who only reads cannot lengthen the log
    noted = [json.loads(line) for line in fresh.refusals.read_text().splitlines()]
    assert [(one["tool"], one["by"]) for one in noted] == [
        ("steer_session", "read"),
        ("extract_knowledge", "read"),
    ]


def test_a_session_that_drives_itself_offers_no_tool_that_works(fresh: SessionFolder) -> None:
    async def act(url: str) -> list[str]:
        async with client_with(url, access_to(fresh.access).steer) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert while_served(fresh, act, drivable=False) == [tool.name for tool in TOOLS if tool.scope != "work"]


async def status_of(url: str, steer: str, changed: dict[str, str | None]) -> int:
    """How the older era's first request is answered, with these headers changed; None leaves one out."""
    given = {**HEADERS, "Authorization": f"Bearer {steer}", "MCP-Protocol-Version": "2025-11-25", **changed}
    headers = {name: text.replace("{steer}", steer) for name, text in given.items() if text is not None}
    async with httpx2.AsyncClient(trust_env=False) as http:
        body = {**STATUS, "method": "initialize", "params": INITIALIZE}
        return (await http.post(url, headers=headers, json=body)).status_code


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic {steer}"}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 400),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Host": "proda.example.com", "Origin": "https://proda.example.com"}, 200),
        ({"Host": "[::1]", "Origin": "http://[::1]"}, 200),
        ({}, 200),
    ],
)
def test_a_request_without_a_token_or_from_elsewhere_is_refused(
    fresh: SessionFolder, changed: dict[str, str | None], status: int
) -> None:
    async def act(url: str) -> int:
        return await status_of(url, access_to(fresh.access).steer, changed)

    assert while_served(fresh, act) == status


INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "0"},
}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({}, 200),
    ],
)
def test_the_conformance_fixtures_are_behind_the_same_checks(
    fresh: SessionFolder, changed: dict[str, str | None], status: int
) -> None:
    async def run() -> int:
        urls: list[str] = []
        async with host_fixtures(fresh, Serving(Address(), False, urls.append)):
            return await status_of(urls[0], access_to(fresh.access).steer, changed)

    assert asyncio.run(run()) == status


def test_spaces_around_a_headers_value_mean_nothing(fresh: SessionFolder) -> None:
    async def act(url: str) -> bytes:
        where, body = urlsplit(url), json.dumps({**STATUS, "method": "initialize", "params": INITIALIZE})
        given = {**HEADERS, "Host": where.netloc, "Authorization": f"Bearer {access_to(fresh.access).read}"}
        lines = [f"{name}:  {text} \t" for name, text in {**given, "Content-Length": len(body)}.items()]
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write("\r\n".join((f"POST {where.path} HTTP/1.1", *lines, "", body)).encode())
        answered = await reader.readline()
        writer.close()
        return answered

    assert while_served(fresh, act).split()[1] == b"200"


def test_a_body_of_ten_megabytes_is_refused(fresh: SessionFolder) -> None:
    async def act(url: str) -> int:
        headers = {**HEADERS, "Authorization": f"Bearer {access_to(fresh.access).steer}"}
        async with httpx2.AsyncClient(trust_env=False) as http:
            return (await http.post(url, headers=headers, content=b" " * 10_000_000)).status_code

    assert while_served(fresh, act) == 413


def test_tokens_are_for_their_owners_eyes_and_stay_the_same(fresh: SessionFolder) -> None:
    access = access_to(fresh.access)
    assert stat.S_IMODE(fresh.access.stat().st_mode) == 0o600
    assert access_to(fresh.access) == access and access.read != access.steer
    fresh.access.chmod(0o644)
    with pytest.raises(SessionError, match="read by others"):
        access_to(fresh.access)
    fresh.access.chmod(0o600)
    for text in ("{", "[]", json.dumps({"read": "a", "steer": "b"})):
        fresh.access.write_text(text)
        with pytest.raises(SessionError, match="delete it for new tokens"):
            access_to(fresh.access)


def test_the_session_says_where_it_is_served_as_long_as_it_is(fresh: SessionFolder) -> None:
    async def act(url: str) -> str:
        assert url_of_host(fresh) == url
        return fresh.serving.read_text()

    said = while_served(fresh, act)
    assert not fresh.serving.exists() and url_of_host(fresh) == ""
    for left_behind in (said.replace('"since": ', '"since": 1'), '{"pid": 1}', "{", "[]"):
        fresh.serving.write_text(left_behind)
        assert url_of_host(fresh) == ""


def test_a_client_that_stays_does_not_keep_the_host_from_ending(
    fresh: SessionFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        urls: list[str] = []
        left, stays = asyncio.Event(), asyncio.Event()

        async def stay() -> None:
            with contextlib.suppress(httpx2.HTTPError, ExceptionGroup):
                async with client_with(urls[0], access_to(fresh.access).read, "legacy") as client:
                    await client.call_tool("get_status", {})
                    stays.set()
                    await left.wait()

        async with own_session(fresh, serving=Serving(Address(), True, urls.append)):
            staying = asyncio.create_task(stay())
            await stays.wait()
            ending = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - ending < STAYS_S
        left.set()
        await staying

    asyncio.run(asyncio.wait_for(run(), 4 * STAYS_S))
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("host", "named"), [("::1", "[::1]"), ("::", "[::1]"), ("::ffff:127.0.0.1", "[::ffff:127.0.0.1]")]
)
def test_an_address_of_the_newer_kind_is_announced_so_that_it_can_be_called(
    fresh: SessionFolder, host: str, named: str
) -> None:
    async def run() -> str:
        urls: list[str] = []
        address = Address(host=host, allowed=("localhost",))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(own_session(fresh, serving=Serving(address, True, urls.append)))
            client = await stack.enter_async_context(client_with(urls[0], access_to(fresh.access).read))
            assert not (await client.call_tool("get_status", {})).is_error
        return urls[0]

    assert asyncio.run(run()).startswith(f"http://{named}:")


def test_the_fixtures_have_no_page_of_the_session(fresh: SessionFolder) -> None:
    async def run() -> list[int]:
        urls: list[str] = []
        async with host_fixtures(fresh, Serving(Address(), False, urls.append)):
            headers = {"Authorization": f"Bearer {access_to(fresh.access).steer}"}
            async with httpx2.AsyncClient(trust_env=False, headers=headers) as http:
                page = urls[0].removesuffix("/mcp")
                note = {"action": "note", "by": "eve", "why": "so"}
                posted = await http.post(f"{page}/steer", data=note)
                return [(await http.get(f"{page}/")).status_code, posted.status_code]

    assert asyncio.run(run()) == [404, 404] and not fresh.steering.requests()


def test_an_address_beyond_this_machine_needs_its_name_and_a_taken_port_is_said(fresh: SessionFolder) -> None:
    async def at(address: Address) -> None:
        async with own_session(fresh, serving=Serving(address, True, lambda url: None)):
            raise AssertionError("served")

    with pytest.raises(SessionError, match="--allow-host"):
        asyncio.run(at(Address(host="0.0.0.0")))

    async def taken(url: str) -> None:
        port = int(url.split(":")[2].split("/", maxsplit=1)[0])
        with pytest.raises(SessionError, match="give another --port"):
            Address(port=port).listen()

    while_served(fresh, taken)
