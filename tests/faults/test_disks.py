"""A full disk, of bytes or of inodes, and one that turns read-only: a typed end, and the same session once it is mended."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.exit_codes import EXIT_CODES
from evals.kills import differences
from evals.kills.copies import copy_session
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


@pytest.mark.parametrize(("piece", "freed"), [(1 << 19, 4), (0, 8)], ids=["bytes", "inodes"])
def test_a_session_whose_disk_is_full_ends_typed_and_goes_on_where_it_was_once_there_is_room(
    finished_session: FinishedSession, tmp_path: Path, piece: int, freed: int
) -> None:
    need(Fault.SMALL_DISK)
    reference = finished_session.folder
    with small_disk(tmp_path / "disk", megabytes=40, inodes=500) as disk:
        folder = copy_session(reference, disk.path / "sessions", afresh=_a_training(reference))
        disk.fill(piece)
        ends: list[tuple[int, str]] = []
        for _ in range(40):
            code, said = hosted(folder)
            if code == _DONE:
                break
            assert code != UNTYPED, said
            assert folder.stops_now() is False
            ends.append((code, said))
            disk.free(freed)
        assert code == _DONE, ends
        assert len(ends) >= 3, ends
        print("\n".join(f"{code} {said}" for code, said in ends))
        assert differences(folder, reference, failures=True) == ()


def test_a_session_whose_disk_turns_read_only_ends_typed_and_goes_on_once_it_is_mended(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    need(Fault.READ_ONLY)
    reference = finished_session.folder
    with small_disk(tmp_path / "disk", megabytes=60) as disk:
        folder = copy_session(reference, disk.path / "sessions", afresh=_a_training(reference))
        child, told = start_host(folder)
        until = time.monotonic() + _PATIENCE_S
        while not list(folder.jobs.glob("*/scratch/journal.jsonl")) and child.is_alive():
            assert time.monotonic() < until
            time.sleep(0.02)
        disk.turn_read_only()
        code, said = end_of(child, told)
        assert code not in (UNTYPED, _DONE), said
        assert "ead-only" in said or "readonly" in said, said
        code, again = hosted(folder)  # as it still is
        assert code not in (UNTYPED, _DONE), again
        disk.repair()
        assert verify(folder.decisions).integrity == "intact"
        code, said = hosted(folder)
        assert code == _DONE, said
        assert differences(folder, reference, failures=True) == ()
