"""What benches need of a session: what its first repair round starts from, and the reports of its models. Nothing is changed."""

from __future__ import annotations

from evals.repair import Material
from proda_core.errors import ToolError
from proda_core.records import load_report
from proda_core.types import Benchmark, EvalReport
from tools.host import Host
from tools.work import book_of


def first_round(host: Host) -> Material:
    """V1 with its report and diagnosis; ToolError when the session has not come that far."""
    book = book_of(host)
    v1 = next((entry for entry in book.rounds if entry.kind == "v1"), None)
    if v1 is None or not v1.diagnosis_id:
        raise ToolError(
            f"session {host.folder.name} has no diagnosis of V1 yet: run it as far as that with proda run or proda resume"
        )
    return Material(
        session=host.folder.name,
        config=host.config,
        store=host.store,
        snapshot_id=book.need("snapshot_id"),
        benchmark_id=book.need("benchmark_id"),
        examples_id=book.need("examples_id"),
        adapter_id=v1.adapter_id,
        report_id=v1.report_id,
        base_report_id=book.need("base_report_id"),
        diagnosis_id=v1.diagnosis_id,
    )


def trained_reports(host: Host) -> tuple[Benchmark, list[EvalReport]]:
    """The benchmark with the reports of every trained model, V1's first; ToolError when there is none."""
    book = book_of(host)
    reports = [load_report(host.store, entry.report_id) for entry in book.rounds if entry.report_id]
    if not reports:
        raise ToolError(
            f"session {host.folder.name} has evaluated no trained model yet: go on with proda resume"
        )
    return host.benchmark(book.need("benchmark_id")), reports
