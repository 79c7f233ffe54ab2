"""finish_session: record why the session ended. The log's last word; resuming a finished session is a no-op."""

from __future__ import annotations

import asyncio

from proda_core.ids import make_id
from proda_core.types import StopReason
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.record_decision import Recorded
from tools.work import book_of, close_open_calls


class FinishArguments(ToolModel):
    """``detail`` is one sentence."""

    reason: StopReason
    detail: str


async def finish_session(host: Host, arguments: FinishArguments) -> Recorded:
    return await asyncio.to_thread(_finish, host, arguments)


def _finish(host: Host, arguments: FinishArguments) -> Recorded:
    own = host.own
    reason = arguments.reason
    close_open_calls(host, f"session stopped: {reason.value}")
    book = book_of(host)
    body = {
        "event": "finished",
        "stop_reason": reason.value,
        "detail": arguments.detail,
        "incumbent": book.incumbent.adapter_id if book.incumbent else "",
    }
    if book.stop_reason == reason.value:  # nothing was done since: the same end
        record = next(r for r in reversed(own.log.records) if r.body.get("event") == "finished")
    else:
        key = make_id("o", "finished", body, len(own.log.records))
        record = own.log.append_once("session", key, body, budget=own.ledger.budget_view())
    return Recorded(seq=record.seq, hash=record.hash)


TOOL = Tool(
    "finish_session",
    "Record the session's stop reason. Called once, last.",
    FinishArguments,
    Recorded,
    finish_session,
)
