"""What a policy is, and which Observations make sense.

A policy is a pure function: no clock, no randomness, no files; the same Observations give the same Decision, which is what
lets an audit re-decide from the log. Observations that contradict themselves are refused with a ToolError that names the
field: a decision on nonsense would be worse than none. An overdrawn budget (negative time or disk left) is not nonsense.
"""

from __future__ import annotations

import math
from typing import Protocol

from proda_core.errors import ToolError
from proda_core.types import Decision, DiagnosisKind, Interval, Observations, RoundSummary


class Policy(Protocol):
    """Observations in, a Decision out."""

    def decide(self, observations: Observations) -> Decision:
        """ToolError when the observations contradict themselves; nothing else is raised."""
        ...


def incumbent_round(observations: Observations) -> RoundSummary:
    """The round that made the incumbent: the last accepted one with its adapter, else the last with it."""
    mine = [r for r in observations.rounds if r.adapter_id == observations.incumbent]
    accepted = [r for r in mine if r.accepted]
    if not mine:
        raise _nonsense("incumbent", f"{observations.incumbent!r} is the adapter of no round given")
    return (accepted or mine)[-1]


def check_observations(observations: Observations) -> None:
    """ToolError for the first field that cannot be true."""
    incumbent_round(observations)
    for summary in observations.rounds:
        for name in ("dev", "sealed", "general"):
            _check_interval(f"rounds[{summary.round}].{name}", getattr(summary, name), low=0.0)
    if observations.general_drop is not None:
        _check_interval("general_drop", observations.general_drop, low=-1.0)
    _check_counts(observations)
    _check_amounts(observations)


def _check_counts(observations: Observations) -> None:
    counts = ("round", "failures", "patchable", "unpatchable_sealed", "lost_items", "rejected_in_a_row")
    for name in counts:
        _check_count(name, getattr(observations, name))
    if observations.rounds_left is not None:
        _check_count("rounds_left", observations.rounds_left)
    kinds = {kind.value for kind in DiagnosisKind}
    for kind, count in observations.diagnoses.items():
        if kind not in kinds:
            raise _nonsense("diagnoses", f"{kind!r} is none of {', '.join(sorted(kinds))}")
        _check_count(f"diagnoses[{kind}]", count)
    diagnosed = sum(observations.diagnoses.values())
    if diagnosed > observations.failures:
        raise _nonsense("diagnoses", f"{diagnosed} diagnoses of {observations.failures} failures")
    sorted_out = observations.patchable + observations.unpatchable_sealed
    if sorted_out > observations.failures:
        raise _nonsense("patchable", f"{sorted_out} failures sorted of {observations.failures} there are")


def _check_amounts(observations: Observations) -> None:
    for name in ("wall_left_s", "round_cost_s", "disk_left_bytes"):
        value = getattr(observations, name)
        if value is not None and not math.isfinite(value):
            raise _nonsense(name, f"{value} is no finite amount")
    if observations.round_cost_s < 0:
        raise _nonsense("round_cost_s", f"{observations.round_cost_s:g} seconds is no cost")
    share = observations.next_share
    if share is not None and not 0 <= share <= 1 + 1e-9:
        raise _nonsense("next_share", f"{share} is no share")
    target = observations.target_dev
    if target is not None and not 0 < target <= 1:
        raise _nonsense("target_dev", f"{target} is not in (0, 1]")


def _check_count(name: str, value: int) -> None:
    if value < 0:
        raise _nonsense(name, f"{value} is no count")


def _check_interval(name: str, interval: Interval, *, low: float) -> None:
    ordered = low <= interval.low <= interval.value <= interval.high <= 1
    if not ordered or interval.n < 0:
        raise _nonsense(name, f"{interval.value} ({interval.low} to {interval.high}, n = {interval.n})")


def _nonsense(field: str, detail: str) -> ToolError:
    return ToolError(f"observations make no sense: {field}: {detail}; observe the session again")
