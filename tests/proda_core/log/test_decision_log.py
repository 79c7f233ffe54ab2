"""The log is written ahead, once for a key, chained, and mends nothing but a torn tail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proda_core.clock import FakeClock
from proda_core.errors import LedgerError
from proda_core.log import DecisionLog, read_records, verify
from proda_core.log.record import GENESIS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


def write(path: Path, count: int = 3) -> None:
    with DecisionLog(path, clock=FakeClock()) as log:
        for number in range(count):
            log.append("note", f"n{number}", {"number": number, "text": 'Zoë said "ü"\n'})


def test_records_are_numbered_chained_and_read_back_as_written(path: Path) -> None:
    with DecisionLog(path, clock=FakeClock()) as log:
        first = log.append("session", "start", {"xs": (1, 2)}, budget={"rounds": {"used": 0.0}})
        second = log.append("note", "n", {})
        assert (first.seq, second.seq, first.prev, second.prev) == (1, 2, GENESIS, first.hash)
        assert first.at == "2026-01-01T00:00:00.000Z"
        assert read_records(path) == log.records == (first, second)


def test_an_intent_and_its_outcome_are_written_once_however_often_the_call_is_repeated(path: Path) -> None:
    for _ in range(3):
        with DecisionLog(path) as log:
            intent = log.append_once("intent", "k", {"tool": "train", "job_id": "j_1"})
            assert log.find_job("j_1") == intent
            log.append_once("outcome", "k", {"ok": True})
            assert log.open_intents() == ()
    assert [record.kind for record in read_records(path)] == ["intent", "outcome"]


def test_a_second_intent_of_one_key_and_an_outcome_without_intent_are_refused(path: Path) -> None:
    with DecisionLog(path) as log:
        with pytest.raises(LedgerError, match="no intent"):
            log.append("outcome", "k", {})
        log.append("intent", "k", {})
        assert [record.key for record in log.open_intents()] == ["k"]
        with pytest.raises(LedgerError, match="logged already"):
            log.append("intent", "k", {})
        log.append("refusal", "k", {})
        log.append("refusal", "k", {"again": True})
    assert len(read_records(path)) == 3


@pytest.mark.parametrize("body", [{"x": float("nan")}, {"x": {1, 2}}, {"x": "\ud800"}])
def test_a_body_that_is_not_json_is_refused_and_nothing_is_written(
    path: Path, body: dict[str, object]
) -> None:
    with DecisionLog(path) as log:
        with pytest.raises(LedgerError, match="not JSON"):
            log.append("note", "k", body)
        with pytest.raises(LedgerError, match="no record kind"):
            log.append("gossip", "k", {})
    assert path.read_bytes() == b""


def test_a_second_writer_is_refused_until_the_first_has_closed(path: Path) -> None:
    with DecisionLog(path), pytest.raises(LedgerError, match="another process"):
        DecisionLog(path)
    DecisionLog(path).close()


def test_a_closed_log_is_not_written(path: Path) -> None:
    log = DecisionLog(path)
    log.close()
    with pytest.raises(LedgerError, match="closed"):
        log.append("note", "k", {})


@pytest.mark.parametrize("cut", [1, 2, 40, 150])
def test_a_torn_tail_is_cut_off_and_the_repair_is_recorded(path: Path, cut: int) -> None:
    write(path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert "incomplete" in verify(path).first_bad
    assert len(read_records(path)) == 2
    with DecisionLog(path) as log:
        assert [record.key for record in log.records[:2]] == ["n0", "n1"]
        assert log.records[2].body["repair"] == "torn_tail"
        log.append("note", "n2", {})
    assert verify(path).ok
    assert len(read_records(path)) == 4


def test_a_torn_first_record_leaves_a_log_that_begins_with_its_repair(path: Path) -> None:
    write(path, 1)
    path.write_bytes(path.read_bytes()[:20])
    with DecisionLog(path) as log:
        assert [record.seq for record in log.records] == [1]
    assert verify(path).ok


def test_damage_that_no_kill_can_leave_is_refused_and_not_mended(path: Path) -> None:
    write(path)
    damaged = path.read_bytes().replace(b'"number":1', b'"number":7')
    path.write_bytes(damaged)
    for act in (DecisionLog, read_records):
        with pytest.raises(LedgerError, match="record 2"):
            act(path)
    assert path.read_bytes() == damaged
    with pytest.raises(LedgerError, match="record 2"):  # and the failed opening kept no lock
        DecisionLog(path)


def test_a_full_disk_is_a_typed_error_and_leaves_no_half_record(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, 1)
    before, real = path.read_bytes(), os.write
    with DecisionLog(path) as log:
        monkeypatch.setattr(
            "proda_core.log.decision_log.os.write", lambda handle, line: real(handle, line[:30])
        )
        with pytest.raises(LedgerError, match="30 of"):
            log.append("note", "n", {})
    assert path.read_bytes() == before


def test_every_acknowledged_record_survives_a_kill(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from proda_core.log import DecisionLog; log = DecisionLog(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    log.append('note', f'n{n}', {'n': n}); print(n, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        for _ in range(50):
            last = int(host.stdout.readline())
        os.kill(host.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in host.stdout if line.endswith("\n"))])
    with DecisionLog(path) as log:
        assert log.find("note", f"n{last}") is not None
    assert verify(path).ok
