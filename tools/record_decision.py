"""record_decision: write a decision into the log, beside the observations it was made on."""

from __future__ import annotations

from typing import Any

from proda_core.errors import ToolError
from proda_core.log import Record
from proda_core.policy import MODEL, RulePolicy, rule_on
from proda_core.serialize import from_plain, to_plain
from proda_core.types import Decision, DecisionKind, Observations, Proposal
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.work import measure_money


class DecisionArguments(ToolModel):
    """``decision`` is the plain form of the Decision type, ``proposal`` that of what a model proposed before it, where one did;
    ``key`` comes from observe_session."""

    key: str
    decision: dict[str, object]
    proposal: dict[str, object] | None = None


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
    seen = own.log.find("observation", arguments.key)
    if seen is None:
        raise ToolError(
            f"no observation {arguments.key!r}: call observe_session first and decide on what it returns"
        )
    if [option.kind for option in decision.options if option.taken] != [decision.kind]:
        raise ToolError("a decision takes exactly one of the options it considered, and that is its kind")
    if (decision.kind is DecisionKind.STOP) != (decision.stop_reason is not None):
        raise ToolError("a stop has a stop_reason, and no other decision has one")
    body = {"decision": dict(arguments.decision), **_proposed(host, arguments, decision, seen)}
    measure_money(host)  # what the proposal cost
    record = own.log.append_once("decision", arguments.key, body, budget=own.ledger.budget_view())
    return RecordedDecision(seq=record.seq, hash=record.hash, decision=record.body["decision"])


def _proposed(host: Host, arguments: DecisionArguments, decision: Decision, seen: Record) -> dict[str, Any]:
    """What the log keeps of a proposal. ToolError for a decision that the rules do not make of it."""
    if arguments.proposal is None:
        if decision.chosen_by == MODEL:
            raise ToolError("a model chooses among what the rules leave open: record its proposal as well")
        return {}
    if host.config.policy.kind != MODEL:
        raise ToolError("policy.kind of this session is rules: nobody proposes")
    proposal = from_plain(Proposal, arguments.proposal)
    observations = from_plain(Observations, seen.body["observations"])
    ruling = rule_on(RulePolicy.of(host.config), observations, proposal)
    if ruling.decision != decision:
        raise ToolError(
            f"the rules make another decision of this proposal: {ruling.decision.kind.value}; {ruling.said}"
        )
    return {"proposal": to_plain(proposal), "ruling": ruling.said}


TOOL = Tool(
    "record_decision",
    "Log a decision (patch, replay or stop) with the options considered and the reasons. Needs the key from observe_session; "
    "what a model proposed goes with it, and the decision must be what the rules make of that.",
    DecisionArguments,
    RecordedDecision,
    record_decision,
)
