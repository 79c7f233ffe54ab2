"""show_rounds: the ladder by slice: how well each model did, what made it and why it was kept or not."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from proda_core.errors import ToolError
from proda_core.types import RoundSummary
from tools.base import Tool, ToolModel
from tools.book import Book, Round
from tools.host import Host
from tools.observe_session import summaries
from tools.paging import First, page_of
from tools.report_session import IntervalView, Rung, evaluation_meta, rung_figures
from tools.work import book_of

_MOST = 12
_MADE = ("mixture_id", "patch_id", "report_id", "diagnosis_id", "verdict_id")
BASE = 0


class RoundsArguments(ToolModel):
    """``round`` asks for one alone: 0 is the base, V1 is 1."""

    round: Annotated[int, Field(ge=0, le=10_000)] | None = None
    first: First = 0


class RoundDetail(Rung):
    """A rung with the number it is asked for by, the decision that led to it (null before the first) and its artifacts.

    ``slices`` is of dev; a sealed slice of fewer than five items is not shown.
    """

    round: int
    incumbent: bool
    decision: int | None
    artifacts: dict[str, str]
    sealed_slices: dict[str, dict[str, IntervalView]]
    general_slices: dict[str, dict[str, IntervalView]]


class RoundsView(ToolModel):
    """A page of ``total`` scored models; ``under_way`` says which round is not scored yet, "" when none is."""

    total: int
    under_way: str
    rounds: list[RoundDetail]
    next: int | None


async def show_rounds(host: Host, arguments: RoundsArguments) -> RoundsView:
    return await asyncio.to_thread(_rounds, host, arguments)


def _rounds(host: Host, arguments: RoundsArguments) -> RoundsView:
    book = book_of(host)
    decided = _decisions_before(host) if book.rounds else {}
    ladder = summaries(host, book)
    if arguments.round is not None:
        known = ", ".join(str(summary.round + 1) for summary in ladder) or "none yet"
        ladder = tuple(summary for summary in ladder if summary.round + 1 == arguments.round)
        if not ladder:
            raise ToolError(f"no such round was scored; scored are: {known}")
    page = page_of(ladder, arguments.first, lambda one: _detail(host, book, one, decided), most=_MOST)
    return RoundsView(total=len(ladder), under_way=_under_way(book), rounds=page.rows, next=page.next)


def _detail(host: Host, book: Book, summary: RoundSummary, decided: dict[str, int]) -> RoundDetail:
    entry: Round | None = None if summary.round + 1 == BASE else book.rounds[summary.round]
    meta = evaluation_meta(host, summary.adapter_id)
    made = {name: getattr(entry, name) for name in _MADE} if entry else {"report_id": book.base_report_id}
    return RoundDetail(
        **rung_figures(host, book, summary),
        round=summary.round + 1,
        incumbent=entry is not None and entry is book.incumbent,
        decision=decided.get(entry.mixture_id) if entry else None,
        artifacts={name: key for name, key in made.items() if key},
        sealed_slices=meta["sealed"]["slices"],
        general_slices=meta["general"]["slices"],
    )


def _decisions_before(host: Host) -> dict[str, int]:
    """Mixture ID to the number of the last decision before it was composed."""
    found: dict[str, int] = {}
    decisions = 0
    for record in host.records():
        if record.kind == "decision":
            decisions += 1
        elif record.kind == "outcome" and "mixture" in record.body["artifacts"] and decisions:
            found.setdefault(record.body["artifacts"]["mixture"], decisions)
    return found


def _under_way(book: Book) -> str:
    entry = book.rounds[-1] if book.rounds else None
    if entry is None or entry.report_id:
        return ""
    return f"V{entry.number + 1} ({entry.kind}): {'trained' if entry.adapter_id else 'composed'}, not scored"


TOOL = Tool(
    "show_rounds",
    "The ladder of models, a page at a time or one alone: accuracy with intervals on dev, sealed and general skill, by "
    "discipline and hops; what was diagnosed, patched and mixed; the verdict with its statistics.",
    RoundsArguments,
    RoundsView,
    show_rounds,
    scope="read",
)
