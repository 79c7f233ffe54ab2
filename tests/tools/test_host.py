"""What a host keeps between calls is made again as soon as the log has grown, or when it is old."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mcp_server.hosting import reading_host
from proda_core.clock import FakeClock
from proda_core.jobs import LocalExecutor
from proda_core.log import DecisionLog
from tests.sessions import Bench
from tools.base import NoArguments
from tools.get_status import get_status


def test_a_reader_sees_what_was_logged_since_and_a_view_is_made_once_for_each_head(
    bench: Bench, tmp_path: Path
) -> None:
    folder = bench.session(tmp_path)
    made: list[int] = []
    with DecisionLog(folder.decisions) as log:
        host = reading_host(folder)

        def view() -> int:
            made.append(len(host.records()))
            return made[-1]

        for count in (1, 2, 3):
            log.append("note", f"n{count}", {"count": count})
            assert len(host.records()) == count
            assert [host.at_head("view", view) for _ in range(3)] == [count] * 3
    assert made == [1, 2, 3]


def test_many_who_ask_what_a_session_does_share_one_look_at_its_job_for_a_quarter_of_a_second(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bench.session(tmp_path)
    looks: list[str] = []
    look = LocalExecutor.status
    monkeypatch.setattr(LocalExecutor, "status", lambda self, job: [looks.append(job), look(self, job)][1])
    with DecisionLog(folder.decisions) as log:
        host = reading_host(folder)
        host.clock = clock = FakeClock()

        def ask(times: int) -> int:
            for _ in range(times):
                asyncio.run(get_status(host, NoArguments()))
            return len(looks)

        log.append("intent", "o_1", {"tool": "curate_corpus", "job_id": "j_" + "1" * 16})
        assert ask(5) == 1
        clock.advance(0.2)
        assert ask(5) == 1
        clock.advance(0.05)
        assert ask(5) == 2
        log.append("note", "n1", {})
        assert ask(5) == 3  # whatever the log says is seen at once
        folder.stop_now()
        assert asyncio.run(get_status(host, NoArguments())).stop_requested  # so is what an operator asks
        assert len(looks) == 3
