"""The rule policy: stop for a named reason, else replay what was lost, else patch what pays, unless an operator wishes otherwise.

Order: request, target, plateau, budget (rounds, wall time, disk); then replay, once a patch was accepted; then nothing
diagnosable, a patch that does not pay (a plateau), patch. A veto leaves an option out of one decision; a preferred option comes
before the others if it applies. Neither moves a budget, and a veto holds off no stop that was requested. Every option is returned
with the reason it was or was not taken, in numbers. Pure and total on Observations that make sense; the others are a ToolError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proda_core.config import Config, PolicyConfig, VerdictConfig
from proda_core.policy.contract import check_observations, incumbent_round
from proda_core.policy.gain import ExpectedGain, expect_gain
from proda_core.types import (
    Decision,
    DecisionKind,
    Interval,
    Observations,
    OptionConsidered,
    RoundSummary,
    StopReason,
    Wish,
)

ROUND_DISK_BYTES = (
    20_000_000  # a mixture, an adapter of the embedded default, its reports and the log, rounded up
)
_HELD_OFF = (StopReason.TARGET, StopReason.PLATEAU)  # stops that a veto or a preference may overrule
PATCHABLE_KINDS = "concept_gap and reasoning_deficit"


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether an option applies, with the sentence that goes into the Decision."""

    applies: bool
    sentence: str
    stop_reason: StopReason | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules find of each option, after the operators' wishes; ``preferred`` and ``vetoed`` are the wishes themselves."""

    patch: Finding
    replay: Finding
    stop: Finding
    preferred: DecisionKind | None = None
    vetoed: frozenset[DecisionKind] = frozenset()

    def of(self, option: DecisionKind) -> Finding:
        """The finding of one option."""
        finding: Finding = getattr(self, option.value)
        return finding

    @property
    def must_stop(self) -> bool:
        """A stop is due that nobody may hold off."""
        return self.stop.applies and self.stop.stop_reason not in _HELD_OFF


