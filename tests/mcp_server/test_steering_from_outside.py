"""A session that runs in its own process, steered by a second client over HTTP: at the next decision, by name and with a reason.

The session goes on from the finished one's jobs up to V1's scores, so that its first decision is still one job away when the
client comes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from agent.exit_codes import EXIT_CODES
from mcp_server.access import access_to
from mcp_server.http import url_of_host
from proda_core.log import Record, verify
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.mcp_server.test_http import client_with
from tests.sessions import Bench, FinishedSession, decisions_of, done, outcomes_of, proda, records_of, seeded

pytestmark = pytest.mark.slow
_DEADLINE_S = 300.0
_LOOK_S = 0.05
Steer = Callable[..., Awaitable[str]]


@pytest.fixture
def before_diagnosis(bench: Bench, finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    intents = records_of(finished_session.folder, "intent")
    diagnosis = next(r.body["job_id"] for r in intents if r.body["tool"] == "diagnose_failures")
    return seeded(bench.session(tmp_path), finished_session.folder, but=diagnosis)


def test_pause_budget_and_veto_from_a_second_client_hold_at_the_next_decision_with_who_and_why(
    before_diagnosis: SessionFolder,
) -> None:
    folder = before_diagnosis

    async def act(client: Client, steer: Steer) -> None:
        paused = await steer("pause", by="ann", why="let me look first")
        await until(lambda: paused in keys(folder))
        view = await done(client, "get_status")
        assert view["paused"] == "ann: let me look first"
        asked = [
            await steer("budget", by="ann", why="it may go on", rounds=3),
            await steer("veto", by="bob", why="not today", option="patch"),
        ]
        await until(lambda: set(asked) <= set(keys(folder)))  # taken while it waits, and nothing decided yet
        assert decisions_of(folder) == []
        asked.append(await steer("resume", by="ann", why="seen"))
        await until(lambda: decisions_of(folder) != [])
        assert set(asked) <= set(keys(folder))

    assert steered(folder, act) == EXIT_CODES[StopReason.REQUEST]
    (decision,) = decisions_of(folder)
    assert decision["chosen_by"] == "operator" and "bob: not today" in decision["reason"]
    said = [(r.body["kind"], r.body["by"], r.body["why"]) for r in records_of(folder, "steering")]
    assert said == [
        ("pause", "ann", "let me look first"),
        ("budget", "ann", "it may go on"),
        ("veto", "bob", "not today"),
        ("resume", "ann", "seen"),
    ]
    (record,) = records_of(folder, "decision")
    assert record.budget is not None and record.budget["rounds"]["limit"] == 3
    assert SessionFolder.open(folder.root).config.budget.rounds == 3


def test_a_budget_from_a_second_client_is_what_the_session_goes_by(
    before_diagnosis: SessionFolder, finished_session: FinishedSession
) -> None:
    """Of one round as it was made, which ended it; steered to two, it decides once more and trains once more."""
    folder = before_diagnosis

    async def act(client: Client, steer: Steer) -> None:
        await steer("budget", by="ann", why="one round more", rounds=2)

    # a second rejection in a row would be a plateau before it is a budget that ran out
    assert steered(folder, act) in (EXIT_CODES[StopReason.BUDGET_ROUNDS], EXIT_CODES[StopReason.PLATEAU])
    sessions = (finished_session.folder, folder)
    assert [len(outcomes_of(one, "train_adapter")) for one in sessions] == [2, 3]
    assert [len(decisions_of(one)) for one in sessions] == [2, 3]
    last = records_of(folder, "decision")[-1].budget
    assert last is not None and (last["rounds"]["limit"], last["rounds"]["used"]) == (2, 2)


def test_a_stop_from_a_second_client_lets_what_runs_finish_and_is_the_next_decision(
    before_diagnosis: SessionFolder,
) -> None:
    folder = before_diagnosis

    async def act(client: Client, steer: Steer) -> None:
        asked = await steer("stop", by="ann", why="the machine is needed")
        assert asked not in keys(folder)

    assert steered(folder, act) == EXIT_CODES[StopReason.REQUEST]
    diagnosed, stop, _seen, decided, _end = records_of(folder)[-5:]
    assert (diagnosed.body["tool"], diagnosed.body["ok"]) == ("diagnose_failures", True)
    assert (stop.body["kind"], stop.body["by"], stop.body["why"]) == ("stop", "ann", "the machine is needed")
    assert (decided.kind, decided.body["decision"]["stop_reason"]) == ("decision", "request")


def steered(folder: SessionFolder, act: Callable[[Client, Steer], Awaitable[None]]) -> int:
    """Run the session in its own process, ``act`` on a client while it diagnoses V1; the process's exit code."""

    async def run() -> None:
        await until(lambda: any(r.body["tool"] == "diagnose_failures" for r in intents(folder)))
        async with client_with(url_of_host(folder), access_to(folder.access).steer) as client:

            async def steer(action: str, **said: Any) -> str:
                return str((await done(client, "steer_session", action=action, **said))["request_id"])

            await act(client, steer)

    host = proda("resume", str(folder.root), "--serve", cwd=folder.root)
    try:
        asyncio.run(run())
        _, said = host.communicate(timeout=_DEADLINE_S)
    finally:
        host.kill()
        host.communicate()
    report = verify(folder.decisions)
    assert report.ok, (report.problems, said)
    return host.returncode


def intents(folder: SessionFolder) -> list[Record]:
    return records_of(folder, "intent") if folder.decisions.exists() else []


def keys(folder: SessionFolder) -> list[str]:
    """What was taken from the inbox into the log, in order."""
    return [record.key for record in records_of(folder, "steering")]


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(_LOOK_S)
