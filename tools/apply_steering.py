"""apply_steering: take what operators asked for since the last decision into the log, and say what holds now.

Called at every decision. A request is applied once, whenever it was written; a budget is changed here and nowhere else. The file
``STOP`` counts as a request of its own.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict

from proda_core.errors import ConfigError
from proda_core.ids import make_id
from proda_core.session import SteerKind, SteerRequest
from tools.base import NoArguments, Tool, ToolModel
from tools.host import Host
from tools.steering import read_steering

_MOST_ODD = 20  # noted; whoever makes more of them cannot fill the log
STOP_FILE = "the file STOP"


class SteeringView(ToolModel):
    """``paused`` and ``stop`` say by whom and why, "" where neither holds; ``applied`` are the IDs taken by this call."""

    paused: str
    stop: str
    applied: list[str]


async def apply_steering(host: Host, _arguments: NoArguments) -> SteeringView:
    waiting = read_steering(host.own.log.records).waiting(host.inbox)
    for request in waiting:
        _apply(host, request)
    _note_odd_files(host)
    state = read_steering(host.own.log.records)
    stop = STOP_FILE if host.folder.stops_now() else state.stop
    return SteeringView(paused=state.paused, stop=stop, applied=[request.id for request in waiting])


def _note_odd_files(host: Host) -> None:
    """Files in the inbox that are no requests are never carried out; that they are there stands in the log, once each."""
    for name in host.inbox.odd()[:_MOST_ODD]:
        known = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        body = {"event": "inbox_file_ignored", "name_sha256": known}
        host.own.log.append_once(
            "note", make_id("n", "inbox", name), body, budget=host.own.ledger.budget_view()
        )


def _apply(host: Host, request: SteerRequest) -> None:
    """Log a request with what became of it, once it has taken effect; a kill in between applies it again, to the same end."""
    own = host.own
    effect = "taken"
    if request.kind is SteerKind.BUDGET:
        try:
            host.folder = host.folder.raise_budget(request.limits)
            own.ledger.set_limits(host.folder.config.budget)
        except ConfigError as error:
            effect = f"refused: {error}"
    body = {**asdict(request), "effect": effect}
    own.log.append_once("steering", request.id, body, budget=own.ledger.budget_view())


TOOL = Tool(
    "apply_steering",
    "Take what operators asked for (pause, resume, stop, budget, veto, prefer, note) into the log and say what holds now. "
    "Call it before each decision; while it says paused, wait and call again.",
    NoArguments,
    SteeringView,
    apply_steering,
)
