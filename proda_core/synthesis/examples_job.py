"""The synthesise job: snapshot and frozen benchmark in, initial Examples with their data report out.

The artifact's manifest names the benchmark it was written under (G5) and holds the report as meta and as a file.
"""

from __future__ import annotations

from proda_core.config import SynthesisConfig, TeacherConfig
from proda_core.errors import JobError
from proda_core.guard.lineage import LineageIndex
from proda_core.jobs import JobContext, JobRequest, JobResult, Progress
from proda_core.knowledge import load_snapshot
from proda_core.records import load_benchmark, save_examples
from proda_core.synthesis.data_report import data_report
from proda_core.synthesis.examples import build_examples
from proda_core.teachers.choosing import rewriter_from

_EVERY = 50
_EXTRACTION = ("teacher", "left_out", "chunks_set_aside")  # what the reading of the texts left out


def run(context: JobContext, request: JobRequest) -> JobResult:
    """Inputs: snapshot, benchmark. Params: config (SynthesisConfig), seed; teacher (TeacherConfig) where rows are reworded."""
    config = SynthesisConfig.model_validate(request.params["config"])
    index = LineageIndex(load_snapshot(context.store, request.inputs["snapshot"]))
    benchmark = load_benchmark(context.store, request.inputs["benchmark"])

    def on_row(done: int, total: int) -> None:
        if done % _EVERY == 0:
            if context.should_stop():
                raise JobError("cancelled")
            context.report(Progress(done, total, note="writing Examples"))

    reword = None
    if config.reworded_rows:
        teacher = TeacherConfig.model_validate(request.params["teacher"])
        reword = rewriter_from(teacher, context).reword
    seed = int(request.params["seed"])
    made = build_examples(index, benchmark, config, seed=seed, on_row=on_row, reword=reword)
    report = data_report(made.rows, index, benchmark, made.left_out)
    extracted = context.store.manifest("snapshot", request.inputs["snapshot"]).meta
    report["rewording"] = made.rewording
    report["extraction"] = {name: extracted[name] for name in _EXTRACTION if name in extracted}
    manifest = save_examples(
        context.store, made.rows, benchmark=benchmark, meta={"report": report}, report=report
    )
    return JobResult({"examples": manifest.artifact_id}, {"rows": len(made.rows), "report": report})
