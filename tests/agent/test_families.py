"""Whole sessions on bases of other families and tokenizers, and their adapters in plain peft."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from agent.exit_codes import EXIT_CODES
from proda_core.artifacts import ArtifactStore
from proda_core.config import TrainingConfig
from proda_core.jobs import LocalExecutor
from proda_core.session import SessionFolder
from proda_core.students.loading import load_model, load_student
from proda_core.training.checkpoint import NAME
from proda_core.training.lora import make_trainee
from proda_core.training.speed import unfold_lora
from proda_core.types import StopReason
from tests.families import FAMILIES
from tests.sessions import Bench, FinishedSession, outcomes_of, run_to_end, seeded
from tests.warm_workers import use_warm_workers

ENDED_WELL = (StopReason.TARGET, StopReason.PLATEAU, StopReason.BUDGET_ROUNDS, StopReason.NOTHING_DIAGNOSABLE)
ENDS = {EXIT_CODES[reason] for reason in ENDED_WELL}
WITH_A_ROUND = ("gemma3",)  # diagnosis, patch and a round from the incumbent as well
SOON = 0.01  # of dev: a target that whoever guesses reaches, so that most of these sessions end with V1
BEFORE_STUDENTS = {"curate", "extract", "benchmark", "synthesise"}
MERGED = (
    2e-3  # of a logit in the tens: a merged weight is rounded once, an adapter's product beside it is not
)


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
    assert ended.exit_code in ENDS, ended
    return folder


def check_adapters(folder: SessionFolder, base: Path) -> None:
    """Plain peft, this project's own loading and the weights as training left them give the same logits."""
    store = ArtifactStore(folder.artifacts)
    adapters = list(store.list("adapter"))
    assert adapters and len(outcomes_of(folder, "evaluate_model")) >= 2
    ids = torch.randint(6, 90, (3, 40), generator=torch.Generator().manual_seed(0))
    for adapter_id in adapters:
        adapter = store.path("adapter", adapter_id)
        untouched = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
        with torch.no_grad():
            before = untouched(ids).logits
            plain = PeftModel.from_pretrained(untouched, str(adapter)).eval()(ids).logits
            assert torch.equal(plain, as_trained(folder, base, adapter_id)(ids).logits)
            merged = load_student(str(base), adapter, threads=1).model.eval()(ids).logits
        assert not torch.allclose(plain, before, atol=MERGED)
        assert torch.allclose(plain, merged, atol=MERGED)


def as_trained(folder: SessionFolder, base: Path, adapter_id: str) -> torch.nn.Module:
    """The model with the weights of the training's last checkpoint, before they were saved as an adapter."""
    (job,) = [
        job
        for job in LocalExecutor(folder.root).list()
        if job.result is not None and job.kind == "train" and adapter_id in job.result.artifacts.values()
    ]
    kept = torch.load(folder.jobs / job.job_id / "scratch" / NAME, weights_only=True)["adapter"]
    config = TrainingConfig.model_validate(
        ArtifactStore(folder.artifacts).manifest("adapter", adapter_id).meta["config"]
    )
    trainee = make_trainee(load_model(str(base)), config, seed=0)
    own = {name: p for name, p in trainee.model.named_parameters() if p.requires_grad}
    assert own.keys() == kept.keys()
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(kept[name])
    unfold_lora(trainee.wrapper)
    return trainee.wrapper.eval()


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
