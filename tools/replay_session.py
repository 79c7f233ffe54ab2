"""replay_session: judge, observe and decide the whole session again from its log and reports, and name where that differs.

Needs no model, no accelerator and no teacher. The functions are those that ran the session; the budget's figures and requests to
stop are taken as recorded. ``set`` changes thresholds, to see where the session would have gone another way.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from proda_core.errors import ToolError
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.paging import First, page_of
from tools.replaying import Step, replay

_MOST = 60


class ReplayArguments(ToolModel):
    """``set``: ``policy.x=y`` and ``verdict.x=y``, as for ``proda run --set``."""

    set: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20, default_factory=list)]
    first: First = 0


class ReplayStep(ToolModel):
    """``about`` is verdict, observation, decision, act or end, at ``seq`` in the log; ``status`` is identical, diverges or as
    recorded, and ``detail`` says how or why. ``choice``: what differs is what was chosen."""

    seq: int
    about: str
    name: str
    status: str
    choice: bool
    detail: str


class ReplayView(ToolModel):
    """``first_divergence`` and ``first_other_choice`` (a decision or verdict that would have been another) are "" for none.

    A page of ``total`` steps; ``next`` is the ``first`` of the page after it, null on the last.
    """

    identical: bool
    first_divergence: str
    first_other_choice: str
    changed: list[str]
    total: int
    steps: list[ReplayStep]
    next: int | None


async def replay_session(host: Host, arguments: ReplayArguments) -> ReplayView:
    return await asyncio.to_thread(_replay, host, arguments)


def _replay(host: Host, arguments: ReplayArguments) -> ReplayView:
    steps = list(replay(host, arguments.set))
    if not steps:
        raise ToolError("nothing was decided in this session yet: there is nothing to replay")
    page = page_of(steps, arguments.first, _shown, most=_MOST)
    apart = [step for step in steps if step.diverges]
    return ReplayView(
        identical=not apart,
        first_divergence=str(apart[0]) if apart else "",
        first_other_choice=next((str(step) for step in apart if step.choice), ""),
        changed=list(arguments.set),
        total=len(steps),
        steps=page.rows,
        next=page.next,
    )


def _shown(step: Step) -> ReplayStep:
    return ReplayStep(
        seq=step.seq,
        about=step.about,
        name=step.name,
        status=step.status,
        choice=step.choice,
        detail=step.detail,
    )


TOOL = Tool(
    "replay_session",
    "Judge, observe and decide the whole session again from its log and reports, without any model: identical, or the first "
    "divergence by name. Thresholds may be changed (policy.x=y, verdict.x=y) to see where it would have gone another way.",
    ReplayArguments,
    ReplayView,
    replay_session,
    scope="read",
)
