"""record_decision: write a decision into the log, beside the observations it was made on."""

from __future__ import annotations

from proda_core.errors import ToolError
from proda_core.serialize import from_plain
from proda_core.types import Decision, DecisionKind
from tools.base import Tool, ToolModel
from tools.host import Host


class DecisionArguments(ToolModel):
    """``decision`` is the plain form of the Decision type; ``key`` comes from observe_session."""

    key: str
    decision: dict[str, object]


class Recorded(ToolModel):
    """The log's record: its sequence number and hash."""

    seq: int
    hash: str


class RecordedDecision(Recorded):
    """``decision`` is the one that stands in the log under this key: the first, whatever came after it."""

    decision: dict[str, object]


async def record_decision(host: Host, arguments: DecisionArguments) -> RecordedDecision:
    own = host.own
    decision = from_plain(Decision, arguments.decision)
    if own.log.find("observation", arguments.key) is None:
        raise ToolError(
            f"no observation {arguments.key!r}: call observe_session first and decide on what it returns"
        )
    if [option.kind for option in decision.options if option.taken] != [decision.kind]:
        raise ToolError("a decision takes exactly one of the options it considered, and that is its kind")
    if (decision.kind is DecisionKind.STOP) != (decision.stop_reason is not None):
        raise ToolError("a stop has a stop_reason, and no other decision has one")
    record = own.log.append_once(
        "decision", arguments.key, {"decision": dict(arguments.decision)}, budget=own.ledger.budget_view()
    )
    return RecordedDecision(seq=record.seq, hash=record.hash, decision=record.body["decision"])


TOOL = Tool(
    "record_decision",
    "Log a decision (patch, replay or stop) with the options considered and the reasons. Needs the key from observe_session.",
    DecisionArguments,
    RecordedDecision,
    record_decision,
)
