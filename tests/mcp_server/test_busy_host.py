"""A host in the midst of something slow, a lock that another process has or a file that does not come, answers all others."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from proda_core.jobs.folder import JobFolder
from proda_core.locks import FileLock
from tests.sessions import (
    Bench,
    FinishedSession,
    as_it_was_before,
    client_of,
    copied,
    done,
    outcomes_of,
    records_of,
)

WITHIN_S = 10.0
ENDING = {"reason": "request", "detail": "enough"}


async def answers_meanwhile(client: Client, calling: asyncio.Task[Any]) -> None:
    """Others are answered while a call waits."""
    for _ in range(3):
        assert not (await client.call_tool("get_status", {})).is_error
    assert not calling.done()


@contextmanager
def in_time(free: Callable[[], None]) -> Iterator[None]:
    """``free`` at the end of the block, or after a while: a host that is stuck fails the test and does not hang it."""
    late = threading.Timer(WITHIN_S, free)
    late.start()
    try:
        yield
        assert late.is_alive()
    finally:
        late.cancel()
        free()


@pytest.mark.parametrize("tool", ["curate_corpus", "cancel_job", "finish_session"])
def test_a_job_that_is_locked_holds_up_nobody_else(bench: Bench, tmp_path: Path, tool: str) -> None:
    folder = bench.session(tmp_path)

    async def run() -> None:
        async with client_of(folder) as client:
            started = await client.call_tool("curate_corpus", {})
            job_id = started.structured_content["job_id"]
            lock = FileLock(JobFolder.of(folder.jobs, job_id).submit_lock)
            assert lock.acquire(wait=True)
            arguments = {"cancel_job": {"job_id": job_id}, "finish_session": ENDING}.get(tool, {})
            with in_time(lock.release):
                calling = asyncio.create_task(client.call_tool(tool, arguments))
                await answers_meanwhile(client, calling)
            assert not (await calling).is_error

    asyncio.run(run())


def test_a_look_at_the_session_that_takes_long_holds_up_nobody_else(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    as_it_was_before(records_of(folder, "observation")[0], folder)
    report = outcomes_of(folder, "evaluate_model")[0]["artifacts"]["report"]
    pipe = folder.store.path("report", report) / "manifest.json"
    manifest = pipe.read_bytes()
    pipe.unlink()
    os.mkfifo(pipe)
    freed = threading.Event()

    def feed() -> None:
        opened = os.open(pipe, os.O_WRONLY)  # once it is read
        freed.wait(WITHIN_S)
        pipe.unlink()
        pipe.write_bytes(manifest)
        os.write(opened, manifest)
        os.close(opened)

    async def run() -> None:
        async with client_of(folder) as client:
            feeding = asyncio.create_task(asyncio.to_thread(feed))
            calling = asyncio.create_task(done(client, "observe_session"))
            with in_time(freed.set):
                await answers_meanwhile(client, calling)
            assert (await calling)["key"] == "decision-0"
            await feeding

    asyncio.run(run())
