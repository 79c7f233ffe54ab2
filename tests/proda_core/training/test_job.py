"""The train job as a worker runs it: resumed, refused, cancelled, stopped by its probes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from proda_core.config import TrainingConfig
from proda_core.errors import GuardRefusal, JobError, StudentError
from proda_core.jobs.contract import JobResult
from proda_core.records import load_adapter
from proda_core.students import load_student
from proda_core.training import job
from proda_core.training.journal import Journal
from proda_core.training.stopping import MasteryProbe
from tests.fixtures_knowledge import snapshot
from tests.proda_core.training.conftest import TrainingSession

OpenSession = Callable[[str], TrainingSession]


def weights(session: TrainingSession, result: JobResult) -> dict[str, torch.Tensor]:
    folder = session.store.path("adapter", result.artifacts["adapter"])
    return load_file(folder / "adapter_model.safetensors")


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


def kill_at(session: TrainingSession, step: int) -> None:
    """Run the job and have it die right after a step, before anything more is written."""

    def report(progress: object) -> None:
        if getattr(progress, "done", 0) == step:
            raise Killed

    with pytest.raises(Killed):
        job.run(replace(session.context(), report=report), session.request(dropout=0.1))


def test_training_lowers_the_loss_and_keeps_its_curve(session: TrainingSession) -> None:
    result = job.run(session.context(), session.request(epochs=12, learning_rate=0.01))
    adapter_id = result.artifacts["adapter"]
    session.store.verify("adapter", adapter_id)
    path = session.store.file("adapter", adapter_id, "loss.jsonl")
    curve = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["step"] for row in curve] == list(range(1, result.meta["steps"] + 1))
    losses = [row["loss"] for row in curve]
    assert sum(losses[-7:]) < 0.8 * sum(losses[:7])
    assert {"step", "loss", "tokens", "lr", "wall_s"} <= curve[0].keys()
    record = load_adapter(session.store, adapter_id)
    assert record.steps == len(curve) and record.tokens == curve[-1]["tokens"]
    assert session.folder / record.path == session.store.path("adapter", adapter_id)


def test_progress_comes_with_an_estimate_and_ends_at_the_total(session: TrainingSession) -> None:
    job.run(session.context(), session.request())
    last = session.progress[-1]
    assert last.done == last.total and last.eta_s == 0
    steps = [p for p in session.progress if "the base on general rows" not in p.note]
    assert len(steps) == last.total and all(p.eta_s is not None and p.eta_s > 0 for p in steps[:-1])
    asked = session.progress[: -len(steps)]
    assert asked and all(p.eta_s is not None for p in asked) and asked[-1].eta_s == 0


@pytest.mark.parametrize("step", [1, 3, 4, 7])
def test_a_killed_run_resumes_to_the_same_weights_bit_for_bit(open_session: OpenSession, step: int) -> None:
    whole, killed = open_session("whole"), open_session("killed")
    request = whole.request(dropout=0.1)
    expected = job.run(whole.context(), request)
    kill_at(killed, step)
    result = job.run(killed.context(), request)
    assert result.artifacts == expected.artifacts
    assert equal(weights(killed, result), weights(whole, expected))
    assert result.meta["final_loss"] == expected.meta["final_loss"]


def test_no_step_before_the_last_checkpoint_is_done_twice(session: TrainingSession) -> None:
    kill_at(session, 5)
    kill_at(session, 8)
    result = job.run(session.context(), session.request(dropout=0.1))
    path = session.store.file("adapter", result.artifacts["adapter"], "journal.jsonl")
    done = [(r.process, r.step) for r in Journal(path).records()]
    # Checkpoints at 3 and 6: the second process goes on after 3, the third after 6.
    assert done[:11] == [*((1, s) for s in range(1, 6)), *((2, s) for s in range(4, 9)), (3, 7)]
    assert [step for process, step in done if process == 3] == list(range(7, result.meta["steps"] + 1))


def test_a_line_torn_by_a_kill_is_cut_off_before_going_on(session: TrainingSession) -> None:
    kill_at(session, 4)
    journal = session.context().scratch / "journal.jsonl"
    with journal.open("a") as handle:
        handle.write('{"step": 5, "lo')
    result = job.run(session.context(), session.request(dropout=0.1))
    path = session.store.file("adapter", result.artifacts["adapter"], "loss.jsonl")
    steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
    assert steps == list(range(1, result.meta["steps"] + 1))


def test_a_damaged_checkpoint_is_refused_and_not_half_used(session: TrainingSession) -> None:
    kill_at(session, 4)
    checkpoint = session.context().scratch / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:200])
    with pytest.raises(JobError, match="delete it"):
        job.run(session.context(), session.request(dropout=0.1))


def test_a_cancelled_run_goes_on_from_its_checkpoint(open_session: OpenSession) -> None:
    whole, stopped = open_session("whole"), open_session("stopped")
    request = whole.request()
    expected = job.run(whole.context(), request)
    stopped.stop_after = 4
    with pytest.raises(JobError, match="cancelled at step 4"):
        job.run(stopped.context(), request)
    stopped.stop_after = 0
    assert equal(weights(stopped, job.run(stopped.context(), request)), weights(whole, expected))
    assert stopped.progress[4].done == 4  # step 4 again, after the checkpoint at 3


def test_the_same_request_again_does_not_train_again(session: TrainingSession) -> None:
    first = job.run(session.context(), session.request())
    session.progress.clear()
    assert job.run(session.context(), session.request()) == first
    assert session.progress == []


def test_the_adapter_id_depends_on_what_is_compiled_and_how(session: TrainingSession) -> None:
    def adapter_id(**changes: Any) -> str:
        return job.read_request(session.request(**changes)).adapter_id

    requests = [adapter_id(), adapter_id(seed=1), adapter_id(rank=8), adapter_id(probe=True)]
    assert len(set(requests)) == 4
    assert adapter_id() == requests[0]


def test_a_mixture_changed_after_the_check_is_refused_before_a_step(session: TrainingSession) -> None:
    path = session.store.path("mixture", session.mixture_id) / "rows.jsonl"
    path.write_text(path.read_text().replace("Osmosis", "Osmotics"))
    with pytest.raises(GuardRefusal) as refused:
        job.run(session.context(), session.request())
    assert refused.value.refusals[0].rule == "G6"
    assert session.progress == [] and list(session.store.list("adapter")) == []


def test_a_base_with_another_digest_is_refused(session: TrainingSession, bases: dict[str, Path]) -> None:
    request = session.request()
    request.params["base"] = str(bases["qwen2"])
    with pytest.raises(StudentError, match="digest"):
        job.run(session.context(), request)


def test_an_incomplete_request_names_what_is_missing(session: TrainingSession) -> None:
    request = session.request()
    del request.inputs["mixture"]
    with pytest.raises(JobError, match="mixture"):
        job.run(session.context(), request)


def test_another_architecture_trains_without_naming_its_layers(
    session: TrainingSession, bases: dict[str, Path]
) -> None:
    result = job.run(session.context(), session.request(base=bases["qwen2"], epochs=1, layers="all"))
    names = {name.split(".")[-3] for name in weights(session, result)}
    assert names == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_the_adapter_loads_as_a_student_that_answers_otherwise_than_its_base(
    session: TrainingSession,
) -> None:
    result = job.run(session.context(), session.request(epochs=12, learning_rate=0.01))
    folder = session.store.path("adapter", result.artifacts["adapter"])
    adapted = load_student(str(session.base), folder, threads=1)
    assert adapted.name == result.artifacts["adapter"]
    prompts, options = ["What is true of osmosis?"], [["A", "B"]]
    base = load_student(str(session.base), threads=1)
    assert adapted.option_loglikelihoods(prompts, options) != base.option_loglikelihoods(prompts, options)
    settings = json.loads((folder / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(session.base)


def test_going_on_with_the_incumbent_begins_at_its_weights(session: TrainingSession) -> None:
    first = job.run(session.context(), session.request(epochs=8, learning_rate=0.01))
    request = session.request(continue_incumbent=True, max_steps=1, learning_rate=1e-9)
    request.inputs["incumbent"] = first.artifacts["adapter"]
    second = job.run(session.context("other"), request)
    assert second.artifacts != first.artifacts
    mine, theirs = weights(session, first), weights(session, second)
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-6) for name in mine)
    inputs = session.store.manifest("adapter", second.artifacts["adapter"]).inputs
    assert inputs["incumbent"] == first.artifacts["adapter"]


def test_v1_probes_after_each_epoch_and_stops_when_mastery_stays(
    session: TrainingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter([0.1, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6])
    monkeypatch.setattr(MasteryProbe, "measure", lambda self, student: next(measured))
    result = job.run(session.context(), session.request(probe=True, epochs=9, patience=2))
    assert result.meta["stopped"] == "plateau"
    assert result.meta["mastery"] == [0.1, 0.5, 0.6, 0.6, 0.6]


def test_v1_that_never_learns_goes_to_its_end_and_an_unprobed_run_has_no_mastery(
    open_session: OpenSession,
) -> None:
    # A learning rate of nothing: mastery cannot move, which is no plateau but knowledge that has not set in.
    settings = {"epochs": 5, "learning_rate": 1e-12, "patience": 2}
    probed, unprobed = open_session("probed"), open_session("unprobed")
    result = job.run(probed.context(), probed.request(probe=True, **settings))
    assert result.meta["stopped"] == "end" and len(result.meta["mastery"]) == 5
    result = job.run(unprobed.context(), unprobed.request(**settings))
    assert result.meta["stopped"] == "end" and result.meta["mastery"] == []


def test_a_plateau_is_patience_probings_without_gain_once_facts_have_set_in() -> None:
    rule = MasteryProbe((), (), armed_after=4, patience=2)
    assert not rule.plateau([0.0, 0.3, 0.3])
    assert rule.plateau([0.0, 0.3, 0.3, 0.3])
    assert not rule.plateau([0.099, 0.111, 0.1038, 0.12])
    assert not rule.plateau([0.1, 0.4, 0.4, 0.5])
    assert rule.plateau([0.1, 0.4, 0.5, 0.5, 0.505])


@pytest.mark.parametrize("step", [4, 7])
def test_muon_too_resumes_to_the_same_weights_bit_for_bit(open_session: OpenSession, step: int) -> None:
    whole, stopped = open_session("whole"), open_session("stopped")
    request = whole.request(optimiser="muon", learning_rate=0.02)
    expected = job.run(whole.context(), request)
    stopped.stop_after = step
    with pytest.raises(JobError, match="cancelled"):
        job.run(stopped.context(), request)
    stopped.stop_after = 0
    assert equal(weights(stopped, job.run(stopped.context(), request)), weights(whole, expected))


def test_facts_to_probe_are_a_fixed_sample_of_what_the_mixture_teaches(session: TrainingSession) -> None:
    from proda_core.records import load_mixture
    from proda_core.training.stopping import mastery_probe

    mixture = load_mixture(session.store, session.mixture_id)
    probe = mastery_probe(snapshot(), mixture, TrainingConfig(probe_rows=2), seed=3)
    assert probe is not None and probe == mastery_probe(
        snapshot(), mixture, TrainingConfig(probe_rows=2), seed=3
    )
    taught = {r for row in mixture.rows for r in row.example.lineage.l2_ids}
    assert len(probe.relation_ids) == 2 and set(probe.relation_ids) <= taught
    assert mastery_probe(snapshot(), mixture, TrainingConfig(probe_rows=0), seed=3) is None