class RulePolicy:
    """``general_margin`` and ``round_disk_bytes`` come from the session's verdict settings and its base's size."""

    def __init__(
        self,
        config: PolicyConfig,
        *,
        general_margin: float | None = None,
        round_disk_bytes: int = ROUND_DISK_BYTES,
    ) -> None:
        self.config = config
        self.general_margin = VerdictConfig().general_margin if general_margin is None else general_margin
        self.round_disk_bytes = round_disk_bytes

    @classmethod
    def of(cls, config: Config) -> RulePolicy:
        """The policy of a session of this configuration: what runs it, and what an audit decides by again."""
        return cls(config.policy, general_margin=config.verdict.general_margin)

    def decide(self, observations: Observations) -> Decision:
        """The Decision; ToolError when the observations contradict themselves."""
        unsteered = _choose(self._found(observations))
        if not observations.wishes:
            return unsteered
        steered = _choose(self.found(observations))
        return steered if steered.kind is unsteered.kind else replace(steered, chosen_by="operator")

    def found(self, observations: Observations) -> Found:
        """What decide goes by; ToolError when the observations contradict themselves."""
        found = self._found(observations)
        if not observations.wishes:
            return found
        wishes = {(wish.kind, wish.option): wish for wish in observations.wishes}  # of two alike the later
        return Found(
            patch=_wished(found.patch, DecisionKind.PATCH, wishes),
            replay=_wished(found.replay, DecisionKind.REPLAY, wishes),
            stop=_wished(_firmest(self._stops(observations)), DecisionKind.STOP, wishes),
            preferred=next((w.option for w in reversed(observations.wishes) if w.kind == "prefer"), None),
            vetoed=frozenset(option for kind, option in wishes if kind == "veto"),
        )

    def _found(self, seen: Observations) -> Found:
        """As found, whatever anybody wishes."""
        check_observations(seen)
        gain = expect_gain(seen.rounds, seen.patchable)
        return Found(self._patch(seen, gain), self._replay(seen), self._stops(seen)[0])

    def _stops(self, seen: Observations) -> list[Finding]:
        """The reasons to stop that hold, in order, or one finding that none does."""
        incumbent = incumbent_round(seen)
        findings = (
            Finding(seen.stop_requested, "a stop was requested", StopReason.REQUEST),
            _target(seen, incumbent),
            self._plateau(seen),
            *self._budgets(seen),
        )
        held = [finding for finding in findings if finding.applies]
        if held:
            return held
        spoken = "; ".join(finding.sentence for finding in findings[1:])
        return [Finding(False, f"no stop was requested; {spoken}")]

    def _plateau(self, seen: Observations) -> Finding:
        limit, count = self.config.max_rejections, seen.rejected_in_a_row
        again = _rejected_twice(seen)
        if again:
            return Finding(True, f"the same patch ({again[:16]}) was rejected twice", StopReason.PLATEAU)
        sentence = f"{count} of {limit} rejections in a row that make a plateau"
        return Finding(count >= limit, sentence, StopReason.PLATEAU)

    def _budgets(self, seen: Observations) -> tuple[Finding, ...]:
        rounds, wall, disk = seen.rounds_left, seen.wall_left_s, seen.disk_left_bytes
        spent = seen.next_share == 0
        return (
            Finding(
                rounds is not None and rounds <= 0,
                "rounds are not limited" if rounds is None else f"{rounds} rounds left",
                StopReason.BUDGET_ROUNDS,
            ),
            Finding(
                spent,
                "the session's error rate is spent, so that no round could be accepted"
                if spent
                else "the next verdict has an error rate to spend",
                StopReason.BUDGET_ROUNDS,
            ),
            Finding(
                wall is not None and (wall <= 0 or wall < seen.round_cost_s),
                "wall time is not limited"
                if wall is None
                else f"{wall:.0f} s left, a round is expected to cost {seen.round_cost_s:.0f} s",
                StopReason.BUDGET_WALL,
            ),
            Finding(
                disk is not None and disk < self.round_disk_bytes,
                "disk is not limited"
                if disk is None
                else f"{disk / 1e6:.0f} MB of disk left, a round needs {self.round_disk_bytes / 1e6:.0f} MB",
                StopReason.BUDGET_DISK,
            ),
        )

    def _replay(self, seen: Observations) -> Finding:
        lost, limit, drop = seen.lost_items, self.config.lost_items_for_replay, seen.general_drop
        fell = drop is not None and drop.value < -self.general_margin
        forgotten = f"{lost} items once right are lost (replay from {limit})"
        general = "general skill was not compared with the base"
        if drop is not None:
            general = f"general skill against the base {_say(drop, signed=True)}, margin {-self.general_margin:+.2f}"
        if (lost >= limit or fell) and not any(r.accepted and r.patch_digest for r in seen.rounds):
            return Finding(
                False,
                f"{forgotten}; {general}; but no patch was accepted that a replay could carry",
            )
        if (lost >= limit or fell) and seen.replayed_since_patch:
            return Finding(False, f"{forgotten}; {general}; but replay was the last thing tried")
        return Finding(lost >= limit or fell, f"{forgotten}; {general}")

    def _patch(self, seen: Observations, gain: ExpectedGain) -> Finding:
        least = self.config.min_patchable
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.diagnoses.items()) if count)
        figures = (
            f"{seen.patchable} of {seen.failures} failures are patchable ({PATCHABLE_KINDS} only; "
            f"{seen.unpatchable_sealed} touch sealed relations; diagnosed: {named or 'none'})"
        )
        if seen.patchable < least:
            return Finding(False, f"{figures}, fewer than {least}", StopReason.NOTHING_DIAGNOSABLE)
        expected = f"{gain.items:.1f} repairs expected at a rate of {gain.rate:.2f} (prior and {gain.rounds} patch rounds)"
        if not gain.pays(least):
            return Finding(False, f"{figures}, but only {expected}: it does not pay", StopReason.PLATEAU)
        return Finding(True, f"{figures}, {expected}")


