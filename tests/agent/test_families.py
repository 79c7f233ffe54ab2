"""Whole sessions on bases of other families and tokenizers, and their adapters in plain peft."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.exit_codes import EXIT_CODES
from proda_core.artifacts import ArtifactStore
from proda_core.config import TrainingConfig
from proda_core.jobs import LocalExecutor
from proda_core.session import SessionFolder
from proda_core.training.checkpoint import NAME
from proda_core.types import StopReason
from tests.families import FAMILIES
from tests.plain_peft import check_in_plain_peft
from tests.sessions import Bench, FinishedSession, outcomes_of, run_to_end, seeded
from tests.warm_workers import use_warm_workers

ENDED_WELL = (
    StopReason.TARGET,
    StopReason.PLATEAU,
    StopReason.BUDGET_ROUNDS,
    StopReason.NOTHING_DIAGNOSABLE,
)
WITH_A_ROUND = ("gemma3",)  # diagnosis, patch and a round from the incumbent as well
SOON = 0.01  # of dev: a target that whoever guesses reaches, so that most of these sessions end with V1
BEFORE_STUDENTS = {"curate", "extract", "benchmark", "synthesise"}


def session_on(
    base: Path, bench: Bench, finished: FinishedSession, tmp_path: Path, *, target: float
) -> SessionFolder:
    """A session of short trainings on this base, run to its end; what asks no student is taken from the finished one."""
    folder = bench.session(
        tmp_path / "sessions",
        student={"base": str(base)},
        training={"layers": "all", "max_steps": 12},
        policy={"target_dev": target},
    )
    seeded(folder, finished.folder, kinds=BEFORE_STUDENTS)
    ended = run_to_end(folder)
    assert ended.exit_code in {EXIT_CODES[reason] for reason in ENDED_WELL}, ended
    return folder


def check_adapters(folder: SessionFolder, base: Path) -> None:
    """Every adapter of the session in plain peft."""
    store = ArtifactStore(folder.artifacts)
    trained = [
        job for job in LocalExecutor(folder.root).list() if job.kind == "train" and job.result is not None
    ]
    assert trained and len(outcomes_of(folder, "evaluate_model")) >= 2
    for job in trained:
        adapter_id = job.result.artifacts["adapter"] if job.result else ""
        config = TrainingConfig.model_validate(store.manifest("adapter", adapter_id).meta["config"])
        checkpoint = folder.jobs / job.job_id / "scratch" / NAME
        check_in_plain_peft(base, store.path("adapter", adapter_id), checkpoint, config)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_session_runs_to_its_end_on_any_family_and_its_adapters_load_in_plain_peft(
    family: str,
    bench: Bench,
    finished_session: FinishedSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_warm_workers(monkeypatch)
    base = FAMILIES[family].save(tmp_path / "base")
    target = 0.95 if family in WITH_A_ROUND else SOON
    check_adapters(session_on(base, bench, finished_session, tmp_path, target=target), base)


@pytest.mark.slow
@pytest.mark.realdata
def test_a_session_runs_on_a_real_base_that_was_trained_by_others(
    realdata: Path,
    bench: Bench,
    finished_session: FinishedSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_warm_workers(monkeypatch)
    base = realdata / "stories260k" / "hf"
    check_adapters(session_on(base, bench, finished_session, tmp_path, target=SOON), base)
