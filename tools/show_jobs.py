"""show_jobs: the session's jobs, newest first, with how far each has come. Looks and starts nothing again."""

from __future__ import annotations

import asyncio

from proda_core.jobs import LocalExecutor
from proda_core.log import Record
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.paging import First, page_of
from tools.work import ProgressView, progress_view

_MOST = 30


class JobsArguments(ToolModel):
    first: First = 0


class JobView(ToolModel):
    """``state`` is queued, running, dead (its worker was lost; the next host goes on with it), finished, failed or cancelled."""

    job_id: str
    tool: str
    state: str
    progress: ProgressView | None
    started_at: str
    ended_at: str
    artifacts: dict[str, str]
    error: str


class JobsView(ToolModel):
    """A page of ``total`` jobs; ``next`` is the ``first`` of the page after it, null on the last."""

    total: int
    jobs: list[JobView]
    next: int | None


async def show_jobs(host: Host, arguments: JobsArguments) -> JobsView:
    return await asyncio.to_thread(_jobs, host, arguments)


def _jobs(host: Host, arguments: JobsArguments) -> JobsView:
    records = host.records()
    started = {r.body["job_id"]: r for r in records if r.kind == "intent" and "job_id" in r.body}
    ended = {r.key: r for r in records if r.kind == "outcome"}
    executor = host.owner.executor if host.owner is not None else LocalExecutor(host.folder.root)

    def show(intent: Record) -> JobView:
        status, outcome = executor.status(intent.body["job_id"]), ended.get(intent.key)
        return JobView(
            job_id=intent.body["job_id"],
            tool=intent.body["tool"],
            state=status.state.value,
            progress=None if status.progress is None else progress_view(status.progress),
            started_at=intent.at,
            ended_at=outcome.at if outcome else "",
            artifacts=dict(outcome.body["artifacts"]) if outcome else {},
            error=status.error or (outcome.body.get("error", "") if outcome else ""),
        )

    newest = sorted(started.values(), key=lambda intent: -intent.seq)
    page = page_of(newest, arguments.first, show, most=_MOST)
    return JobsView(total=len(newest), jobs=page.rows, next=page.next)


TOOL = Tool(
    "show_jobs",
    "The session's jobs, newest first, a page at a time: state, progress, when each began and ended, what it made or why it "
    "failed.",
    JobsArguments,
    JobsView,
    show_jobs,
    scope="read",
)
