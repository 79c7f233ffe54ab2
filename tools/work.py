"""The one path of every consequential call: intent in the log, budget, the act, outcome in the log.

A call's key is made from its tool, its arguments and the round, so the same call again is the same intent, the same job and the
same outcome. A job's request is written into its intent before it is submitted; a host that was killed in between finds the
intent and submits that request, not a new one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from proda_core.clock import written
from proda_core.errors import BudgetExhausted, GuardRefusal, JobError, ProdaError, ToolError
from proda_core.ids import canonical_json, make_id
from proda_core.jobs import JobRequest, JobState, JobStatus, Progress
from proda_core.knowledge.store import KnowledgeStore
from proda_core.ledger import Resource, read_money
from proda_core.log import Record
from proda_core.serialize import from_plain, to_plain
from tools.base import ToolModel
from tools.book import Book, read_book
from tools.host import Host
from tools.pins import pins_of, refuse_changed

_MOST_LOGGED_BYTES = 4096  # of a refused call's arguments
_LONGEST_MESSAGE = 1000


class ProgressView(ToolModel):
    """``done`` of ``total`` units, seconds left where known, and a short note."""

    done: float
    total: float
    eta_s: float | None
    note: str


class JobHandle(ToolModel):
    """A job as a client sees it. ``artifacts`` and ``meta`` are filled once ``state`` is finished; sealed items never are.

    ``started_at`` is when the session first asked for it, ``changed_at`` when it last said anything (both UTC).
    ``exit_code`` is the typed error's own when the job failed, else 0. ``stop_now``: somebody wants the session to end at once;
    cancel the job and finish.
    """

    job_id: str
    tool: str
    state: Literal["running", "finished", "failed", "cancelled"]
    started_at: str
    changed_at: str
    progress: ProgressView | None
    artifacts: dict[str, str]
    meta: dict[str, Any]
    error: str
    exit_code: int
    wall_left_s: float | None
    stop_now: bool


def knowledge_of(host: Host) -> KnowledgeStore:
    """The graph to ask: the owner's own, or a reader's copy of the snapshot; ToolError before there is one."""
    if host.owner is not None or host.copy is None:
        return host.own.knowledge
    snapshot_id = book_of(host).need("snapshot_id")
    return host.copy.of(host.store, snapshot_id)


def book_of(host: Host) -> Book:
    """The session's book, folded from its log."""
    return read_book(host.records())


@dataclass(frozen=True, slots=True)
class Call:
    """A consequential call: its tool, its arguments and the intent it stands under, if that was written already."""

    tool: str
    arguments: dict[str, Any]
    attempt: int
    intent: Record | None
    outcome: Record | None

    @property
    def key(self) -> str:
        """The idempotency key; a failed attempt is followed by the next one under a key of its own."""
        return make_id("o", self.tool, self.arguments, self.attempt)


def find_call(host: Host, tool: str, arguments: dict[str, Any]) -> Call:
    """The call as the log knows it: the attempt that succeeded or is under way, else the next one."""
    attempt = 1
    while True:
        call = Call(tool, arguments, attempt, None, None)
        intent, outcome = host.own.log.find("intent", call.key), host.own.log.find("outcome", call.key)
        if outcome is None or outcome.body["ok"]:
            return replace(call, intent=intent, outcome=outcome)
        attempt += 1


async def start_job(host: Host, tool: str, arguments: dict[str, Any], request: JobRequest) -> JobHandle:
    """Write the intent, then submit. The same call again attaches to the same job, whatever state it is in."""
    return await asyncio.to_thread(_start_job, host, tool, arguments, request)


def _start_job(host: Host, tool: str, arguments: dict[str, Any], request: JobRequest) -> JobHandle:
    own = host.own
    call = find_call(host, tool, arguments)
    if call.intent is not None:
        request = from_plain(JobRequest, call.intent.body["request"])
    else:
        check_budget(host)
        refuse_changed(host, request.inputs.values())
        body = {"tool": tool, "arguments": arguments, "job_id": request.job_id, "request": to_plain(request)}
        own.log.append_once("intent", call.key, body, budget=own.ledger.budget_view())
    if call.outcome is None:
        status = own.executor.submit(request, retry=_ended_badly(own.executor.status(request.job_id)))
        own.ledger.note_job(request.job_id, request.kind, state=status.state.value, attempts=call.attempt)
    return job_handle(host, request.job_id)


