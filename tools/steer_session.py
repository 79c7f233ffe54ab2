"""steer_session: ask something of the session; its host takes it at the next decision and logs it with who asked and why."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from proda_core.session import SteerKind
from proda_core.session.inbox import LONGEST_TEXT
from proda_core.types import DecisionKind
from tools.base import ID, Tool, ToolModel
from tools.host import Host
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
    rounds: Annotated[int, Field(ge=0)] | None = None


class Posted(ToolModel):
    """The request's ID, under which it will stand in the log, and when it is taken."""

    request_id: ID
    taken: str


async def steer_session(host: Host, arguments: SteerArguments) -> Posted:
    limits = {"wall_s": arguments.wall_s, "rounds": arguments.rounds}
    request = host.folder.steering.post(
        arguments.action,
        by=arguments.by,
        why=arguments.why,
        option=arguments.option,
        limits={name: limit for name, limit in limits.items() if limit is not None},
    )
    return Posted(request_id=request.id, taken=_taken(host))


def _taken(host: Host) -> str:
    """When the host will see it: a session that has ended decides nothing more until it is resumed."""
    if host.folder.decisions.exists() and (ended := book_of(host).stop_reason):
        return f"the session has ended ({ended}): this waits for proda resume"
    return "taken at the next decision; where no host runs, proda resume comes first"


TOOL = Tool(
    "steer_session",
    "Ask something of the session: pause, resume, stop, a new budget, a veto or preference for the next decision (patch, replay, "
    "stop), or a note. Taken at the next decision, or at the next resume when no host runs, and logged with who and why.",
    SteerArguments,
    Posted,
    steer_session,
    scope="steer",
)
