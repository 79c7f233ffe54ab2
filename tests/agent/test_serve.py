"""The host alone: it serves until STOP or a signal, says in the log why it ended, and leaves no job of its clients running."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mcp import Client
from rich.console import Console

from agent.drive import STOPPED_SERVING, serve
from mcp_server.access import access_to
from mcp_server.hosting import Address
from mcp_server.http import url_of_host
from proda_core.jobs import JobState, LocalExecutor
from proda_core.log import verify
from proda_core.session import SessionFolder
from tests.mcp_server.test_http import client_with
from tests.sessions import Bench, done, outcomes_of, records_of

_LOOK_S = 0.05
_DEADLINE_S = 120.0


@pytest.fixture
def fresh(bench: Bench, tmp_path: Path) -> SessionFolder:
    return bench.session(tmp_path)


def while_serving(folder: SessionFolder, act: Callable[[Client], Awaitable[None]]) -> str:
    """Serve as the command does, in the main thread; ``act`` on a client beside it, which has to end it. What was printed."""

    async def beside() -> None:
        async with asyncio.timeout(_DEADLINE_S):
            while not url_of_host(folder):
                await asyncio.sleep(_LOOK_S)
            async with client_with(url_of_host(folder), access_to(folder.access).steer) as client:
                await act(client)

    printed = io.StringIO()
    with ThreadPoolExecutor(1) as threads:
        acted = threads.submit(lambda: asyncio.run(beside()))
        # where it failed, nothing else would end the serving
        acted.add_done_callback(lambda one: folder.stop_now() if one.exception() else None)
        serve(folder, Console(file=printed, width=200), Address())
        acted.result()
    return printed.getvalue()


async def start_extracting(client: Client) -> str:
    await done(client, "curate_corpus")
    started = await client.call_tool("extract_knowledge", {})
    assert started.structured_content and started.structured_content["state"] == "running"
    return str(started.structured_content["job_id"])


def test_stop_ends_the_host_and_its_clients_jobs_and_serving_again_goes_on(fresh: SessionFolder) -> None:
    jobs: list[str] = []

    async def stop(client: Client) -> None:
        jobs.append(await start_extracting(client))
        fresh.stop_now()

    assert "no longer served" in while_serving(fresh, stop)
    executor = LocalExecutor(fresh.root)
    assert executor.status(jobs[0]).state is JobState.CANCELLED
    last = records_of(fresh)[-1]
    assert (last.kind, last.body["stop_reason"], last.body["detail"]) == (
        "session",
        "request",
        STOPPED_SERVING,
    )
    assert verify(fresh.decisions, fresh.store).ok and not fresh.serving.exists()

    async def again(client: Client) -> None:
        assert (await done(client, "get_status"))["stop_requested"] is False
        assert (await done(client, "extract_knowledge"))["state"] == "finished"
        fresh.stop_now()

    while_serving(fresh, again)
    assert len(outcomes_of(fresh, "extract_knowledge")) == 1


def test_a_signal_ends_the_host_and_its_clients_jobs_and_the_session_has_not_stopped(
    fresh: SessionFolder,
) -> None:
    jobs: list[str] = []

    async def terminate(client: Client) -> None:
        jobs.append(await start_extracting(client))
        os.kill(os.getpid(), signal.SIGTERM)

    while_serving(fresh, terminate)
    assert LocalExecutor(fresh.root).status(jobs[0]).state is JobState.CANCELLED
    assert all("stop_reason" not in record.body for record in records_of(fresh, "session"))
    assert records_of(fresh)[-1].kind == "intent"  # the next host, or the same call, goes on with it
