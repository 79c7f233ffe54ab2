"""The one place where the agent meets its host: sessions found or created, and a ToolClient connected to one.

``owned`` holds the session's lock and may change it; ``reading`` holds nothing and works beside a running host, ``looking``
cannot even steer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.client import ToolClient
from mcp_server.auditing import (
    attest_session,
    check_foreign_files,
    check_leaks,
    hand_on_adapters,
    signing_key,
    verify_session,
    write_eval_logs,
    write_session_trace,
)
from mcp_server.benching import (
    RECIPES,
    Sizes,
    bench_faults,
    bench_repair,
    write_fault_figures,
    write_figures,
)
from mcp_server.benching_verdict import bench_verdict
from mcp_server.bundle import write_bundle
from mcp_server.clients import (
    ClientName,
    Place,
    configuration_file,
    plan_change,
    server_entry,
    starting_command,
)
from mcp_server.hosting import (
    Address,
    RunEstimate,
    Serving,
    create_session,
    estimate_run,
    host_fixtures,
    own_session,
    page_links,
    read_session,
    session_name,
    write_report,
)
from mcp_server.killing import bench_kills
from mcp_server.merging import merge_round
from mcp_server.page.gather import whole_report
from mcp_server.redteaming import red_team, red_team_files, small_session
from mcp_server.stdio import serve_stdio
from proda_core.doctor import examine as examine_machine
from proda_core.session import SessionFolder

__all__ = [
    "RECIPES",
    "Address",
    "ClientName",
    "Place",
    "RunEstimate",
    "Serving",
    "Sizes",
    "attest_session",
    "bench_faults",
    "bench_kills",
    "bench_repair",
    "bench_verdict",
    "check_foreign_files",
    "check_leaks",
    "configuration_file",
    "create_session",
    "estimate_run",
    "examine_machine",
    "hand_on_adapters",
    "host_fixtures",
    "looking",
    "merge_round",
    "owned",
    "page_links",
    "plan_change",
    "reading",
    "red_team",
    "red_team_files",
    "serve_stdio",
    "server_entry",
    "session_name",
    "signing_key",
    "small_session",
    "starting_command",
    "verify_session",
    "whole_report",
    "write_bundle",
    "write_eval_logs",
    "write_fault_figures",
    "write_figures",
    "write_report",
    "write_session_trace",
]


@asynccontextmanager
async def owned(folder: SessionFolder, *, serving: Serving | None = None) -> AsyncIterator[ToolClient]:
    """A client on the in-memory server of a host that owns the session; ``serving`` opens it to others over HTTP as well."""
    async with own_session(folder, serving=serving) as server, ToolClient(server) as client:
        yield client


@asynccontextmanager
async def reading(folder: SessionFolder) -> AsyncIterator[ToolClient]:
    """A client on a reader of the session."""
    async with read_session(folder) as server, ToolClient(server) as client:
        yield client


@asynccontextmanager
async def looking(folder: SessionFolder) -> AsyncIterator[ToolClient]:
    """A client on a reader of the session whose server has no tool but those that read."""
    async with read_session(folder, steers=False) as server, ToolClient(server) as client:
        yield client
