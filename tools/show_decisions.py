"""show_decisions: every decision with what it was made on, the options with the reason for each, who chose and who had asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from proda_core.errors import ToolError
from proda_core.log import Record
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.paging import First, page_of
from tools.report_session import SteeringRecord, steering_record

_MOST = 12


class DecisionsArguments(ToolModel):
    """``decision`` asks for one alone; they count from 1."""

    decision: Annotated[int, Field(ge=1, le=10_000)] | None = None
    first: First = 0


class DecisionDetail(ToolModel):
    """``observed`` is all that the policy was shown; ``steered`` what operators asked for since the decision before. ``proposal``
    is what a model answered that was asked for it, null where none was, and ``ruling`` what the rules did with that."""

    decision: int
    seq: int
    at: str
    kind: str
    reason: str
    stop_reason: str
    chosen_by: str
    proposal: dict[str, Any] | None
    ruling: str
    options: list[dict[str, Any]]
    observed: dict[str, Any]
    steered: list[SteeringRecord]


class DecisionsView(ToolModel):
    """A page of ``total`` decisions; ``next`` is the ``first`` of the page after it, null on the last."""

    total: int
    decisions: list[DecisionDetail]
    next: int | None


async def show_decisions(host: Host, arguments: DecisionsArguments) -> DecisionsView:
    records = host.records()
    places = [at for at, record in enumerate(records) if record.kind == "decision"]
    numbers = list(range(len(places)))
    if arguments.decision is not None:
        numbers = numbers[arguments.decision - 1 : arguments.decision]
        if not numbers:
            raise ToolError(f"no such decision was made; there are {len(places)}, counted from 1")

    def show(number: int) -> DecisionDetail:
        before = places[number - 1] if number else 0
        return _decision(number + 1, records, slice(before, places[number] + 1))

    page = page_of(numbers, arguments.first, show, most=_MOST)
    return DecisionsView(total=len(numbers), decisions=page.rows, next=page.next)


def _decision(number: int, records: Sequence[Record], span: slice) -> DecisionDetail:
    """The decision that ends ``span``, which begins with the decision before."""
    *since, record = records[span]
    made = record.body["decision"]
    seen = [r for r in records[: span.stop] if r.kind == "observation" and r.key == record.key]
    return DecisionDetail(
        decision=number,
        seq=record.seq,
        at=record.at,
        kind=made["kind"],
        reason=made["reason"],
        stop_reason=made["stop_reason"] or "",
        chosen_by=made["chosen_by"],
        proposal=record.body.get("proposal"),
        ruling=str(record.body.get("ruling", "")),
        options=list(made["options"]),
        observed=dict(seen[-1].body["observations"]) if seen else {},
        steered=[steering_record(r) for r in since if r.kind == "steering"],
    )


TOOL = Tool(
    "show_decisions",
    "The decisions (patch, replay, stop), a page at a time or one alone: what was observed, every option with the reason it was "
    "taken or not, who chose, what a model proposed and what the rules made of it, and what operators had asked for.",
    DecisionsArguments,
    DecisionsView,
    show_decisions,
    scope="read",
)
