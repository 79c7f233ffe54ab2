"""The ledger holds, spends once, counts only time a host was running, and is whole after a kill."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from proda_core.clock import FakeClock
from proda_core.config import BudgetConfig
from proda_core.errors import BudgetExhausted, LedgerError
from proda_core.ledger import Ledger, Resource, read_budget

LIMITS = BudgetConfig(wall_s=100, rounds=2, disk_bytes=1000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_reservation_holds_and_its_settling_spends(path: Path) -> None:
    with Ledger(path, LIMITS) as ledger:
        ledger.reserve("rounds", 1, "round-1")
        assert (ledger.budget().rounds.held, ledger.budget().rounds.used, ledger.left("rounds")) == (1, 0, 1)
        ledger.settle("rounds", "round-1", 1)
        assert (ledger.budget().rounds.held, ledger.budget().rounds.used, ledger.left("rounds")) == (0, 1, 1)


def test_the_same_key_is_paid_for_once_before_and_after_settling_and_across_a_reopening(path: Path) -> None:
    for _ in range(3):
        with Ledger(path, LIMITS) as ledger:
            ledger.reserve("rounds", 2, "both")
            ledger.reserve("rounds", 2, "both")
            ledger.settle("rounds", "both", 2)
            ledger.settle("rounds", "both", 1)
            assert ledger.left("rounds") == 0


def test_a_reservation_past_the_budget_is_refused_typed_and_holds_nothing(path: Path) -> None:
    with Ledger(path, LIMITS) as ledger:
        ledger.reserve("rounds", 2, "first")
        with pytest.raises(BudgetExhausted, match="rounds asked 1, left 0") as caught:
            ledger.reserve("rounds", 1, "second")
        assert caught.value.resource == "rounds"
        assert ledger.budget().rounds.held == 2
        ledger.release("rounds", "first")
        ledger.reserve("rounds", 1, "second")
        assert ledger.left("rounds") == 1


def test_wall_time_counts_while_a_host_runs_and_not_while_none_does(path: Path, clock: FakeClock) -> None:
    ledger = Ledger(path, LIMITS, clock=clock)
    clock.advance(10)
    ledger.tick()
    clock.advance(5)
    assert ledger.budget().wall_s.used == 15
    ledger.close()
    clock.advance(8 * 3600)
    with Ledger(path, LIMITS, clock=clock) as again:
        clock.advance(1)
        assert again.left("wall_s") == 84


def test_a_kill_loses_at_most_the_time_since_the_last_tick(path: Path, clock: FakeClock) -> None:
    ledger = Ledger(path, LIMITS, clock=clock)
    clock.advance(10)
    ledger.tick()
    clock.advance(4)
    ledger._db.close()  # as a killed process leaves it
    with Ledger(path, LIMITS, clock=clock) as again:
        assert again.budget().wall_s.used == 10


def test_what_a_log_record_says_was_spent_stays_spent_after_a_kill(path: Path, clock: FakeClock) -> None:
    ledger = Ledger(path, LIMITS, clock=clock)
    clock.advance(0.5)  # no tick yet
    said = ledger.budget_view()["wall_s"]["used"]
    ledger._db.close()  # as a killed process leaves it
    with Ledger(path, LIMITS, clock=clock) as again:
        assert again.budget().wall_s.used == said == 0.5


def test_settling_wall_time_frees_what_was_held_and_does_not_count_it_twice(
    path: Path, clock: FakeClock
) -> None:
    with Ledger(path, LIMITS, clock=clock) as ledger:
        ledger.reserve("wall_s", 40, "train")
        clock.advance(30)
        assert ledger.left("wall_s") == 30
        ledger.settle("wall_s", "train", 30)
        assert ledger.left("wall_s") == 70


def test_disk_is_the_measured_size_plus_what_is_held(path: Path) -> None:
    with Ledger(path, LIMITS) as ledger:
        ledger.measure("disk_bytes", 600)
        ledger.reserve("disk_bytes", 300, "adapter")
        assert ledger.left("disk_bytes") == 100
        ledger.measure("disk_bytes", 850)
        ledger.settle("disk_bytes", "adapter", 250)
        assert ledger.left("disk_bytes") == 150


def test_exhausted_names_the_resource_that_is_used_up(path: Path, clock: FakeClock) -> None:
    with Ledger(path, LIMITS, clock=clock) as ledger:
        ledger.reserve("rounds", 2, "held is not spent")
        assert ledger.budget().exhausted() is None
        clock.advance(100)
        assert ledger.budget().exhausted() is Resource.WALL_S


def test_unlimited_means_nothing_is_refused(path: Path) -> None:
    with Ledger(path, BudgetConfig(rounds=None, disk_bytes=None)) as ledger:
        ledger.reserve("rounds", 10**6, "many")
        assert ledger.left("rounds") is None
        assert ledger.budget().exhausted() is None


def test_a_raised_budget_holds_from_the_next_opening(path: Path) -> None:
    with Ledger(path, LIMITS) as ledger:
        ledger.reserve("rounds", 2, "all")
    with Ledger(path, BudgetConfig(rounds=3)) as ledger:
        assert ledger.left("rounds") == 1


def test_the_cost_of_a_round_is_the_wall_time_between_reserving_and_settling(
    path: Path, clock: FakeClock
) -> None:
    with Ledger(path, LIMITS, clock=clock) as ledger:
        assert ledger.round_cost_s() == 0
        for seconds, key in ((10, "one"), (20, "two")):
            ledger.reserve("rounds", 1, key)
            clock.advance(seconds)
            ledger.settle("rounds", key, 1)
        assert ledger.round_cost_s() == 15


def test_jobs_keep_when_they_were_first_submitted(path: Path, clock: FakeClock) -> None:
    with Ledger(path, LIMITS, clock=clock) as ledger:
        ledger.note_job("j_1", "train", state="running", attempts=1)
        clock.advance(60)
        ledger.note_job("j_1", "train", state="finished", attempts=2)
        (job,) = ledger.jobs()
    assert (job.state, job.attempts) == ("finished", 2)
    assert (job.first_submitted, job.last_submitted) == (
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:01:00.000Z",
    )


def test_a_reader_sees_the_budget_beside_a_running_host(path: Path, clock: FakeClock) -> None:
    with pytest.raises(LedgerError, match="not started"):
        read_budget(path)
    with Ledger(path, LIMITS, clock=clock) as ledger:
        clock.advance(3)
        ledger.tick()
        assert read_budget(path) == ledger.budget()


def test_a_view_for_the_log_is_plain_json(path: Path) -> None:
    with Ledger(path, LIMITS, clock=FakeClock()) as ledger:
        assert ledger.budget_view()["rounds"] == {"limit": 2.0, "used": 0.0, "held": 0.0}


@pytest.mark.parametrize("amount", [-1, math.nan])
def test_amounts_that_are_none_are_refused(path: Path, amount: float) -> None:
    with Ledger(path, LIMITS) as ledger, pytest.raises(LedgerError, match="0 or more"):
        ledger.reserve("rounds", amount, "x")


def test_unknown_resources_and_keys_are_refused(path: Path) -> None:
    with Ledger(path, LIMITS) as ledger:
        with pytest.raises(LedgerError, match="no resource 'tokens'"):
            ledger.left("tokens")
        with pytest.raises(LedgerError, match="reserve before"):
            ledger.settle("rounds", "never", 1)


def test_a_file_that_is_no_ledger_is_a_typed_error(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger(path, LIMITS)


def test_a_ledger_of_another_format_is_refused(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LedgerError, match="format 99"):
        Ledger(path, LIMITS)


def test_what_was_acknowledged_before_a_kill_is_there_after_it(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from proda_core.config import BudgetConfig;"
        "from proda_core.ledger import Ledger; ledger = Ledger(Path(sys.argv[1]), BudgetConfig(rounds=None))\n"
        "for n in range(10**6):\n"
        "    ledger.reserve('rounds', 1, f'r{n}'); print(n, flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        for _ in range(20):
            last = int(host.stdout.readline())
        os.kill(host.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in host.stdout if line.endswith("\n"))])
    with Ledger(path, BudgetConfig(rounds=None)) as ledger:
        assert ledger.budget().rounds.held - (last + 1) in (0, 1)  # one may be written and not yet told
