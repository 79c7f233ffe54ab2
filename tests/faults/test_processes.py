"""A worker that is stopped, a machine that reboots with reused process ids, a clock set back: the same session at its end."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from agent.exit_codes import EXIT_CODES
from evals.kills import differences
from evals.kills.copies import copy_session
from mcp_server import hosting
from proda_core.jobs import JobState, JobStatus, LocalExecutor, WorkerRules
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.faults.injecting import Fault, end_of, faketime_library, need, rebooted, start_host
from tests.sessions import REPOSITORY, FinishedSession, records_of

pytestmark = pytest.mark.slow
_DONE = EXIT_CODES[StopReason.BUDGET_ROUNDS]
_PATIENCE_S = 90.0
_INNOCENT = 40
_RESUME = "import sys; from agent.drive import resume_here; code = resume_here(sys.argv[1:]); {then}; sys.exit(code)"
_COUNT = "import pathlib; print(sum(p.read_text().startswith('sleep') for p in pathlib.Path('/proc').glob('[0-9]*/comm')))"


def _until(found: Callable[[], object], what: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not found():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def _training(folder: SessionFolder) -> JobStatus | None:
    """The training under way, once it has done more steps than lie between two checkpoints."""
    for job in LocalExecutor(folder.root).list() if folder.jobs.is_dir() else ():
        journal = folder.jobs / job.job_id / "scratch" / "journal.jsonl"
        steps = journal.read_bytes().count(b"\n") if journal.exists() else 0
        if job.kind == "train" and job.state is not JobState.FINISHED and steps > 6:
            return job
    return None


def _one_training_afresh(reference: SessionFolder, into: Path) -> SessionFolder:
    first = next(job.job_id for job in LocalExecutor(reference.root).list() if job.kind == "train")
    return copy_session(reference, into, afresh={first})


def test_a_stopped_trainer_is_found_hung_and_its_successor_goes_on_from_the_checkpoint(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = _one_training_afresh(finished_session.folder, tmp_path)

    def impatient() -> None:
        rules = WorkerRules(hung_after_s=3.0)
        hosting.LocalExecutor = functools.partial(LocalExecutor, rules=rules)  # type: ignore[misc] # in a child alone

    child, told = start_host(folder, before=impatient)
    _until(lambda: _training(folder), "no training began")
    job = _training(folder)
    assert job is not None and job.pid is not None
    os.kill(job.pid, signal.SIGSTOP)
    code, said = end_of(child, told)
    assert code == _DONE, said
    assert LocalExecutor(folder.root).status(job.job_id).launches == 2
    assert not Path(f"/proc/{job.pid}").exists()
    assert differences(folder, finished_session.folder) == ()


def _resume(
    folder: SessionFolder, *start: str, then: str = "pass", **environment: str
) -> subprocess.Popen[str]:
    command = [*start, sys.executable, "-c", _RESUME.format(then=then), str(folder.root)]
    everything = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        command, env=everything, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_after_a_reboot_the_process_ids_of_before_are_other_peoples_and_are_left_alone(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    need(Fault.REBOOT)
    folder = _one_training_afresh(finished_session.folder, tmp_path)
    before = _resume(folder, *rebooted(tmp_path))
    _until(lambda: _training(folder) or before.poll() is not None, "no training began")
    before.kill()  # and with it everything of that boot
    before.communicate()
    job = _training(folder)
    assert job is not None and job.launches == 1
    beat = (folder.jobs / job.job_id / "heartbeat.json").read_text(encoding="utf-8")
    assert any(f'"pid":{number},' in beat for number in range(_INNOCENT)), beat
    others = (
        f'for i in $(seq {_INNOCENT}); do sleep 600 & done; "$@"'  # they have the numbers that the worker had
    )
    after = _resume(folder, *rebooted(tmp_path), "sh", "-c", others, "sh", then=_COUNT)
    said, errors = after.communicate(timeout=_PATIENCE_S)
    assert after.returncode == _DONE, errors
    assert int(said) == _INNOCENT
    assert differences(folder, finished_session.folder) == ()


def test_a_clock_that_is_set_back_changes_no_id_and_gives_no_time_back(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    need(Fault.CLOCK)
    folder, offset = _one_training_afresh(finished_session.folder, tmp_path), tmp_path / "offset"
    offset.write_text("+0", encoding="ascii")
    host = _resume(
        folder,
        LD_PRELOAD=str(faketime_library()),
        FAKETIME_TIMESTAMP_FILE=str(offset),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",  # setting a clock does not move it
        NO_FAKE_STAT="1",
    )
    _until(lambda: _training(folder) or host.poll() is not None, "no training began")
    offset.write_text("-3d", encoding="ascii")
    _, errors = host.communicate(timeout=_PATIENCE_S)
    assert host.returncode == _DONE, errors
    at = [record.at for record in records_of(folder)]
    assert sum(later < earlier for earlier, later in pairwise(at)) == 1
    assert differences(folder, finished_session.folder) == ()
