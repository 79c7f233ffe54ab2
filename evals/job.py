"""The score job: one model on the frozen benchmark and on the general suite, saved as an EvalReport.

Inputs ``benchmark`` and, unless the model is the base, ``adapter``; params base, base_digest, student, seed, general,
questions. What it returns in ``meta`` is aggregate only. Withdrawn items are not asked; the frozen benchmark stays as it is.
"""

from __future__ import annotations

from evals.benchmark_eval import BenchmarkScores, score_benchmark
from evals.general_suite import score_suite, suite
from evals.questions import questions_of, score_questions
from evals.summary import summarise
from evals.withdrawals import read_withdrawals
from proda_core.config import GeneralConfig, StudentConfig
from proda_core.jobs.contract import JobContext, JobRequest, JobResult
from proda_core.records import artifact_id, load_benchmark, rows_digest, save_report
from proda_core.serialize import to_plain
from proda_core.student_jobs import StudentLoader, open_student, requested_student, ticker
from proda_core.types import Benchmark, EvalReport, Score


def run(context: JobContext, request: JobRequest, *, load: StudentLoader = open_student) -> JobResult:
    """Score and save; ``load`` is where another way to open a student plugs in."""
    params, model = request.params, request.inputs.get("adapter", "base")
    benchmark = load_benchmark(context.store, request.inputs["benchmark"])
    tokens = StudentConfig.model_validate(params["student"]).max_new_tokens
    settings, seed = GeneralConfig.model_validate(params["general"]), int(params["seed"])
    tasks = suite(seed=seed, count=settings.suite_items)
    questions = questions_of(settings, seed=seed)
    withdrawn = {withdrawal.item_id for withdrawal in read_withdrawals(context.session)}
    tick = ticker(context, len(benchmark.items) + len(tasks) + len(questions), note=f"scoring {model}")
    student = requested_student(context, request, load)
    scores = score_benchmark(student, benchmark, max_new_tokens=tokens, withdrawn=withdrawn, tick=tick)
    general = (
        *score_suite(student, tasks, max_new_tokens=tokens, tick=tick),
        *score_questions(student, questions, tick=tick),
    )
    report = _report(f"{model}:{params['base_digest']}", model, benchmark, scores, general)
    save_report(context.store, report)
    meta = {"model": model, "scoring": report.scoring, **to_plain(summarise(report))}
    return JobResult(artifacts={"report": report.report_id}, meta=meta)


def _report(
    key: str, model: str, benchmark: Benchmark, scores: BenchmarkScores, general: tuple[Score, ...]
) -> EvalReport:
    """The report under an ID made from its whole content."""
    content = rows_digest([*scores.dev, *scores.sealed, *general])
    return EvalReport(
        report_id=artifact_id("report", key, benchmark.digest, content),
        model=model,
        benchmark_digest=benchmark.digest,
        scoring=benchmark.scoring.value,
        dev=scores.dev,
        sealed=scores.sealed,
        general=general,
    )
