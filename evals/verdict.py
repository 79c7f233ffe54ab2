"""The verdict: accept a candidate adapter over the incumbent, or reject it, for reasons with their numbers.

Accepted when dev improves significantly, sealed and general are shown not to fall beyond their margins (the gain's lower bound
lies above it), each at this look's share of the session's error rates, and no discipline loses significantly (Holm). What a set
is too small to decide is a rejection that says so, with the items needed on top. Everything is paired on the same items; reports
on other items are refused with BenchmarkError.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.pairing import Pairing, by_slice, pair_general, pair_split
from evals.sizes import POWER, design_effect, pairs_for_gain, pairs_for_margin
from evals.statistics import clustered_mcnemar, holm, mcnemar, next_share, resampled
from proda_core.config import VerdictConfig
from proda_core.ids import digest
from proda_core.types import Benchmark, EvalReport, Interval, Split, Verdict

MIN_PAIRS = 10
_SURE = 1 - 1e-9  # a level of 1 has no bound
MAX_UNSCORED_SHARE = 0.2  # beyond it, what is missing may be what changed


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of acceptance: whether it holds, and the sentence that says so; ``more`` items of ``set`` would decide it."""

    passed: bool
    sentence: str
    set: str = ""
    more: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The three pairings with what was computed from them: gains at 95 %, one-sided lower bounds, p-values."""

    pairings: Mapping[str, Pairing]
    gains: Mapping[str, Interval]
    bounds: Mapping[str, float]  # set -> one-sided lower bound of its gain
    p_dev: float
    p_losses: Mapping[str, float]  # discipline -> one-sided p that its loss is chance
    slice_groups: Mapping[str, int]  # discipline -> chain groups


def judge(
    *,
    incumbent: EvalReport,
    candidate: EvalReport,
    benchmark: Benchmark,
    config: VerdictConfig,
    before: Sequence[bool] = (),
) -> Verdict:
    """Judge a candidate after the session's verdicts ``before``, of which each accepted or not.

    Apply the session's withdrawals to both reports first. ``reasons`` are the failed conditions of a rejection, or what was
    shown for an acceptance. The gains are 95 % intervals; the margins are held against a one-sided lower bound, which the
    sentences name.
    """
    share = next_share(before, config.max_verdicts)
    alpha, error = config.alpha * share, (1 - config.margin_confidence) * share
    evidence = _weigh(incumbent, candidate, benchmark, confidence=1 - error)
    lost = holm(evidence.p_losses, config.alpha)
    look = f"look {len(before) + 1} of {config.max_verdicts}, alpha {config.alpha:g}"
    checks = [
        *(_enough(pairing) for pairing in evidence.pairings.values()),
        _dev(evidence, alpha, look, config.smallest_gain),
        _margin("sealed", evidence, config.sealed_margin, error),
        _margin("general", evidence, config.general_margin, error),
        _disciplines(evidence, lost, config.alpha),
    ]
    accepted = all(check.passed for check in checks)
    dev = evidence.pairings["dev"]
    return Verdict(
        candidate=candidate.model,
        incumbent=incumbent.model,
        accepted=accepted,
        reasons=tuple(check.sentence for check in checks if check.passed == accepted),
        alpha=alpha,
        p_dev=evidence.p_dev,
        dev_fixed=dev.fixed,
        dev_broken=dev.broken,
        dev_gain=evidence.gains["dev"],
        sealed_gain=evidence.gains["sealed"],
        general_gain=evidence.gains["general"],
        disciplines_lost=lost,
        more_items=_lacking([check for check in checks if not check.passed]),
    )


def _lacking(failed: Sequence[Check]) -> dict[str, int]:
    """Items that would decide it, by set; none when anything failed that more items do not help."""
    if not all(check.more for check in failed):
        return {}
    return {check.set: check.more for check in sorted(failed, key=lambda check: check.more)}


def _weigh(
    incumbent: EvalReport, candidate: EvalReport, benchmark: Benchmark, *, confidence: float
) -> Evidence:
    pairings = {
        "dev": pair_split(incumbent, candidate, benchmark, Split.DEV),
        "sealed": pair_split(incumbent, candidate, benchmark, Split.SEALED),
        "general": pair_general(incumbent, candidate),
    }
    key = [incumbent.report_id, candidate.report_id]
    level = min(max(2 * confidence - 1, 0.01), _SURE)  # two-sided level whose low end is the one-sided bound
    drawn = {
        name: resampled(pairing.by_group(), seed=int(digest([*key, name])[:8], 16))
        for name, pairing in pairings.items()
    }
    gains = {name: found.at(0.95) for name, found in drawn.items()}
    bounds = {name: drawn[name].at(level).low for name in ("sealed", "general")}
    both = [*pairings["dev"].pairs, *pairings["sealed"].pairs]
    slices = by_slice(both)
    losses = {name: improvement_p(Pairing(name, pairs, 0, 0), reverse=True) for name, pairs in slices.items()}
    groups = {name: len({pair.group for pair in pairs}) for name, pairs in slices.items()}
    return Evidence(pairings, gains, bounds, improvement_p(pairings["dev"]), losses, groups)


def improvement_p(pairing: Pairing, *, reverse: bool = False) -> float:
    """One-sided exact p of a gain (of a loss with ``reverse``): the larger of McNemar's over items and over groups."""
    fixed, broken = (pairing.broken, pairing.fixed) if reverse else (pairing.fixed, pairing.broken)
    return max(mcnemar(fixed, broken).improved, clustered_mcnemar(pairing.by_group(reverse=reverse)))


