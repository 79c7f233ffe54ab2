"""The score job: a whole report, aggregate meta, the same request giving the same artifact, and cancellation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.job import run
from evals.questions import general_params
from evals.withdrawals import Withdrawal, append_withdrawals
from proda_core.artifacts import ArtifactStore
from proda_core.config import GeneralConfig, StudentConfig
from proda_core.errors import JobError, StudentError
from proda_core.jobs.contract import JobContext, JobRequest, Progress
from proda_core.records import load_report, save_benchmark
from proda_core.student_jobs import open_student
from proda_core.students import ScriptedStudent, Student
from tests.evals.reports import benchmark

BENCH = benchmark()
REQUEST = JobRequest(
    kind="score",
    entry_point="evals.job:run",
    params={
        "base": "pocket",
        "base_digest": "0" * 64,
        "student": StudentConfig().model_dump(),
        "general": GeneralConfig(suite_items=20).model_dump(),
        "seed": 3,
    },
    inputs={"benchmark": BENCH.benchmark_id},
)


def context(folder: Path, *, reports: list[Progress] | None = None, stop: bool = False) -> JobContext:
    store = ArtifactStore(folder / "artifacts")
    save_benchmark(store, BENCH)
    seen = reports if reports is not None else []
    return JobContext(folder, folder / "scratch", store, seen.append, lambda: stop)


def load(base: str, digest: str, *, adapter: Path | None, config: StudentConfig, session: Path) -> Student:
    return ScriptedStudent(reply=lambda p: "Answer: B", score=lambda p, o: 0.0)


def test_the_report_is_saved_whole_and_the_meta_is_aggregate_only(tmp_path: Path) -> None:
    seen: list[Progress] = []
    made = context(tmp_path, reports=seen)
    result = run(made, REQUEST, load=load)
    report = load_report(made.store, result.artifacts["report"])
    assert (len(report.dev), len(report.sealed), len(report.general)) == (40, 40, 20)
    assert (report.model, report.scoring, report.benchmark_digest) == ("base", "cot", BENCH.digest)
    text = json.dumps(result.meta)
    assert not any(i.item_id in text or i.stem in text for i in BENCH.items)
    assert result.meta["sealed"]["accuracy"]["n"] == 40
    assert result.meta["dev"]["accuracy"]["value"] == 0.25
    assert seen[-1].done == seen[-1].total == 100


def test_questions_of_the_operators_own_are_general_skill_told_apart_by_subject(tmp_path: Path) -> None:
    path = tmp_path / "quiz.jsonl"
    rows = [
        {"question": f"Q{n}?", "options": ["x", "y"], "answer": n % 2, "subject": "quiz"} for n in range(4)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    params = {**REQUEST.params, **general_params(GeneralConfig(suite_items=20, questions=(str(path),)))}
    seen: list[Progress] = []
    made = context(tmp_path, reports=seen)
    asked = JobRequest(REQUEST.kind, REQUEST.entry_point, params, REQUEST.inputs)
    result = run(made, asked, load=load)
    assert result.meta["general"]["accuracy"]["n"] == 24 and seen[-1].done == seen[-1].total == 104
    quiz = result.meta["general"]["slices"]["kind"]["quiz"]
    assert (quiz["n"], quiz["value"]) == (4, 0.5)


def test_the_saved_file_holds_no_sealed_text(tmp_path: Path) -> None:
    made = context(tmp_path)
    result = run(made, REQUEST, load=load)
    path = made.store.file("report", result.artifacts["report"], "report.json")
    sealed = json.loads(path.read_text(encoding="utf-8"))["sealed"]
    assert {(row["output"], row["answer"]) for row in sealed} == {("", None)}


def test_the_same_request_gives_the_same_report_and_another_model_another(tmp_path: Path) -> None:
    first = run(context(tmp_path / "a"), REQUEST, load=load)
    again = run(context(tmp_path / "b"), REQUEST, load=load)
    adapted = JobRequest(
        REQUEST.kind, REQUEST.entry_point, REQUEST.params, {**REQUEST.inputs, "adapter": "a_" + "1" * 16}
    )
    there = context(tmp_path / "a")
    there.store.make("adapter", "a_" + "1" * 16, lambda folder: None)
    other = run(there, adapted, load=load)
    assert first == again
    assert other.artifacts != first.artifacts
    assert other.meta["model"] == "a_" + "1" * 16


def test_the_sessions_withdrawals_are_left_out(tmp_path: Path) -> None:
    made = context(tmp_path)
    append_withdrawals(tmp_path, [Withdrawal(BENCH.items[0].item_id, "two true options")], BENCH)
    result = run(made, REQUEST, load=load)
    assert result.meta["dev"]["withdrawn"] == 1
    assert result.meta["dev"]["accuracy"]["n"] == 39


def test_a_job_asked_to_stop_ends_with_a_typed_error_and_no_report(tmp_path: Path) -> None:
    made = context(tmp_path, stop=True)
    with pytest.raises(JobError, match="cancelled after 80 of 100"):
        run(made, REQUEST, load=load)
    assert list(made.store.list("report")) == []


def test_another_base_than_the_sessions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(StudentError, match=r"digest|tokenizer|folder"):
        open_student(str(tmp_path), "0" * 64, adapter=None, config=StudentConfig(), session=tmp_path)
