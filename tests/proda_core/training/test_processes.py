"""Several processes for one training: the same losses as one, and the same ends when they are stopped, killed or lost."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from proda_core.config import TrainingConfig
from proda_core.errors import ConfigError, JobFailed
from proda_core.jobs import JobState, LocalExecutor, Progress
from proda_core.jobs.contract import JobResult
from proda_core.training import job, processes
from proda_core.training.journal import Journal
from tests.proda_core.training import under_torchrun
from tests.proda_core.training.conftest import TrainingSession

OpenSession = Callable[[str], TrainingSession]
ALIKE = 1e-4  # of a loss: sums over rows are taken in another order, and a difference grows a little from step to step


def journal(session: TrainingSession, result: JobResult) -> Journal:
    return Journal(session.store.file("adapter", result.artifacts["adapter"], "journal.jsonl"))


def weights(session: TrainingSession, result: JobResult) -> dict[str, torch.Tensor]:
    return load_file(session.store.path("adapter", result.artifacts["adapter"]) / "adapter_model.safetensors")


def processes_of(session: TrainingSession, result: JobResult) -> int:
    return int(session.store.manifest("adapter", result.artifacts["adapter"]).meta["processes"])


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_take_the_steps_of_one_and_the_first_alone_writes(
    open_session: OpenSession, parallel: str
) -> None:
    one, two = open_session("one"), open_session("two")
    settings: dict[str, Any] = {"epochs": 6, "learning_rate": 0.01, "probe_rows": 4, "probe": True}
    assert TrainingConfig().distillation > 0 and TrainingConfig().protection > 0  # and so in both runs
    alone = job.run(one.context(), one.request(**settings))
    together = job.run(two.context(), two.request(**settings, processes=2, parallel=parallel))
    assert (processes_of(one, alone), processes_of(two, together)) == (1, 2)
    curve = [record.loss for record in journal(two, together).loss_curve()]
    assert curve == pytest.approx([record.loss for record in journal(one, alone).loss_curve()], rel=ALIKE)
    assert together.meta["mastery"] == alone.meta["mastery"]
    assert [record.step for record in journal(two, together).records()] == list(range(1, len(curve) + 1))
    assert {path.name for path in two.context().scratch.iterdir()} == {"checkpoint.pt", "journal.jsonl"}
    assert "RANK" not in os.environ and not torch.distributed.is_initialized()


@pytest.mark.slow
def test_under_torchrun_two_processes_have_the_losses_of_one(bases: dict[str, Path], tmp_path: Path) -> None:
    alone = under_torchrun.losses(bases["llama"], tmp_path / "alone")
    script, scratch = Path(under_torchrun.__file__), tmp_path / "together"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, str(script), str(bases["llama"]), str(scratch)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in (scratch / "said.jsonl").read_text().splitlines()]
    assert [one["processes"] for one in said] == [2]
    assert len(alone) >= 12 and said[0]["losses"] == pytest.approx(alone, rel=ALIKE)


class Meddler:
    """Does one thing to a running job at each of some steps, once it has beaten as often; notes the processes that it saw."""

    def __init__(
        self, executor: LocalExecutor, job_id: str, at: dict[int, Callable[[], object]], *, beaten: int = 0
    ) -> None:
        self._executor, self._job_id, self._at, self._beaten = executor, job_id, dict(at), beaten
        self.seen: set[psutil.Process] = set()
        self.beats: list[int] = []

    def __call__(self, progress: Progress) -> None:
        if "general rows" in progress.note:
            return
        self.beats.append(self._executor.status(self._job_id).beats)
        due = [step for step in self._at if progress.done >= step]
        self.seen.update(self.both())
        if due and len(self.both()) == 2 and self.beats[-1] >= self._beaten:
            self._at.pop(due[0])()

    def both(self) -> list[psutil.Process]:
        """The worker and then the process beside it, as far as they live."""
        pid = self._executor.status(self._job_id).pid
        if pid is None:
            return []
        try:
            first = psutil.Process(pid)
            others = first.children(recursive=True)
            return [first, *(one for one in others if "resource_tracker" not in " ".join(one.cmdline()))]
        except psutil.Error:  # it ended just now
            return []

    def alive(self) -> list[psutil.Process]:
        """Who still lives a while after the job's end, for which nobody waits."""
        return psutil.wait_procs(self.seen, timeout=60)[1]


@pytest.mark.slow
def test_a_lost_process_and_a_killed_worker_are_gone_on_from_to_the_same_weights(
    open_session: OpenSession,
) -> None:
    whole, hurt = open_session("whole"), open_session("hurt")
    request = hurt.request(epochs=20, processes=2, dropout=0.1)
    executor = LocalExecutor(hurt.folder)
    job_id = executor.submit(request).job_id

    def lose_one() -> None:
        meddler.both()[1].kill()

    meddler = Meddler(executor, job_id, {10: lose_one, 40: lambda: executor.kill(job_id)})
    result = asyncio.run(executor.wait(job_id, meddler))
    assert executor.status(job_id).launches == 3
    assert processes_of(hurt, result) == 2 and len(meddler.seen) >= 6
    assert meddler.alive() == []
    expected = weights(whole, job.run(whole.context(), request))
    found = weights(hurt, result)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert {record.process for record in journal(hurt, result).records()} == {1, 2, 3}


@pytest.mark.slow
def test_several_processes_beat_stop_when_asked_and_leave_nobody_behind(session: TrainingSession) -> None:
    executor = LocalExecutor(session.folder)
    job_id = executor.submit(session.request(epochs=4000, processes=2)).job_id
    meddler = Meddler(executor, job_id, {30: lambda: executor.cancel(job_id)}, beaten=2)
    with pytest.raises(JobFailed, match="cancelled at step"):
        asyncio.run(executor.wait(job_id, meddler))
    assert executor.status(job_id).state is JobState.CANCELLED
    assert meddler.beats[-1] >= 2 and meddler.beats == sorted(meddler.beats)
    assert len(meddler.seen) == 2 and meddler.alive() == []


def test_the_exit_code_of_a_lost_process_is_told_to_each_of_two_threads_that_see_its_end() -> None:
    def code(process: BaseProcess) -> int | None:
        connection.wait([process.sentinel])
        return processes._exit_code(process)

    with ThreadPoolExecutor(2) as threads:
        for _ in range(20):
            process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
            process.start()
            told = [threads.submit(code, process) for _ in range(2)]
            process.kill()
            assert [one.result(timeout=30) for one in told] == [-signal.SIGKILL, -signal.SIGKILL]


def test_more_processes_than_gpus_are_refused(
    session: TrainingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"training\.processes is 3 and there are 2 GPUs"):
        processes._check(3)