def _enough(pairing: Pairing) -> Check:
    left, asked = len(pairing.pairs), len(pairing.pairs) + pairing.unscored
    lost = f"{pairing.unscored} unscored and {pairing.withdrawn} withdrawn items left out for both models"
    if left < MIN_PAIRS:
        said = f"too few {pairing.name} pairs: {left} remain, {MIN_PAIRS} are needed ({lost})."
        return Check(False, said, pairing.name, MIN_PAIRS - left)
    if pairing.unscored > MAX_UNSCORED_SHARE * asked:
        return Check(
            False,
            f"too many {pairing.name} items unscored: {pairing.unscored} of {asked}, at most {MAX_UNSCORED_SHARE:.0%} may be.",
        )
    return Check(True, f"{left} {pairing.name} pairs were compared ({lost}).")


def _dev(evidence: Evidence, share: float, look: str, smallest: float) -> Check:
    """Significant, not significant, or undecided: too few pairs for a gain that must not be missed, which may be there."""
    pairing, p, gain = evidence.pairings["dev"], evidence.p_dev, evidence.gains["dev"]
    form = sum(pair.was_format_error for pair in pairing.pairs if pair.difference > 0)
    figures = (
        f"{pairing.fixed} fixed ({form} of them format errors before) and {pairing.broken} broken of "
        f"{len(pairing.pairs)} pairs, gain {_say(gain)}, p = {p:.2g} against {share:.3g} ({look})"
    )
    if share == 0:
        return Check(False, f"the session's alpha is spent: {figures}.")
    if p <= share:
        return Check(True, f"dev improved significantly: {figures}.")
    needed = pairs_for_gain(gain=smallest, differ=_differing(pairing, smallest), alpha=share)
    more = _more(pairing, needed)
    if more and gain.high >= smallest:
        return Check(
            False,
            f"dev is undecided: {figures}; to find a gain of {smallest:.0%} {POWER:.0%} of the time it needs about {more} "
            "more items.",
            "dev",
            more,
        )
    return Check(False, f"dev did not improve significantly: {figures}.")


def _differing(pairing: Pairing, least: float = 0.0) -> float:
    """The share of pairs that differ, with one fixed and one broken added, so that few pairs never promise none."""
    return max(least, (pairing.fixed + pairing.broken + 2) / (len(pairing.pairs) + 2))


def _more(pairing: Pairing, needed: int) -> int:
    """Items lacking of ``needed`` independent pairs, groups counted as they move."""
    return max(0, math.ceil(needed * design_effect(pairing.by_group())) - len(pairing.pairs))


def _margin(name: str, evidence: Evidence, margin: float, error: float) -> Check:
    pairing, gain, low = evidence.pairings[name], evidence.gains[name], evidence.bounds[name]
    bound = f"the {1 - error:.0%} lower bound {low:+.3f}"
    if low > -margin:
        return Check(
            True,
            f"{name} did not fall beyond its margin: gain {_say(gain)}, {bound} is above {-margin:+.3f}.",
        )
    if gain.value <= -margin:
        return Check(False, f"{name} fell to or beyond its margin: gain {_say(gain)}, margin {-margin:+.3f}.")
    said = f"gain {_say(gain)}, {bound} is not above {-margin:+.3f}"
    more = _more(pairing, pairs_for_margin(margin=margin, differ=_differing(pairing), error=error))
    if more:
        return Check(
            False,
            f"{name} is undecided: {said}; to show that what did not change stays within it {POWER:.0%} of the time it "
            f"needs about {more} more items.",
            name,
            more,
        )
    return Check(False, f"{name} cannot be shown to stay within its margin: {said}.")


def _disciplines(evidence: Evidence, lost: tuple[str, ...], alpha: float) -> Check:
    tested = len(evidence.p_losses)
    if not lost:
        least = min(evidence.p_losses.values(), default=1.0)
        small = sum(0.5**groups > alpha / tested for groups in evidence.slice_groups.values())
        unseen = f"; {small} with too few chain groups for any loss to show" if small else ""
        return Check(
            True,
            f"no discipline lost significantly: {tested} tested, smallest p = {least:.2g} (Holm, alpha {alpha:g}){unseen}.",
        )
    named = ", ".join(f"{name} (p = {evidence.p_losses[name]:.2g})" for name in lost)
    return Check(
        False, f"{len(lost)} of {tested} disciplines lost significantly: {named} (Holm, alpha {alpha:g})."
    )


def _say(gain: Interval) -> str:
    return f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}, n = {gain.n})"
