"""A worker that asks, killed three times in the middle of it and started again: what it paid is what the server charged."""

from __future__ import annotations

import json
import multiprocessing
import signal
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from tests.chat_server import ChatServer
from tests.proda_core.teachers.llm import asking_worker
from tests.proda_core.teachers.llm.asking import count_of, echo, spent_in

TASKS = 60
KILLS = (11, 28, 47)  # when these requests, of all the server gets, and those after them are under way
START_S = 120.0


def _worker(folder: Path, server: ChatServer) -> ForkServerProcess:
    """A process of its own that has imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([asking_worker.__name__])
    arguments = (str(folder), server.url, TASKS, server.knows_keys)
    worker = context.Process(target=asking_worker.ask_all, args=arguments)
    worker.start()
    return worker


def _killed_thrice(folder: Path, server: ChatServer) -> list[str]:
    """Start, kill while as many calls are under way as may be, three times; then let it end."""
    for at in KILLS:
        server.hold(at, asking_worker.AT_ONCE)
        worker = _worker(folder, server)
        assert server.wait_until_held(START_S)
        worker.kill()
        worker.join()
        assert worker.exitcode == -signal.SIGKILL
        server.release()
    worker = _worker(folder, server)
    worker.join(START_S)
    assert worker.exitcode == 0
    answers: list[str] = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return answers


@pytest.mark.parametrize("knows_keys", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_killed_three_times_no_call_is_paid_twice_and_the_journal_has_the_servers_count(
    tmp_path: Path, knows_keys: bool
) -> None:
    folder = tmp_path / "sessions" / "one"
    with ChatServer(echo, latency_s=0.02, knows_keys=knows_keys) as server:
        assert _killed_thrice(folder, server) == [f"word{number}" for number in range(TASKS)]
        spent = spent_in(folder)
        charged = [one.key for one in server.charged]
        assert len(set(charged)) == TASKS == spent.calls
        assert spent.held == 0
        if knows_keys:
            assert len(charged) == TASKS  # no key is charged twice, whenever the kill came
            assert spent.spent == pytest.approx(count_of(server), abs=1e-12)
            assert (spent.input_tokens, spent.output_tokens) == server.tokens
        else:  # only what was under way at a kill may be charged twice, and the journal counts it in full
            assert TASKS < len(charged) <= TASKS + spent.unknown
            assert spent.spent >= count_of(server)
        assert spent.unknown == asking_worker.AT_ONCE * len(KILLS)
