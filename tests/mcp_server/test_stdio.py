"""A session on standard input and output: what a client that starts its servers itself sees, in both protocol eras."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from mcp_server.hosting import Address, Serving, own_session
from proda_core.artifacts import write_atomic
from proda_core.errors import SessionError
from proda_core.session import SessionFolder
from tests.mcp_server.noisy_stdio import NOISE
from tests.sessions import REPOSITORY, Bench, FinishedSession, copied, records_of, tree, with_client
from tools.registry import TOOLS

OTHERS = json.dumps({"read": "r" * 43, "steer": "s" * 43}).encode()
COMMAND = [sys.executable, "-c", "from agent.cli.main import main; main()", "mcp"]


@pytest.fixture
def fresh(bench: Bench, tmp_path: Path) -> SessionFolder:
    return bench.session(tmp_path)


def line(method: str, number: int | None = None, **params: object) -> str:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(message if number is None else {**message, "id": number}) + "\n"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_lists_and_calls_the_reading_tools_over_stdio_and_nothing_changes(
    finished_session: FinishedSession, tmp_path: Path, mode: str
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    before = tree(folder.root)

    async def ask() -> None:
        server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], str(folder.root)])
        async with Client(server, mode=mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == [tool.name for tool in TOOLS if tool.scope != "work"]
            for name in ("get_status", "report_session", "graph_stats"):
                result = await client.call_tool(name, {})
                assert not result.is_error and result.structured_content

    asyncio.run(ask())
    assert tree(folder.root) == before


def test_only_protocol_messages_reach_standard_output_whatever_is_sent_and_whatever_tools_print(
    fresh: SessionFolder,
) -> None:
    with_client(fresh, lambda client: client.call_tool("get_status", {}))
    info = {"name": "test", "version": "0"}
    said = "".join(
        (
            "{not json\n",
            line("initialize", 1, protocolVersion="2025-11-25", capabilities={}, clientInfo=info),
            line("notifications/initialized"),
            line("tools/call", 2, name="get_status", arguments={}),
            line("tools/call", 3, name="get_status", arguments={"surprise": 1}),
            line("tools/call", 4, name="no_such_tool", arguments={}),
        )
    )
    command = [sys.executable, "-m", "tests.mcp_server.noisy_stdio", str(fresh.root)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as ran:
        assert ran.stdin and ran.stdout and ran.stderr
        ran.stdin.write(said)
        ran.stdin.flush()
        messages: list[dict[str, Any]] = []
        while not {one.get("id") for one in messages} >= {1, 2, 3, 4}:
            messages.append(json.loads(ran.stdout.readline()))
        ran.stdin.close()
        messages += [json.loads(rest) for rest in ran.stdout]
        heard = ran.stderr.read()
    assert ran.returncode == 0
    assert [one for one in messages if one["jsonrpc"] != "2.0"] == []
    assert [noise for noise in NOISE if noise not in heard] == []
    answered = {one["id"]: one for one in messages if "id" in one}
    assert answered[2]["result"]["structuredContent"]["session"] == fresh.name
    assert answered[3]["result"]["isError"] and "error" in answered[4]


@pytest.mark.parametrize(
    ("file", "holds", "why"),
    [
        (None, "", "no session is called 'none'"),
        ("session.toml", "[session", "session.toml of small-"),
    ],
)
def test_a_start_that_fails_says_why_on_standard_error_and_nothing_on_standard_output(
    fresh: SessionFolder, file: str | None, holds: str, why: str
) -> None:
    name = "none" if file is None else fresh.name
    if file is not None:
        (fresh.root / file).write_text(holds)
    ran = subprocess.run(
        [*COMMAND, name, "--sessions", str(fresh.root.parent)],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == SessionError.exit_code
    assert ran.stdout == "" and why in ran.stderr and "Traceback" not in ran.stderr


def test_a_session_whose_log_was_damaged_is_served_and_each_call_says_so(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    first, second, *rest = folder.decisions.read_bytes().splitlines(keepends=True)
    folder.decisions.write_bytes(b"".join((first, second.replace(b'"seq":2', b'"seq":7'), *rest)))

    async def ask() -> None:
        server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], str(folder.root)])
        async with Client(server) as client:
            assert (await client.list_tools()).tools
            for name in ("get_status", "report_session"):
                answer = await client.call_tool(name, {})
                assert answer.is_error and answer.structured_content
                error = answer.structured_content["error"]
                assert error["type"] == "LedgerError" and "record 2 (line 2)" in error["message"]
            checked = await client.call_tool("verify_log", {})
            assert checked.structured_content and checked.structured_content["integrity"] != "intact"

    asyncio.run(ask())


def test_calls_go_on_to_the_host_that_serves_the_session_and_to_the_folder_when_it_is_gone(
    fresh: SessionFolder,
) -> None:
    async def ask() -> None:
        server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], str(fresh.root)])
        async with Client(server) as client:
            async with own_session(fresh, serving=Serving(Address(), True, lambda url: None)):
                assert [tool.name for tool in (await client.list_tools()).tools] == [
                    tool.name for tool in TOOLS
                ]
                started = await client.call_tool("curate_corpus", {})
                assert not started.is_error
                fresh.access.chmod(0o644)
                refused = await client.call_tool("get_status", {})
                assert refused.is_error and refused.structured_content
                assert "read by others" in refused.structured_content["error"]["message"]
                assert (await client.list_tools()).tools
                fresh.access.chmod(0o600)
                tokens = fresh.access.read_bytes()
                for kept, said in ((b"", "is gone"), (OTHERS, "refuses the tokens")):
                    fresh.access.unlink()
                    if kept:
                        write_atomic(fresh.access, kept, mode=0o600)
                    refused = await client.call_tool("get_status", {})
                    assert refused.is_error and refused.structured_content
                    assert said in refused.structured_content["error"]["message"]
                    assert fresh.access.exists() is bool(kept)
                    write_atomic(fresh.access, tokens, mode=0o600)
                stale = fresh.serving.read_bytes()
            fresh.serving.write_bytes(stale)  # as a host that was killed leaves it
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == [tool.name for tool in TOOLS if tool.scope != "work"]

    asyncio.run(ask())
    assert records_of(fresh, "intent")[0].body["tool"] == "curate_corpus"
