"""get_status: what the session is doing now, in a page."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any

from proda_core.jobs import JobState, LocalExecutor, Progress
from proda_core.log import Record
from proda_core.serialize import to_plain
from tools.base import NoArguments, Tool, ToolModel
from tools.book import Book, read_book
from tools.host import Host
from tools.steering import Steering, read_steering
from tools.work import ProgressView, progress_view

_LASTING_S = 0.25  # shorter than a worker takes to say anything new


class StatusView(ToolModel):
    """``state`` is running, waiting or finished; ``now`` says what in words and ``progress`` how far the running job has come;
    ``budget`` left by resource. ``paused`` says by whom and why; ``waiting_requests`` are operators' requests that the next
    decision will take; ``tools_digest`` is of the tools' schemas.
    """

    session: str
    state: str
    now: str
    progress: ProgressView | None
    rounds: int
    incumbent: str
    decisions: int
    last_decision: str
    stop_reason: str
    paused: str
    stop_requested: bool
    waiting_requests: int
    host: str
    budget: dict[str, str]
    artifacts: dict[str, str]
    tools_digest: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What many clients that ask at once share: the log so far, the job under way and the budget."""

    book: Book
    decisions: tuple[dict[str, Any], ...]
    steering: Steering
    under_way: tuple[str, Progress | None] | None
    budget: dict[str, str]


def _see(host: Host) -> _Seen:
    records = host.records()
    book = read_book(records)
    return _Seen(
        book,
        tuple(r.body["decision"] for r in records if r.kind == "decision"),
        read_steering(records),
        None if book.stop_reason else _under_way(host, records),
        _budget(host) if host.folder.ledger.exists() else {},
    )


async def get_status(host: Host, _arguments: NoArguments) -> StatusView:
    seen = host.at_head("status", lambda: _see(host), lasting_s=_LASTING_S)
    book, decisions, under_way = seen.book, seen.decisions, seen.under_way
    now = "finished" if book.stop_reason else _say(under_way)
    steering = copy.deepcopy(seen.steering)
    waiting = steering.waiting(host.inbox)
    for request in waiting:
        steering.take(asdict(request))
    return StatusView(
        session=host.folder.name,
        state="finished" if book.stop_reason else "running" if now else "waiting",
        now=now or "nothing runs; proda resume goes on",
        progress=progress_view(under_way[1]) if under_way and under_way[1] else None,
        rounds=max(0, len(book.rounds) - 1),
        incumbent=book.incumbent.adapter_id if book.incumbent else "",
        decisions=len(decisions),
        last_decision=f"{decisions[-1]['kind']}: {decisions[-1]['reason']}" if decisions else "",
        stop_reason=book.stop_reason,
        paused=steering.paused,
        stop_requested=bool(steering.stop) or host.folder.stops_now(),
        waiting_requests=len(waiting),
        host=host.folder.host(),
        budget=seen.budget,
        artifacts={
            name: getattr(book, f"{name}_id")
            for name in ("corpus", "snapshot", "benchmark", "examples")
            if getattr(book, f"{name}_id")
        },
        tools_digest=host.tools_digest,
    )


def _under_way(host: Host, records: tuple[Record, ...]) -> tuple[str, Progress | None] | None:
    """The tool of the newest call without an outcome whose job runs, and how far it is; None when nothing is under way."""
    closed = {r.key for r in records if r.kind == "outcome"}
    for record in reversed(records):
        if record.kind != "intent" or record.key in closed:
            continue
        status = LocalExecutor(host.folder.root).status(str(record.body.get("job_id", "")) or "j_" + "0" * 16)
        if status.state is JobState.RUNNING:
            return str(record.body["tool"]), status.progress
    return None


def _say(under_way: tuple[str, Progress | None] | None) -> str:
    if under_way is None:
        return ""
    tool, done = under_way
    return f"{tool} {'' if done is None else f'{done.done:g} of {done.total:g} {done.note}'}".strip()


def _budget(host: Host) -> dict[str, str]:
    view: dict[str, Any] = to_plain(host.budget())
    return {
        name: f"{meter['used']:g} of {'unlimited' if meter['limit'] is None else format(meter['limit'], 'g')}"
        for name, meter in view.items()
    }


TOOL = Tool(
    "get_status",
    "What the session is doing now: the running job, rounds, the incumbent, the last decision and the budget.",
    NoArguments,
    StatusView,
    get_status,
    scope="read",
)
