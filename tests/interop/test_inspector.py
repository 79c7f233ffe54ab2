"""The protocol's inspector against a session: every tool listed and called, over HTTP and standard input, in both eras.

What it shows of each call is held to what the SDK's own client is told by the same server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from proda_core import errors
from proda_core.session import SessionFolder
from tests.interop.running import Node, Served, program, serving
from tests.mcp_server.test_http import client_with
from tests.mcp_server.test_server import VALID
from tests.sessions import Bench
from tools.registry import TOOLS

pytestmark = pytest.mark.interop
ERAS = ("legacy", "modern")
ERROR_RESULT = 5
SUCCEED = {"get_status", "report_session", "verify_log", "steer_session"}
READING = [tool.name for tool in TOOLS if tool.scope != "work"]
ALL = [tool.name for tool in TOOLS]


@dataclass(frozen=True, slots=True)
class Target:
    """A session, the ``proda`` that clients start, and where it is served if it is."""

    folder: SessionFolder
    proda: Path
    served: Served | None

    def options(self) -> list[str]:
        """The inspector's options for it, the command last."""
        if self.served is None:
            return ["--transport", "stdio", "--", str(self.proda), "mcp", str(self.folder.root)]
        token = f"Authorization: Bearer {self.served.access.steer}"
        return ["--transport", "http", "--server-url", self.served.url, "--header", token]

    def tools(self) -> list[str]:
        return READING if self.served is None else ALL

    async def ask(self, calls: dict[str, dict[str, Any]], mode: str) -> dict[str, Any]:
        """What the SDK's client is told."""
        if self.served is not None:
            async with client_with(self.served.url, self.served.access.steer, mode) as client:
                return {name: await client.call_tool(name, arguments) for name, arguments in calls.items()}
        command = StdioServerParameters(command=str(self.proda), args=["mcp", str(self.folder.root)])
        async with Client(command, mode=mode) as client:
            return {name: await client.call_tool(name, arguments) for name, arguments in calls.items()}


@pytest.fixture(scope="module", params=["http", "stdio"])
def target(
    request: pytest.FixtureRequest, bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A session in which nothing was done: a served one, and one that nobody serves."""
    home = tmp_path_factory.mktemp("inspected")
    folder, proda = bench.session(home / "sessions"), program(home)
    with serving(folder) as served:
        if request.param == "http":
            yield Target(folder, proda, served)
    if request.param == "stdio":
        yield Target(folder, proda, None)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    found = Node(tmp_path)
    yield found
    found.run("mcpdo", "daemon", "stop")


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_lists_every_tool_and_finds_no_fault_with_a_schema(
    target: Target, node: Node, era: str
) -> None:
    options = ("--cli", "--format", "json", "-q", "--stored-auth-only", "--protocol-era", era)
    ran = node.run("mcp-inspector", *options, "--method", "tools/list", "--strict", *target.options())
    assert ran.returncode == 0, ran.stderr
    assert [tool["name"] for tool in json.loads(ran.stdout)["result"]["tools"]] == target.tools()


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_calls_every_tool_and_shows_what_it_answered(
    target: Target, node: Node, era: str
) -> None:
    connected = node.run("mcpdo", "connect", "@it", "--era", era, *target.options())
    assert connected.returncode == 0 and f"Era: {era}" in connected.stdout, (
        connected.stdout + connected.stderr
    )
    calls = {
        name: VALID.get(name, {})
        for name in sorted(target.tools(), key=lambda name: name == "finish_session")
    }
    seen = {}
    for name, arguments in calls.items():
        called = ("--connection", "it", "tools/call", name, json.dumps(arguments))
        ran = node.run("mcpdo", "--format", "json", *called)
        answer = json.loads(ran.stdout)
        assert ran.returncode == (ERROR_RESULT if answer["isError"] else 0), ran.stderr
        seen[name] = answer
    told = asyncio.run(target.ask(calls, {"legacy": "legacy", "modern": "auto"}[era]))
    failed = {name for name, answer in seen.items() if answer["isError"]}
    refused = {name for name, answer in told.items() if answer.is_error}
    assert refused <= failed and not failed & SUCCEED
    assert (
        failed == refused or target.served is not None
    )  # a host's jobs go on meanwhile: later, more can be done
    for name in failed:
        error = seen[name]["structuredContent"]["error"]
        assert issubclass(getattr(errors, error["type"]), errors.ProdaError)
        assert error["message"] == seen[name]["content"][0]["text"]
        if target.served is None:
            assert error == told[name].structured_content["error"]
