"""show_budget: what the session may spend, has spent and holds, in figures, and what the wall time went on."""

from __future__ import annotations

from collections.abc import Iterable

from proda_core.ledger import Resource
from proda_core.log import Record
from tools.base import NoArguments, Tool, ToolModel
from tools.host import Host


class MeterView(ToolModel):
    """In the resource's unit. ``held`` is reserved for work under way; ``limit`` and ``left`` are null where there is none."""

    unit: str
    limit: float | None
    used: float
    held: float
    left: float | None


class BudgetView(ToolModel):
    """``exhausted`` names the spent resource, "" when none is; ``wall_s_by_tool`` sums the calls that have ended."""

    resources: dict[str, MeterView]
    exhausted: str
    wall_s_by_tool: dict[str, float]


async def show_budget(host: Host, _arguments: NoArguments) -> BudgetView:
    budget = host.budget()
    resources = {}
    for resource in Resource:
        meter = budget.of(resource)
        resources[resource.value] = MeterView(
            unit=_UNITS[resource], limit=meter.limit, used=meter.used, held=meter.held, left=meter.left
        )
    records = host.records()
    return BudgetView(
        resources=resources, exhausted=budget.exhausted() or "", wall_s_by_tool=_wall_by_tool(records)
    )


_UNITS = {
    Resource.WALL_S: "seconds while a host lives",
    Resource.ROUNDS: "rounds after V1",
    Resource.DISK_BYTES: "bytes in the session folder",
    Resource.MONEY: "of the currency of the teacher model's prices",
}


def _wall_by_tool(records: Iterable[Record]) -> dict[str, float]:
    """Seconds between intent and outcome; time in which no host lived is in no meter and so not in these."""
    began: dict[str, float] = {}
    spent: dict[str, float] = {}
    for record in records:
        if record.budget is None:
            continue
        used = float(record.budget["wall_s"]["used"])
        if record.kind == "intent":
            began[record.key] = used
        elif record.kind == "outcome" and record.key in began:
            tool = str(record.body["tool"])
            spent[tool] = round(spent.get(tool, 0.0) + used - began[record.key], 1)
    return dict(sorted(spent.items(), key=lambda entry: -entry[1]))


TOOL = Tool(
    "show_budget",
    "The budget in figures: limit, used, held and left of wall time, rounds, disk and money, and which calls the time went on.",
    NoArguments,
    BudgetView,
    show_budget,
    scope="read",
)
