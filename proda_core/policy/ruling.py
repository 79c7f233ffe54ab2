"""The rule layer over a model's proposal: what the rules leave open may be chosen, all else is refused and the rules decide.

Open is what applies by the rules: a stop that is due comes before all else, then what an operator prefers; otherwise replay and
patch where both apply, and patch or stop where enough is patchable but not expected to pay. So a model chooses between what is
allowed and widens nothing. Pure: the same policy, Observations and Proposal give the same Ruling, here, in the host that writes
it down and in an audit years later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from proda_core.policy.rule import Finding, Found, RulePolicy, as_sentence, nothing_left
from proda_core.types import (
    Decision,
    DecisionKind,
    Observations,
    OptionConsidered,
    Proposal,
    Ruling,
    StopReason,
)

MODEL = "llm"
_KINDS = ", ".join(DecisionKind)
_SHOWN = 60  # characters of a kind that there is not
Options = Mapping[DecisionKind, Finding]


def open_options(policy: RulePolicy, observations: Observations) -> Options:
    """Every option with its finding; one that ``applies`` may be chosen. ToolError where decide gives one."""
    found = policy.found(observations)
    options = {kind: found.of(kind) for kind in (DecisionKind.PATCH, DecisionKind.REPLAY, DecisionKind.STOP)}
    preferred = found.preferred
    if found.must_stop:
        return _only(DecisionKind.STOP, options, "a stop is due")
    if preferred is not None and options[preferred].applies:
        return _only(preferred, options, "an operator prefers another")
    if found.stop.applies:
        return _only(DecisionKind.STOP, options, "a stop is due")
    if not found.patch.applies and not found.replay.applies:
        options[DecisionKind.STOP] = nothing_left(found)
    if _worth_a_try(found):
        options[DecisionKind.PATCH] = replace(found.patch, applies=True)
    return options


def _worth_a_try(found: Found) -> bool:
    """Enough is patchable, and only past rounds let expect too little of it: what else is known may weigh more."""
    patch = found.patch
    held_off = patch.applies or DecisionKind.PATCH in found.vetoed
    return not held_off and patch.stop_reason is StopReason.PLATEAU


def _only(kind: DecisionKind, options: Options, why: str) -> Options:
    closed = {
        other: replace(finding, applies=False, sentence=f"{finding.sentence}; but {why}")
        if finding.applies
        else finding
        for other, finding in options.items()
    }
    return {**closed, kind: options[kind]}


def rule_on(policy: RulePolicy, observations: Observations, proposal: Proposal | None) -> Ruling:
    """The decision on a proposal, or the rules' own where there is none or it is refused."""
    by_rules = policy.decide(observations)
    if proposal is None:
        return Ruling(by_rules)
    if proposal.failure:
        return Ruling(by_rules, f"missing: {proposal.failure}; the rules decided.")
    if proposal.kind not in set(DecisionKind):
        wanted = repr(proposal.kind[:_SHOWN])
        return Ruling(by_rules, f"refused: {wanted} is none of {_KINDS}; the rules decided.")
    kind = DecisionKind(proposal.kind)
    options = open_options(policy, observations)
    if not options[kind].applies:
        why = f"{kind.value} is not open: {options[kind].sentence}"
        return Ruling(by_rules, f"refused: {why}; the rules decided.")
    left = ", ".join(option.value for option, finding in options.items() if finding.applies)
    said = f"taken: of {left}, which the rules leave open."
    if by_rules.kind is kind and by_rules.chosen_by != "rule":  # an operator's wish came first
        return Ruling(by_rules, said)
    return Ruling(_decision(kind, options, proposal), said)


def _decision(kind: DecisionKind, options: Options, proposal: Proposal) -> Decision:
    def explained(option: DecisionKind, finding: Finding) -> str:
        passed_by = option is not kind and finding.applies
        more = f"; but {proposal.by} chose {kind.value}" if passed_by else ""
        return as_sentence(f"{finding.sentence}{more}")

    return Decision(
        kind,
        f"{as_sentence(options[kind].sentence)} {proposal.by} chose it: {proposal.reason}",
        tuple(
            OptionConsidered(option, option is kind, explained(option, finding))
            for option, finding in options.items()
        ),
        options[kind].stop_reason if kind is DecisionKind.STOP else None,
        MODEL,
    )
