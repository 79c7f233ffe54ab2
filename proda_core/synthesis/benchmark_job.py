"""The benchmark job: snapshot in, frozen benchmark out, before any Example exists (G5).

Its manifest carries counts in aggregate alone. BenchmarkError and TooFewGroups end the job; a shortage of items does not.
"""

from __future__ import annotations

from proda_core.config import BenchmarkConfig
from proda_core.errors import JobError
from proda_core.jobs import JobContext, JobRequest, JobResult, Progress
from proda_core.knowledge import load_snapshot
from proda_core.records import save_benchmark
from proda_core.synthesis.benchmark import build_benchmark


def run(context: JobContext, request: JobRequest) -> JobResult:
    """Inputs: snapshot. Params: config (BenchmarkConfig), seed."""
    config = BenchmarkConfig.model_validate(request.params["config"])
    context.report(Progress(0, 2, note="reading the graph"))
    snapshot = load_snapshot(context.store, request.inputs["snapshot"])
    if context.should_stop():
        raise JobError("cancelled")
    context.report(Progress(1, 2, note="packing chains and choosing distractors"))
    build = build_benchmark(snapshot, config, seed=int(request.params["seed"]))
    save_benchmark(context.store, build.benchmark)
    context.report(Progress(2, 2, note=f"{len(build.benchmark.items)} items frozen"))
    return JobResult({"benchmark": build.benchmark.benchmark_id}, {**build.figures()})
