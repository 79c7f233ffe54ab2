"""Callers that go while what they asked for is under way: it goes on to its end, and nothing is done beside it or cut off by it.

The call is judge_candidate, held in its act by a manifest that is a pipe: it is read once somebody writes to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, own_session
from proda_core.log import verify
from proda_core.session import SessionFolder
from tests.mcp_server.test_http import client_with
from tests.sessions import FinishedSession, as_it_was_before, copied, outcomes_of, records_of

LONGER_THAN_A_CALL_S = 1.0
WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Held:
    """A session about to judge, and the pipe that holds the verdict up."""

    folder: SessionFolder
    arguments: dict[str, Any]
    pipe: Path
    manifest: bytes

    async def begin(self, client: Client) -> int:
        """Call, and go once the call is at its work; the pipe's open end."""
        calling = asyncio.create_task(client.call_tool("judge_candidate", self.arguments))
        opened = await asyncio.wait_for(asyncio.to_thread(os.open, self.pipe, os.O_WRONLY), WITHIN_S)
        calling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await calling
        return opened

    def go_on(self, opened: int) -> None:
        """Let it read; the manifest is a file again for whoever reads it next."""
        self.pipe.unlink()
        self.pipe.write_bytes(self.manifest)
        os.write(opened, self.manifest)
        os.close(opened)


@pytest.fixture
def held(finished_session: FinishedSession, tmp_path: Path) -> Held:
    folder = copied(finished_session.folder, tmp_path)
    intent = next(r for r in records_of(folder, "intent") if r.body["tool"] == "judge_candidate")
    as_it_was_before(intent, folder)
    base, incumbent = (body["artifacts"]["report"] for body in outcomes_of(folder, "evaluate_model")[:2])
    pipe = folder.store.path("report", incumbent) / "manifest.json"
    manifest = pipe.read_bytes()
    pipe.unlink()
    os.mkfifo(pipe)
    assert base != incumbent
    return Held(folder, intent.body["arguments"], pipe, manifest)


async def is_under_way(task: asyncio.Task[Any]) -> bool:
    return not (await asyncio.wait({task}, timeout=LONGER_THAN_A_CALL_S))[0]


def test_a_change_whose_client_went_is_finished_before_the_next_begins(held: Held) -> None:
    async def run() -> None:
        urls: list[str] = []
        async with own_session(held.folder, serving=Serving(Address(), True, urls.append)):
            steer = access_to(held.folder.access).steer
            async with client_with(urls[0], steer) as client:
                opened = await held.begin(client)
                ending = {"reason": "request", "detail": "enough"}
                finishing = asyncio.create_task(client.call_tool("finish_session", ending))
                waits = await is_under_way(finishing)
                held.go_on(opened)
                assert not (await finishing).is_error and waits

    asyncio.run(asyncio.wait_for(run(), WITHIN_S))
    judged_once(held.folder)
    assert records_of(held.folder)[-1].body["event"] == "finished"


def test_a_host_that_ends_finishes_the_change_under_way_first(held: Held) -> None:
    async def host(begun: asyncio.Future[int]) -> None:
        async with own_session(held.folder) as server, Client(server) as client:
            begun.set_result(await held.begin(client))

    async def run() -> None:
        begun = asyncio.get_running_loop().create_future()
        ending = asyncio.create_task(host(begun))
        opened = await begun
        waits = await is_under_way(ending)
        held.go_on(opened)
        await ending
        assert waits

    asyncio.run(asyncio.wait_for(run(), WITHIN_S))
    judged_once(held.folder)


def judged_once(folder: SessionFolder) -> None:
    """The verdict stands in the log, once, and no call is open."""
    assert [r.body["ok"] for r in records_of(folder, "outcome") if r.body["tool"] == "judge_candidate"] == [
        True
    ]
    assert verify(folder.decisions, store=folder.store).ok
