"""A host whose disk is full for a while: it counts the time once it can; its end leaves no job running, whatever else fails."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client

from proda_core.errors import LedgerError
from proda_core.jobs import JobState, LocalExecutor
from proda_core.ledger import read_budget
from proda_core.session import SessionFolder
from tests.sessions import Bench, client_of, done

WITHIN_S = 20.0
FULL = (
    "CREATE TRIGGER full BEFORE UPDATE ON meters WHEN NEW.resource = 'wall_s' AND NEW.used > OLD.used "
    "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
)


@pytest.fixture
def fresh(bench: Bench, tmp_path: Path) -> SessionFolder:
    """A session in which nothing was done yet."""
    return bench.session(tmp_path)


@contextlib.contextmanager
def database(folder: SessionFolder) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(folder.ledger)) as opened, opened:
        yield opened


async def ticks_fail(folder: SessionFolder, client: Client) -> None:
    """From now on no tick can be written; one at least has failed when this returns."""
    with database(folder) as ledger:
        ledger.execute(FULL)
    await done(client, "curate_corpus")  # a process of its own: it takes longer than a tick


def test_time_that_could_not_be_written_is_counted_when_it_can_be(fresh: SessionFolder) -> None:
    async def run() -> float:
        async with client_of(fresh) as client:
            began = asyncio.get_running_loop().time()
            await ticks_fail(fresh, client)
            passed = asyncio.get_running_loop().time() - began
            with database(fresh) as ledger:
                ledger.execute("DROP TRIGGER full")
            async with asyncio.timeout(WITHIN_S):
                while read_budget(fresh.ledger).wall_s.used < passed:
                    await client.call_tool("get_status", {})
            return passed

    assert asyncio.run(run()) > 0


def test_a_host_that_cannot_write_its_time_still_ends_its_jobs(fresh: SessionFolder) -> None:
    async def run() -> None:
        async with client_of(fresh) as client:
            await ticks_fail(fresh, client)
            assert not (await client.call_tool("extract_knowledge", {})).is_error

    with pytest.raises(LedgerError, match="disk is full"):
        asyncio.run(run())
    states = {job.kind: job.state for job in LocalExecutor(fresh.root).list()}
    assert states == {"curate": JobState.FINISHED, "extract": JobState.CANCELLED}
