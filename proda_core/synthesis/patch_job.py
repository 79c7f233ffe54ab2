"""The patch job: snapshot, frozen benchmark and diagnoses in; patch and scaffold rows out.

What could not be patched is counted in the manifest, never topped up. It reads no item's text and no sealed item.
"""

from __future__ import annotations

from proda_core.config import MixtureConfig
from proda_core.errors import JobError
from proda_core.guard.lineage import LineageIndex
from proda_core.jobs import JobContext, JobRequest, JobResult, Progress
from proda_core.knowledge import load_snapshot
from proda_core.records import load_benchmark, load_diagnoses, save_patch
from proda_core.synthesis.patches import build_patch


def run(context: JobContext, request: JobRequest) -> JobResult:
    """Inputs: snapshot, benchmark, diagnosis. Params: config (MixtureConfig), seed."""
    config = MixtureConfig.model_validate(request.params["config"])
    context.report(Progress(0, 2, note="reading graph and diagnoses"))
    index = LineageIndex(load_snapshot(context.store, request.inputs["snapshot"]))
    benchmark = load_benchmark(context.store, request.inputs["benchmark"])
    diagnoses = load_diagnoses(context.store, request.inputs["diagnosis"])
    if context.should_stop():
        raise JobError("cancelled")
    context.report(Progress(1, 2, note=f"writing rows for {len(diagnoses)} diagnoses"))
    made = build_patch(index, benchmark, diagnoses, config, seed=int(request.params["seed"]))
    manifest = save_patch(context.store, made.rows, benchmark=benchmark, meta=made.figures())
    context.report(Progress(2, 2, note=f"{len(made.rows)} rows"))
    return JobResult({"patch": manifest.artifact_id}, {"rows": len(made.rows), **made.figures()})
