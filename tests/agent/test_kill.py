"""SIGKILL of the host at random moments, sometimes of its worker as well: the resumed session is the one never killed.

Moments are drawn from a seed as shares of the unkilled session's duration; the machine decides what runs at them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from agent.exit_codes import EXIT_CODES
from proda_core.jobs import JobState, JobStatus, LocalExecutor
from proda_core.log import Witnesses, verify
from proda_core.log.keys import trusted_keys
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.sessions import SMALL, Bench, FinishedSession, decisions_of, outcomes_of, proda, records_of

pytestmark = pytest.mark.slow
KILLS = 20
EACH = 7  # kills planned for one session
_DEADLINE_S = 900.0
_LOOK_S = 0.01


@dataclass(slots=True)
class Killed:
    """One session with the kills it took: what each one hit, in words."""

    folder: SessionFolder
    hits: list[str] = field(default_factory=list)


def test_a_session_killed_at_random_moments_ends_as_the_one_never_killed(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    rng = random.Random(7)
    reference = finished_session.folder
    hits: list[str] = []
    sessions = 0
    while len(hits) < KILLS:
        sessions += 1
        assert sessions <= 8, f"{len(hits)} kills in {sessions - 1} sessions: {hits}"
        killed = Killed(bench.session(tmp_path / str(sessions)))
        _kill_often(killed, rng, planned=EACH, lasts=_duration(reference), with_worker=sessions % 2 == 1)
        hits += killed.hits
        _is_the_same(killed.folder, reference)
    print(f"{len(hits)} kills in {sessions} sessions: {dict(Counter(hits))}")


def test_a_trainer_killed_between_two_checkpoints_goes_on_from_the_last(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = bench.session(tmp_path)
    host = proda("resume", str(folder.root), cwd=tmp_path)
    try:
        worker = _wait_for_steps(folder, int(SMALL["training"]["checkpoint_steps"]) + 2)
        host.kill()
        os.killpg(worker, signal.SIGKILL)
    finally:
        host.kill()
        host.communicate()
    _resume(folder)
    assert max(_processes(folder)) >= 2, "the kill came too late: nothing was resumed"
    _is_the_same(folder, finished_session.folder)


def _duration(folder: SessionFolder) -> float:
    first, *_, last = (datetime.fromisoformat(record.at) for record in records_of(folder))
    return (last - first).total_seconds()


def _kill_often(killed: Killed, rng: random.Random, *, planned: int, lasts: float, with_worker: bool) -> None:
    """Run, kill after a random share of what the session lasts, resume, and so on; then let it end."""
    for _ in range(planned):
        wait = rng.random() * 1.6 * lasts / planned
        also_worker = with_worker and rng.random() < 0.5
        host = proda("resume", str(killed.folder.root), cwd=killed.folder.root)
        try:
            _until_hosted(killed.folder, host)
            try:
                host.wait(timeout=wait)
                break  # it ended before its kill
            except subprocess.TimeoutExpired:
                host.kill()
        finally:
            host.kill()
            host.communicate()
        killed.hits.append(_under_way(killed.folder))
        if also_worker:
            _kill_worker(killed.folder)
    _resume(killed.folder)


def _until_hosted(folder: SessionFolder, host: subprocess.Popen[str]) -> None:
    """Until this process has the host lock, or has ended."""
    until = time.monotonic() + _DEADLINE_S
    while f"process {host.pid} " not in folder.host() and host.poll() is None:
        assert time.monotonic() < until
        time.sleep(_LOOK_S)


def _running(folder: SessionFolder) -> list[JobStatus]:
    jobs = LocalExecutor(folder.root).list()
    return [status for status in jobs if status.state is JobState.RUNNING and status.pid]


def _under_way(folder: SessionFolder) -> str:
    """What a kill hit: the running job, else the log's last record."""
    jobs = _running(folder)
    if jobs:
        return f"during {jobs[0].kind}"
    last = records_of(folder)[-1:] if folder.decisions.exists() else []
    return (
        f"after {last[0].kind} {last[0].body.get('tool', '')}".strip() if last else "before the first record"
    )


def _kill_worker(folder: SessionFolder) -> None:
    for status in _running(folder):
        if status.pid is not None and status.launches < 3:  # a job that dies too often counts as failed
            os.killpg(status.pid, signal.SIGKILL)


def _resume(folder: SessionFolder) -> None:
    host = proda("resume", str(folder.root), cwd=folder.root)
    _, errors = host.communicate(timeout=_DEADLINE_S)
    assert host.returncode == EXIT_CODES[StopReason.BUDGET_ROUNDS], errors


def _wait_for_steps(folder: SessionFolder, steps: int) -> int:
    """The pid of the trainer, as soon as it has done so many steps."""
    until = time.monotonic() + _DEADLINE_S
    while time.monotonic() < until:
        for status in LocalExecutor(folder.root).list() if folder.jobs.is_dir() else ():
            journal = folder.jobs / status.job_id / "scratch" / "journal.jsonl"
            done = journal.read_bytes().count(b"\n") if journal.exists() else 0
            if status.pid and status.kind == "train" and done >= steps:
                return status.pid
        time.sleep(_LOOK_S)
    raise AssertionError("no training began")


def _is_the_same(folder: SessionFolder, reference: SessionFolder) -> None:
    """Decisions, mixtures, adapters, reports and verdicts are the reference's; nothing was done twice; the log verifies."""
    assert decisions_of(folder) == decisions_of(reference)
    for tool in (
        "compose_mixture",
        "train_adapter",
        "evaluate_model",
        "diagnose_failures",
        "judge_candidate",
    ):
        made, expected = ([o["artifacts"] for o in outcomes_of(f, tool)] for f in (folder, reference))
        assert made == expected, tool
    for adapter in reference.store.list("adapter"):
        weights = [f.store.manifest("adapter", adapter).files for f in (folder, reference)]
        assert weights[0]["adapter_model.safetensors"] == weights[1]["adapter_model.safetensors"]
    intents = [r.body["job_id"] for r in records_of(folder, "intent") if "job_id" in r.body]
    assert len(intents) == len(set(intents))
    assert sorted(intents) == sorted(status.job_id for status in LocalExecutor(folder.root).list())
    _processes(folder)
    witnesses = Witnesses(folder.signatures, trusted_keys(), demanded=True)
    report = verify(folder.decisions, folder.store, jobs=folder.jobs, witnesses=witnesses)
    assert report.ok and report.signed_to == report.records, report.problems


def _processes(folder: SessionFolder) -> list[int]:
    """How many processes each training took, after checking that none did a step again that lay before its checkpoint."""
    every = int(SMALL["training"]["checkpoint_steps"])
    counts: list[int] = []
    journals = sorted(folder.artifacts.glob("adapter/*/journal.jsonl"))
    assert len(journals) == len(outcomes_of(folder, "train_adapter"))
    for path in journals:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        runs = [
            [row["step"] for row in rows if row["process"] == number]
            for number in sorted({row["process"] for row in rows})
        ]
        for steps in runs:
            assert steps == list(range(steps[0], steps[-1] + 1))
        for before, after in pairwise(runs):
            saved = (
                (before[-1] - 1) // every * every
            )  # the last step's own checkpoint may not have been written
            assert saved < after[0] <= before[-1] + 1, (path, before[-1], after[0])
        counts.append(len(runs))
    return counts
