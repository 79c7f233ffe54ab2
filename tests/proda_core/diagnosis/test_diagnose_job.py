"""The diagnose job: saved diagnoses, counts by kind, the right model, and nothing asked when nothing failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.config import DiagnosisConfig, StudentConfig
from proda_core.diagnosis.job import run
from proda_core.errors import BenchmarkError, JobError
from proda_core.jobs.contract import JobContext, JobRequest
from proda_core.records import load_diagnoses, save_report
from proda_core.students import ScriptedStudent, Student
from proda_core.types import EvalReport, Score, Split
from tests.fixtures_knowledge import benchmark, honest_world

PARAMS = {
    "base": "pocket",
    "base_digest": "0" * 64,
    "student": StudentConfig().model_dump(),
    "config": DiagnosisConfig().model_dump(),
    "seed": 3,
}


def load(base: str, digest: str, *, adapter: Path | None, config: StudentConfig, session: Path) -> Student:
    return ScriptedStudent(reply=lambda p: "Answer: A", score=lambda p, o: 0.0)


def prepared(folder: Path, *, right: bool = False, stop: bool = False) -> tuple[JobContext, JobRequest]:
    store = ArtifactStore(folder / "artifacts")
    world = honest_world(store)
    dev = tuple(
        Score(i.item_id, float(right), (i.gold_index + 1) % 4, i.gold_index)
        for i in benchmark().of(Split.DEV)
    )
    report = EvalReport("q_" + "1" * 16, "base", benchmark().digest, "cot", dev, (), ())
    save_report(store, report)
    inputs = {"snapshot": world.snapshot_id, "benchmark": world.benchmark_id, "report": report.report_id}
    context = JobContext(folder, folder / "scratch", store, lambda progress: None, lambda: stop)
    return context, JobRequest("diagnose", "proda_core.diagnosis.job:run", PARAMS, inputs)


def test_each_failed_dev_item_is_diagnosed_and_counted(tmp_path: Path) -> None:
    context, request = prepared(tmp_path)
    result = run(context, request, load=load)
    saved = load_diagnoses(context.store, result.artifacts["diagnosis"])
    assert [d.item_id for d in saved] == [i.item_id for i in benchmark().of(Split.DEV)]
    assert all(d.probes and d.detail for d in saved)
    meta = result.meta
    assert sum(meta["diagnoses"].values()) == meta["failures"] == 2
    assert meta["patchable"] + meta["unpatchable_sealed"] <= meta["failures"]
    assert run(context, request, load=load) == result


def test_no_failures_are_an_empty_diagnosis(tmp_path: Path) -> None:
    context, request = prepared(tmp_path, right=True)
    result = run(context, request, load=load)
    assert result.meta["failures"] == 0
    assert load_diagnoses(context.store, result.artifacts["diagnosis"]) == ()


def test_a_report_of_another_model_is_refused(tmp_path: Path) -> None:
    context, request = prepared(tmp_path)
    other = replace(request, inputs={**request.inputs, "adapter": "a_" + "1" * 16})
    with pytest.raises(BenchmarkError, match="diagnose the model that was scored"):
        run(context, other, load=load)


def test_a_job_asked_to_stop_ends_with_a_typed_error(tmp_path: Path) -> None:
    context, request = prepared(tmp_path, stop=True)
    with pytest.raises(JobError, match="cancelled"):
        run(context, request, load=load)
    assert list(context.store.list("diagnosis")) == []
