"""steer_session: ask something of the session; its host takes it at the next decision and logs it with who asked and why."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from proda_core.session import SteerKind, SteerRequest
from proda_core.session.inbox import LONGEST_TEXT, MOST_ROUNDS
from proda_core.types import DecisionKind
from tools.base import ID, Tool, ToolModel
from tools.host import Host
from tools.steering import read_steering
from tools.work import book_of

Line = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SteerArguments(ToolModel):
    """``option`` goes with veto and prefer; the limits, totals with what is spent included, with budget."""

    action: SteerKind
    by: Line
    why: Line
    option: DecisionKind | None = None
    wall_s: Limit | None = None
    rounds: Annotated[int, Field(ge=1, le=MOST_ROUNDS)] | None = None

    @property
    def limits(self) -> dict[str, float | None]:
        """The limits that are asked for."""
        asked = {"wall_s": self.wall_s, "rounds": self.rounds}
        return {name: float(limit) for name, limit in asked.items() if limit is not None}


class Posted(ToolModel):
    """The request's ID, under which it will stand in the log, and when it is taken."""

    request_id: ID
    taken: str


async def steer_session(host: Host, arguments: SteerArguments) -> Posted:
    return await asyncio.to_thread(_steer, host, arguments)


def _steer(host: Host, arguments: SteerArguments) -> Posted:
    request = _waiting_already(host, arguments) or host.inbox.post(
        arguments.action,
        by=arguments.by,
        why=arguments.why,
        option=arguments.option,
        limits=arguments.limits,
    )
    return Posted(request_id=request.id, taken=_taken(host))


def _waiting_already(host: Host, asked: SteerArguments) -> SteerRequest | None:
    """The same request by the same operator, asked for once more before it was taken; None where another came in between."""
    records = host.records()
    for known in reversed(read_steering(records).waiting(host.inbox)):
        same = (known.kind, known.by, known.why, known.option, known.limits)
        if same == (asked.action, asked.by, asked.why, asked.option, asked.limits):
            return known
        if known.kind is not SteerKind.NOTE:  # it may have taken back what is asked again
            return None
    return None


def _taken(host: Host) -> str:
    """When the host will see it: a session that has ended decides nothing more until it is resumed."""
    if ended := book_of(host).stop_reason:
        return f"the session has ended ({ended}): this waits for proda resume"
    return "taken at the next decision; where no host runs, proda resume comes first"


TOOL = Tool(
    "steer_session",
    "Ask something of the session: pause, resume, stop, a new budget, a veto or preference for the next decision (patch, replay, "
    "stop), or a note. Taken at the next decision, or at the next resume when no host runs, and logged with who and why. Asked "
    "again before it is taken, it is the same request; asked after, another.",
    SteerArguments,
    Posted,
    steer_session,
    scope="steer",
)
