"""Kills at write boundaries and at random, as `proda bench kills` does them: a sample, and what holds the sample to its word."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evals.kills import Campaign, Life, Tally, differences
from evals.kills.copies import copy_session
from evals.kills.shim import Orders, build_shim
from proda_core.errors import ArtifactError, SessionError
from tests.sessions import Bench, FinishedSession, copied, records_of, run_to_end

HOST = "agent.drive:resume_here"
_WRITES = """
import os, sys
folder = sys.argv[1]
for number in range(3):
    with open(os.path.join(folder, "a.txt"), "ab", 0) as handle:
        handle.write(b"0123456789")
os.rename(os.path.join(folder, "a.txt"), os.path.join(folder, "b.txt"))
"""


def written(shim: Path, folder: Path, orders: Orders) -> int:
    """Run a process that writes three times and renames, under the orders that are out; how it ended."""
    folder.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        **orders.environment(folder),
        "LD_PRELOAD": str(shim),
        "PRODA_KILL_ROLE": "host",
    }
    return subprocess.run(
        [sys.executable, "-c", _WRITES, str(folder)], env=environment, check=False
    ).returncode


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


def test_a_process_dies_at_the_boundary_that_was_ordered_and_leaves_what_was_written_before(
    shim: Path, tmp_path: Path
) -> None:
    # the boundaries of one writing: open, write, torn; three times, and the rename before and after
    for number, left in (
        (1, None),
        (2, b""),
        (3, b"01234"),
        (5, b"0123456789"),
        (9, b"0123456789" * 2 + b"01234"),
    ):
        orders, folder = Orders(tmp_path / f"orders{number}"), tmp_path / str(number)
        orders.give("host", number)
        assert written(shim, folder, orders) == -signal.SIGKILL
        path = folder / "a.txt"
        assert (path.read_bytes() if path.exists() else None) == left
        assert not orders.out() and len(orders.hits()) == 1


def test_each_kind_of_boundary_is_died_at_once_and_then_no_more(shim: Path, tmp_path: Path) -> None:
    orders, ends = Orders(tmp_path / "orders"), []
    for number in range(8):
        orders.give("host", 0)
        ends.append(written(shim, tmp_path / str(number), orders))
    assert ends == [-signal.SIGKILL] * 5 + [0] * 3
    assert orders.hits() == [
        "host open a.txt",
        "host write a.txt",
        "host torn a.txt",
        "host rename b.txt",
        "host renamed b.txt",
    ]


def test_nobody_dies_without_an_order_or_of_one_for_somebody_else(shim: Path, tmp_path: Path) -> None:
    orders = Orders(tmp_path / "orders")
    assert written(shim, tmp_path / "1", orders) == 0
    orders.give("worker", 1)
    assert written(shim, tmp_path / "2", orders) == 0
    assert orders.out() and orders.withdraw() and orders.hits() == []


def test_the_product_knows_nothing_of_what_kills_it() -> None:
    assert not [name for name in os.environ if name.startswith("PRODA_KILL_")]
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert "shim.so" not in maps
    root = Path(__file__).parents[3]
    for package in ("agent", "mcp_server", "tools", "proda_core"):
        naming = [p for p in (root / package).rglob("*.py") if "PRODA_KILL" in p.read_text(encoding="utf-8")]
        assert naming == []


def test_a_tally_adds_up_goes_on_and_leaves_out_a_line_that_a_kill_tore(tmp_path: Path) -> None:
    path = tmp_path / "kills.jsonl"
    life = Life("boundary", "s", "host", ("host write a", "host torn a"), (), 1.5, 0)
    tally = Tally(path)
    tally.add(life)
    tally.add(
        replace(life, phase="random", hits=("host write a", "worker killed at a moment"), problems=("other",))
    )
    path.write_bytes(path.read_bytes() + b'{"about": "ho')
    figures = Tally(path).figures()
    assert (figures["kills"], figures["random"], figures["boundaries"], figures["sessions"]) == (4, 2, 2, 2)
    assert figures["by_role"] == {"host": 3, "worker": 1}
    assert [one["problems"] for one in figures["failed"]] == [("other",)]
    assert path.read_bytes().endswith(b"}\n")
    path.write_text('{"kills": 1000}\n', encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"kills.jsonl:1 is no line"):
        Tally(path)


def test_a_session_that_has_not_ended_is_no_reference(bench: Bench, tmp_path: Path) -> None:
    folder = bench.session(tmp_path)
    campaign = Campaign(folder, HOST, tmp_path / "work", Tally(tmp_path / "k.jsonl"), lambda *_: None)
    with pytest.raises(SessionError, match="has not ended"):
        campaign.run(1)


def test_what_was_done_twice_or_otherwise_is_told(finished_session: FinishedSession, tmp_path: Path) -> None:
    reference = finished_session.folder
    assert differences(reference, reference) == ()
    folder = copied(reference, tmp_path)
    adapter = next(folder.store.list("adapter"))
    path = folder.store.path("adapter", adapter) / "journal.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    again = [*rows, *({**row, "process": 2} for row in rows[1:])]
    path.write_text("".join(json.dumps(row) + "\n" for row in again), encoding="utf-8")
    found = differences(folder, reference)
    assert any("it went on at 2" in text for text in found), found
    lines = folder.decisions.read_bytes().splitlines(keepends=True)
    folder.decisions.write_bytes(b"".join(lines[:-3]))
    assert any(text.startswith("its end") for text in differences(folder, reference))


@pytest.mark.slow
def test_a_session_killed_within_its_very_first_record_is_signed_and_verifies(
    shim: Path, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copy_session(finished_session.folder, tmp_path)
    whole = records_of(finished_session.folder)[0].line()
    folder.decisions.write_bytes(whole[: len(whole) // 2])
    run_to_end(folder)
    assert records_of(folder)[0].body["repair"] == "torn_tail"
    assert differences(folder, finished_session.folder) == ()


@pytest.mark.slow
def test_hosts_and_trainers_killed_at_boundaries_and_at_random_end_as_the_one_never_killed(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    told: list[str] = []
    tally = Tally(tmp_path / "kills.jsonl")
    campaign = Campaign(
        finished_session.folder, HOST, tmp_path / "work", tally, lambda what, *_: told.append(what), sample=16
    )
    campaign.run(2)
    figures = tally.figures()
    assert figures["failed"] == []
    assert (
        figures["random"] >= 2
        and figures["boundaries"] >= 8
        and set(figures["by_role"]) == {"host", "worker"}
    )
    assert {life.about for life in tally.lives} >= {"host", "train worker", "score worker", "extract worker"}
    assert told[-1] == "random kills"