def _choose(found: Found) -> Decision:
    """The first option that applies: a stop that nobody holds off, what is preferred, then stop, replay, patch."""
    order = [DecisionKind.STOP, DecisionKind.REPLAY, DecisionKind.PATCH]
    if found.preferred is not None and not found.must_stop:
        order.remove(found.preferred)
        order.insert(0, found.preferred)
    for kind in order:
        if found.of(kind).applies:
            return _decide(kind, found)
    return _decide(DecisionKind.STOP, replace(found, stop=nothing_left(found)))


def nothing_left(found: Found) -> Finding:
    """The stop where neither of the others applies."""
    reason = found.patch.stop_reason or StopReason.NOTHING_DIAGNOSABLE
    sentence = f"nothing is left to do: {found.patch.sentence}; {found.replay.sentence}"
    return Finding(True, sentence, reason)


def _firmest(stops: Sequence[Finding]) -> Finding:
    """The first stop that no wish overrules, else the first."""
    return next((stop for stop in stops if stop.stop_reason not in _HELD_OFF), stops[0])


def _wished(
    finding: Finding, option: DecisionKind, wishes: Mapping[tuple[str, DecisionKind], Wish]
) -> Finding:
    """The finding after what the operator said of its option."""
    veto, prefer = wishes.get(("veto", option)), wishes.get(("prefer", option))
    if prefer is not None and option is DecisionKind.STOP and not finding.applies:
        return Finding(True, f"a stop is preferred by {prefer}", StopReason.REQUEST)
    if veto is not None and finding.applies and finding.stop_reason in (None, *_HELD_OFF):
        return Finding(False, f"{finding.sentence}; but vetoed by {veto}", StopReason.REQUEST)
    if veto is not None:
        return replace(finding, sentence=f"{finding.sentence}; the veto of {veto} changes nothing here")
    if prefer is not None:
        does = "preferred by" if finding.applies else "it does not apply, though preferred by"
        return replace(finding, sentence=f"{finding.sentence}; {does} {prefer}")
    return finding


def _target(seen: Observations, incumbent: RoundSummary) -> Finding:
    if seen.target_dev is None:
        return Finding(False, "no target is set")
    reached = incumbent.dev.n > 0 and incumbent.dev.value >= seen.target_dev
    against = "reaches" if reached else "is below"
    sentence = f"dev {_say(incumbent.dev)} {against} the target {seen.target_dev:.3f}"
    return Finding(reached, sentence, StopReason.TARGET)


def _rejected_twice(seen: Observations) -> str:
    """The digest of a patch that was rejected twice since the last acceptance, or ""."""
    rejected: list[str] = []
    for summary in seen.rounds:
        if summary.accepted:
            rejected.clear()
        elif summary.patch_digest in rejected:
            return summary.patch_digest
        elif summary.patch_digest:
            rejected.append(summary.patch_digest)
    return ""


def _decide(kind: DecisionKind, found: Found) -> Decision:
    options = tuple(
        OptionConsidered(
            option, option is kind, _explain(option, found.of(option), taken=option is kind, chosen=kind)
        )
        for option in (DecisionKind.PATCH, DecisionKind.REPLAY, DecisionKind.STOP)
    )
    stop_reason = found.stop.stop_reason if kind is DecisionKind.STOP else None
    return Decision(kind, as_sentence(found.of(kind).sentence), options, stop_reason)


def _explain(option: DecisionKind, finding: Finding, *, taken: bool, chosen: DecisionKind) -> str:
    if taken or not finding.applies:
        return as_sentence(finding.sentence)
    return as_sentence(f"{finding.sentence}; but {chosen.value} comes before {option.value}")


def as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _say(interval: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    low, high = format(interval.low, f"{sign}.3f"), format(interval.high, f"{sign}.3f")
    return f"{format(interval.value, f'{sign}.3f')} ({low} to {high}, n = {interval.n})"
