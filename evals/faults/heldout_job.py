"""The held-out job: what a model knows and can join by held-out probes. Its result's ``meta`` is the answer.

Inputs snapshot, benchmark (for its scoring) and adapter; params nodes, chains and what every job that asks a student is told.
"""

from __future__ import annotations

from evals.faults.heldout import HeldOut, joined_of, known_of
from proda_core.config import StudentConfig
from proda_core.jobs import JobContext, JobRequest, JobResult
from proda_core.knowledge import load_snapshot
from proda_core.records import load_benchmark
from proda_core.student_jobs import StudentLoader, open_student, requested_student, ticker


def run(context: JobContext, request: JobRequest, *, load: StudentLoader = open_student) -> JobResult:
    """Ask about ``nodes`` and ``chains``; ``load`` is where another way to open a student plugs in."""
    writer = HeldOut(load_snapshot(context.store, request.inputs["snapshot"]))
    probes = writer.of_nodes(request.params["nodes"])
    walks = writer.of_chains(request.params["chains"])
    tick = ticker(context, len(probes) + len(walks), note="held-out probes")
    student = requested_student(context, request, load)
    known = known_of(student, probes) if probes else {}
    tick(len(probes))
    scoring = load_benchmark(context.store, request.inputs["benchmark"]).scoring
    tokens = StudentConfig.model_validate(request.params["student"]).max_new_tokens
    joined = joined_of(student, walks, scoring=scoring, max_new_tokens=tokens) if walks else {}
    tick(len(walks))
    return JobResult({}, {"known": known, "joined": joined})
