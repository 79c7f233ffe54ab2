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
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_diagnoses
from proda_core.session import SessionFolder
from tests.interop.running import Node, Served, program, serving
from tests.mcp_server.test_http import client_with
from tests.mcp_server.test_server import VALID
from tests.sessions import FinishedSession, copied, outcomes_of, records_of
from tools.registry import TOOLS

pytestmark = pytest.mark.interop
ERAS = ("legacy", "modern")
ERROR_RESULT = 5
FAIL = {"train_adapter", "diagnose_failures", "write_patch", "judge_candidate"}
"""Tools that are asked for what is not there, so that failures are seen too; all others have to succeed."""
STILL = {tool.name for tool in TOOLS if tool.scope == "read"} - {
    "get_status",
    "report_session",
    "show_budget",
    "verify_log",
    "replay_session",
}
"""Tools whose answers hold neither the time nor what was called before."""
READING = [tool.name for tool in TOOLS if tool.scope != "work"]
ALL = [tool.name for tool in TOOLS]


@dataclass(frozen=True, slots=True)
class Target:
    """A finished session, the ``proda`` that clients start, where it is served if it is, and the era it is called in."""

    folder: SessionFolder
    proda: Path
    served: Served | None
    era: str

    def options(self) -> list[str]:
        """The inspector's options for it, the command last."""
        if self.served is None:
            return ["--transport", "stdio", "--", str(self.proda), "mcp", str(self.folder.root)]
        token = f"Authorization: Bearer {self.served.access.steer}"
        return ["--transport", "http", "--server-url", self.served.url, "--header", token]

    def tools(self) -> list[str]:
        return READING if self.served is None else ALL

    async def ask(self, calls: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """What the SDK's client is told."""
        mode = {"legacy": "legacy", "modern": "auto"}[self.era]
        if self.served is not None:
            async with client_with(self.served.url, self.served.access.steer, mode) as client:
                return {name: await client.call_tool(name, arguments) for name, arguments in calls.items()}
        command = StdioServerParameters(command=str(self.proda), args=["mcp", str(self.folder.root)])
        async with Client(command, mode=mode) as client:
            return {name: await client.call_tool(name, arguments) for name, arguments in calls.items()}


@pytest.fixture(
    scope="module", params=[(way, era) for way in ("http", "stdio") for era in ERAS], ids="-".join
)
def target(
    request: pytest.FixtureRequest,
    finished_session: FinishedSession,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Target]:
    """A copy of the finished session for each way and era: a served one, or one that nobody serves."""
    way, era = request.param
    home = tmp_path_factory.mktemp("inspected")
    folder, proda = copied(finished_session.folder, home), program(home)
    if way == "stdio":
        yield Target(folder, proda, None, era)
        return
    with serving(folder) as served:
        yield Target(folder, proda, served, era)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    found = Node(tmp_path)
    yield found
    found.run("mcpdo", "daemon", "stop")


def calls_on(target: Target) -> dict[str, dict[str, Any]]:
    """A call of every tool that is offered: about what the session holds, but for FAIL. finish_session comes last."""
    folder = target.folder
    diagnosis_id = outcomes_of(folder, "diagnose_failures")[0]["artifacts"]["diagnosis"]
    item_id = load_diagnoses(folder.store, diagnosis_id)[0].item_id
    snapshot_id = outcomes_of(folder, "extract_knowledge")[0]["artifacts"]["snapshot"]
    snapshot = load_snapshot(folder.store, snapshot_id)
    start, *_, end = next(iter(snapshot.chains.values())).concept_ids
    job_id = next(record.body["job_id"] for record in records_of(folder, "intent") if "job_id" in record.body)
    known: dict[str, dict[str, Any]] = {
        "show_item": {"id": item_id},
        "explain_result": {"id": f"V1:{item_id}", "first": 0},
        "map_failure": {"item_id": item_id, "round": 1},
        "show_mastery": {"term": start, "round": 1, "first": 0},
        "show_repairs": {"first": 0},
        "trace_source": {"id": start},
        "show_concept": {"term": start},
        "find_path": {"start": start, "end": end},
        "wait_for_job": {"job_id": job_id},
        "cancel_job": {"job_id": job_id},
    }
    order = sorted(target.tools(), key=lambda name: name == "finish_session")
    return {name: known.get(name, VALID.get(name, {})) for name in order}


def test_the_inspector_lists_every_tool_and_finds_no_fault_with_a_schema(target: Target, node: Node) -> None:
    options = ("--cli", "--format", "json", "-q", "--stored-auth-only", "--protocol-era", target.era)
    ran = node.run("mcp-inspector", *options, "--method", "tools/list", "--strict", *target.options())
    assert ran.returncode == 0, ran.stderr
    assert [tool["name"] for tool in json.loads(ran.stdout)["result"]["tools"]] == target.tools()


def test_the_inspector_calls_every_tool_and_shows_what_it_answered(target: Target, node: Node) -> None:
    connected = node.run("mcpdo", "connect", "@it", "--era", target.era, *target.options())
    assert connected.returncode == 0, connected.stdout + connected.stderr
    assert f"Era: {target.era}" in connected.stdout
    calls, seen = calls_on(target), {}
    for name, arguments in calls.items():
        called = ("--connection", "it", "tools/call", name, json.dumps(arguments))
        ran = node.run("mcpdo", "--format", "json", *called)
        answer = json.loads(ran.stdout)
        assert ran.returncode == (ERROR_RESULT if answer["isError"] else 0), ran.stderr
        seen[name] = answer
    told = asyncio.run(target.ask(calls))
    failed = {name: answer["structuredContent"] for name, answer in seen.items() if answer["isError"]}
    assert failed.keys() == FAIL & calls.keys()
    refused = {name: answer.structured_content for name, answer in told.items() if answer.is_error}
    assert failed == refused
    for name, body in failed.items():
        assert issubclass(getattr(errors, body["error"]["type"]), errors.ProdaError)
        assert body["error"]["message"] == seen[name]["content"][0]["text"]
    for name in STILL:
        assert seen[name]["structuredContent"] == told[name].structured_content, name
