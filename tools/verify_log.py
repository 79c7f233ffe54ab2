"""verify_log: check the decision log's hash chain and completeness without repairing anything."""

from __future__ import annotations

import asyncio

from proda_core.log import verify
from tools.base import NoArguments, Tool, ToolModel
from tools.host import Host


class VerifyView(ToolModel):
    """``first_bad`` names the first bad record ("" when none); ``cannot_detect`` what this check is blind to."""

    ok: bool
    records: int
    integrity: str
    authenticity: str
    completeness: str
    anchoring: str
    first_bad: str
    problems: list[str]
    cannot_detect: list[str]


async def verify_log(host: Host, _arguments: NoArguments) -> VerifyView:
    report = await asyncio.to_thread(verify, host.folder.decisions, store=host.store)
    return VerifyView(
        ok=report.ok,
        records=report.records,
        integrity=report.integrity,
        authenticity=report.authenticity,
        completeness=report.completeness,
        anchoring=report.anchoring,
        first_bad=report.first_bad,
        problems=list(report.problems),
        cannot_detect=list(report.cannot_detect),
    )


TOOL = Tool(
    "verify_log",
    "Verify the decision log: integrity of every byte, completeness against the artifacts on disk; names the first bad record.",
    NoArguments,
    VerifyView,
    verify_log,
    scope="read",
)
