"""diagnose_failures: ask the student why each failed dev item failed."""

from __future__ import annotations

from proda_core.jobs import JobRequest
from tools.base import ID, Tool, ToolModel
from tools.host import Host
from tools.same_student import session_student
from tools.work import JobHandle, book_of, start_job


class DiagnoseArguments(ToolModel):
    report_id: ID


async def diagnose_failures(host: Host, arguments: DiagnoseArguments) -> JobHandle:
    book = book_of(host)
    entry = book.round_of(report_id=arguments.report_id)
    config = host.config
    params = {
        **session_student(host),
        "config": config.diagnosis.model_dump(mode="json"),
    }
    inputs = {
        "snapshot": book.need("snapshot_id"),
        "benchmark": book.need("benchmark_id"),
        "report": arguments.report_id,
        "adapter": entry.adapter_id,
    }
    request = JobRequest("diagnose", "proda_core.diagnosis.job:run", params, inputs)
    return await start_job(host, "diagnose_failures", {"report_id": arguments.report_id}, request)


TOOL = Tool(
    "diagnose_failures",
    "Probe the student on every concept and relation behind each failed dev item and say why it failed. Returns a job handle.",
    DiagnoseArguments,
    JobHandle,
    diagnose_failures,
)