def _ended_badly(status: JobStatus) -> bool:
    return status.state in (JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Performed:
    """What an act made: artifact IDs by kind, and the figures its outcome keeps."""

    artifacts: dict[str, str]
    meta: dict[str, Any]


def perform(host: Host, tool: str, arguments: dict[str, Any], act: Callable[[], Performed]) -> Performed:
    """A consequential call that is no job: intent, act, outcome. Done already: its outcome, and nothing is done again.

    An expected error is the outcome too (``ok`` false) and is raised on.
    """
    call = find_call(host, tool, arguments)
    if call.outcome is not None:
        return Performed(dict(call.outcome.body["artifacts"]), dict(call.outcome.body["meta"]))
    own = host.own
    body = {"tool": tool, "arguments": arguments}
    intent = own.log.append_once("intent", call.key, body, budget=own.ledger.budget_view())
    try:
        made = act()
    except ProdaError as error:
        write_outcome(host, intent, Performed({}, {}), error=f"{type(error).__name__}: {error}")
        raise
    write_outcome(host, intent, made)
    return made


def check_budget(host: Host) -> None:
    """Refuse to start work when a budget is spent; BudgetExhausted names it."""
    measure_money(host)
    budget = host.own.ledger.budget()
    spent = budget.exhausted()
    if spent is not None and spent is not Resource.ROUNDS:  # rounds are reserved where a round begins
        raise BudgetExhausted(spent.value, 1, 0)


def job_handle(host: Host, job_id: str) -> JobHandle:
    """The job's state now; a job that finished or failed gets its outcome written into the log first, once."""
    own = host.own
    intent = intent_of_job(host, job_id)
    status = own.executor.tend(job_id)
    measure_money(host)
    if status.state is JobState.FINISHED:
        settle(host, intent, status)
    elif status.state is JobState.FAILED:
        settle_failure(host, intent, status)
    outcome = own.log.find("outcome", intent.key)
    done = status.progress
    return JobHandle(
        job_id=job_id,
        tool=str(intent.body["tool"]),
        state=_VIEW[status.state],
        started_at=intent.at,
        changed_at=intent.at if status.changed_at is None else written(status.changed_at),
        progress=None if done is None else progress_view(done),
        artifacts=dict(outcome.body["artifacts"]) if outcome else {},
        meta=dict(outcome.body["meta"]) if outcome else {},
        error=status.error or "",
        exit_code=status.failure.exit_code if status.failure else 0,
        wall_left_s=own.ledger.left("wall_s"),
        stop_now=host.folder.stops_now(),
    )


def progress_view(done: Progress) -> ProgressView:
    """A job's progress as a client sees it."""
    return ProgressView(done=float(done.done), total=float(done.total), eta_s=done.eta_s, note=done.note)


def intent_of_job(host: Host, job_id: str) -> Record:
    """The newest intent that started this job; ToolError when this session started no such job."""
    for record in reversed(host.records()):
        if record.kind == "intent" and record.body.get("job_id") == job_id:
            return record
    raise ToolError(f"no job {job_id} was started by this session")


_VIEW: dict[JobState, Literal["running", "finished", "failed", "cancelled"]] = {
    JobState.UNKNOWN: "running",
    JobState.QUEUED: "running",
    JobState.RUNNING: "running",
    JobState.DEAD: "running",
    JobState.FINISHED: "finished",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}


def settle(host: Host, intent: Record, status: JobStatus) -> None:
    """Commit what a finished job made (the host's part) and write its outcome, once."""
    own = host.own
    if own.log.find("outcome", intent.key) is not None:
        return
    if status.result is None:
        raise JobError(f"job {intent.body['job_id']} finished without a result; delete its folder and resume")
    if intent.body["tool"] == "extract_knowledge":
        commit_knowledge(host, status.result.artifacts["snapshot"])
    write_outcome(host, intent, Performed(dict(status.result.artifacts), dict(status.result.meta)))


def settle_failure(host: Host, intent: Record, status: JobStatus) -> None:
    """Write a failed job's outcome, once; where a guard refused in the worker, the refusal with its rows first."""
    failure = status.failure
    if failure is None or host.own.log.find("outcome", intent.key) is not None:
        return
    if failure.refusals:
        refuse(host, intent.body["tool"], intent.body["arguments"], GuardRefusal(failure.refusals))
    write_outcome(host, intent, Performed({}, {}), error=status.error or "")


def commit_knowledge(host: Host, snapshot_id: str) -> None:
    """Bulk-load a snapshot into Kùzu and hold the graph to zero orphans, by query."""
    knowledge = host.own.knowledge
    knowledge.load(host.store.checked("snapshot", snapshot_id), snapshot_id)
    knowledge.check_orphans()


def write_outcome(host: Host, intent: Record, made: Performed, *, error: str = "") -> None:
    """The outcome of an intent, with the budget after it. An ``error`` closes the attempt as failed."""
    own = host.own
    own.ledger.measure(Resource.DISK_BYTES, host.folder.disk_bytes())
    measure_money(host)
    body = {
        "ok": not error,
        "tool": intent.body["tool"],
        "arguments": intent.body["arguments"],
        "artifacts": made.artifacts,
        **pins_of(host, made.artifacts),
        "meta": made.meta,
        **({"error": error} if error else {}),
    }
    own.log.append_once("outcome", intent.key, body, budget=own.ledger.budget_view())


def measure_money(host: Host) -> None:
    """The money meter goes by the journal of calls, which workers keep; what is reserved there counts."""
    spent, ledger = read_money(host.folder.calls), host.own.ledger
    if spent != ledger.budget().money.used:
        ledger.measure(Resource.MONEY, spent)


def close_open_calls(host: Host, why: str) -> None:
    """Give every call still open its outcome before the session's last word: what ended it."""
    for intent in host.own.log.open_intents():
        job_id = str(intent.body.get("job_id", ""))
        if job_id and job_handle(host, job_id).state in ("finished", "failed"):
            continue
        if job_id:
            host.own.executor.cancel(job_id)
        write_outcome(host, intent, Performed({}, {}), error=why)


def refuse(host: Host, tool: str, arguments: dict[str, Any], error: ProdaError) -> None:
    """Log a refusal; a guard's carries the rows it names. Arguments too large or odd for a log are kept as size and digest."""
    own, arguments = host.own, _loggable(arguments)
    rows = [to_plain(r) for r in error.refusals[:50]] if isinstance(error, GuardRefusal) else []
    body = {
        "tool": tool,
        "arguments": arguments,
        "error": type(error).__name__,
        "message": str(error)[:_LONGEST_MESSAGE],
        "refusals": rows,
    }
    own.log.append(
        "refusal", make_id("o", "refusal", tool, arguments, str(error)), body, budget=own.ledger.budget_view()
    )


def _loggable(arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        plain = canonical_json(arguments)
    except (ValueError, RecursionError):  # a lone surrogate, NaN, endless digits, a thousand levels
        return {"not_json": True}
    if len(plain) <= _MOST_LOGGED_BYTES:
        return arguments
    return {"bytes": len(plain), "sha256": hashlib.sha256(plain).hexdigest()}
