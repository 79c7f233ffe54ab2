"""What a session's first repair round starts from, as the repair bench needs it: read from its book, changing nothing."""

from __future__ import annotations

from evals.repair import Material
from proda_core.errors import ToolError
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
