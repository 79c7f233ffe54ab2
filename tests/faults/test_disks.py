"""A full disk, of bytes or of inodes, and one that turns read-only: a typed end, and the same session once it is mended."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from agent.exit_codes import EXIT_CODES
from evals.kills import differences
from evals.kills.copies import copy_session
from proda_core.errors import SessionError
from proda_core.jobs import LocalExecutor
from proda_core.log import verify
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.faults.injecting import UNTYPED, Fault, end_of, hosted, need, small_disk, start_host
from tests.sessions import FinishedSession

pytestmark = pytest.mark.slow
_DONE = EXIT_CODES[StopReason.BUDGET_ROUNDS]
_PATIENCE_S = 60.0


def _a_training(session: SessionFolder) -> set[str]:
    """The first of the session's trainings."""
    return {next(job.job_id for job in LocalExecutor(session.root).list() if job.kind == "train")}


@pytest.mark.parametrize(
    ("piece", "inodes", "freed"), [(1 << 16, 2000, 8), (0, 700, 16)], ids=["bytes", "inodes"]
)
def test_a_session_whose_disk_is_full_ends_typed_and_goes_on_where_it_was_once_there_is_room(
    finished_session: FinishedSession, tmp_path: Path, piece: int, inodes: int, freed: int
) -> None:
    need(Fault.SMALL_DISK)
    reference = finished_session.folder
    with small_disk(tmp_path / "disk", megabytes=40, inodes=inodes) as disk:
        afresh = _a_training(reference)
        folder = copy_session(reference, disk.path / "sessions", afresh=afresh)
        disk.fill(piece)
        ends = [hosted(folder)]  # full from the start
        disk.free(1 << 20)
        child, told = start_host(folder)
        _until_it_trains(folder, afresh, child)
        disk.fill(piece)  # full while it trains
        ends.append(end_of(child, told))
        while ends[-1][0] != _DONE and len(ends) < 30:
            disk.free(freed)
            ends.append(hosted(folder))
        shown = "\n".join(f"{code} {said}" for code, said in ends)
        assert UNTYPED not in [code for code, _ in ends], shown
        assert ends[0][0] != _DONE and ends[1][0] != _DONE and ends[-1][0] == _DONE, shown
        assert differences(folder, reference, failures=True) == ()


def _until_it_trains(folder: SessionFolder, afresh: set[str], child: Any) -> None:
    """Until the training that is done again has done a step."""
    until = time.monotonic() + _PATIENCE_S
    journals = [folder.jobs / job / "scratch" / "journal.jsonl" for job in afresh]
    while not all(journal.exists() for journal in journals) and child.is_alive():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_session_whose_disk_turns_read_only_ends_typed_and_goes_on_once_it_is_mended(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    need(Fault.READ_ONLY)
    reference = finished_session.folder
    with small_disk(tmp_path / "disk", megabytes=60) as disk:
        afresh = _a_training(reference)
        folder = copy_session(reference, disk.path / "sessions", afresh=afresh)
        child, told = start_host(folder)
        _until_it_trains(folder, afresh, child)
        disk.turn_read_only()
        code, said = end_of(child, told)
        assert code not in (UNTYPED, _DONE), said
        code, again = hosted(folder)  # as it still is
        assert code == SessionError.exit_code and "Read-only file system" in again, again
        disk.repair()
        assert verify(folder.decisions).integrity == "intact"
        code, said = hosted(folder)
        assert code == _DONE, said
        assert differences(folder, reference, failures=True) == ()
