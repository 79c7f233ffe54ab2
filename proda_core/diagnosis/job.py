"""The diagnose job: why the failed dev items of a report failed, asked of the model that the report is of.

Inputs snapshot, benchmark, report and, unless the model is the base, adapter; params base, base_digest, student, config, seed.
It refuses a report of another model than the one given: another student's probes would explain nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from proda_core.config import DiagnosisConfig, StudentConfig
from proda_core.diagnosis.diagnose import PATCHABLE, diagnose, is_patchable
from proda_core.diagnosis.failures import failures_of
from proda_core.diagnosis.setting import Setting
from proda_core.errors import BenchmarkError
from proda_core.jobs.contract import JobContext, JobRequest, JobResult
from proda_core.knowledge import load_snapshot
from proda_core.records import load_benchmark, load_report, save_diagnoses
from proda_core.student_jobs import StudentLoader, open_student, requested_student, ticker
from proda_core.types import Diagnosis, DiagnosisKind, KnowledgeSnapshot


def run(context: JobContext, request: JobRequest, *, load: StudentLoader = open_student) -> JobResult:
    """Diagnose and save; ``load`` is where another way to open a student plugs in."""
    params, inputs = request.params, request.inputs
    report = load_report(context.store, inputs["report"])
    model = inputs.get("adapter", "base")
    if report.model != model:
        raise BenchmarkError(
            f"report {report.report_id} is of {report.model}, not of {model}; diagnose the model that was scored"
        )
    setting = Setting(
        snapshot=load_snapshot(context.store, inputs["snapshot"]),
        benchmark=load_benchmark(context.store, inputs["benchmark"]),
        config=DiagnosisConfig.model_validate(params["config"]),
        seed=int(params["seed"]),
        max_new_tokens=StudentConfig.model_validate(params["student"]).max_new_tokens,
    )
    failures = failures_of(report, setting.benchmark)
    tick = ticker(context, 2 * len(failures), note=f"diagnosing {len(failures)} failures of {model}")
    found = diagnose(requested_student(context, request, load), failures, setting, tick=tick)
    meta = count_diagnoses(found, setting.snapshot, setting.benchmark.sealed_l2_ids())
    manifest = save_diagnoses(context.store, found, report_id=report.report_id, meta=meta)
    return JobResult(artifacts={"diagnosis": manifest.artifact_id}, meta=meta)


def count_diagnoses(
    found: tuple[Diagnosis, ...], snapshot: KnowledgeSnapshot, sealed: frozenset[str]
) -> dict[str, Any]:
    """Failures, diagnoses by kind, how many a patch may be written for, how many sealed relations forbid it for, and how many
    deficits have a fact that is known alone and not recalled in a chain of thought.
    """
    kinds = Counter(diagnosis.kind for diagnosis in found)
    wanted = [diagnosis for diagnosis in found if diagnosis.kind in PATCHABLE]
    patchable = sum(is_patchable(diagnosis, snapshot, sealed) for diagnosis in wanted)
    return {
        "failures": len(found),
        "diagnoses": {kind.value: kinds[kind] for kind in DiagnosisKind},
        "patchable": patchable,
        "not_recalled_in_chain": sum(
            bool(d.nodes) for d in found if d.kind is DiagnosisKind.REASONING_DEFICIT
        ),
        "unpatchable_sealed": len(wanted) - patchable,
    }
