"""The verdict: accept a candidate adapter over the incumbent, or reject it, for reasons with their numbers.

Accepted when dev improves significantly at this look's share of alpha, sealed and general are shown not to fall beyond their
margins (the gain's lower bound lies above it: too few pairs to show it is a rejection), and no discipline loses
significantly (Holm). Everything is paired on the same items; reports on other items are refused with BenchmarkError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.pairing import Pairing, by_slice, pair_general, pair_split
from evals.statistics import alpha_share, clustered_mcnemar, gain_interval, holm, mcnemar
from proda_core.config import VerdictConfig
from proda_core.ids import digest
from proda_core.types import Benchmark, EvalReport, Interval, Split, Verdict

MIN_PAIRS = 10
MAX_UNSCORED_SHARE = 0.2  # beyond it, what is missing may be what changed


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of acceptance: whether it holds, and the sentence that says so."""

    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The three pairings with what was computed from them: gains at 95 %, one-sided lower bounds, p-values."""

    pairings: Mapping[str, Pairing]
    gains: Mapping[str, Interval]
    bounds: Mapping[str, float]  # set -> lower bound of its gain at margin_confidence
    p_dev: float
    p_losses: Mapping[str, float]  # discipline -> one-sided p that its loss is chance


def judge(
    *, incumbent: EvalReport, candidate: EvalReport, benchmark: Benchmark, config: VerdictConfig, look: int
) -> Verdict:
    """Judge a candidate at verdict number ``look`` of the session (from 1).

    Apply the session's withdrawals to both reports first. ``reasons`` are the failed conditions of a rejection, or what was
    shown for an acceptance. The gains are 95 % intervals; the margins are held against the one-sided lower bound at
    ``margin_confidence``, which the sentences name.
    """
    evidence = _weigh(incumbent, candidate, benchmark, config)
    share = alpha_share(config.alpha, config.max_verdicts, look)
    lost = holm(evidence.p_losses, config.alpha)
    checks = [_enough(pairing) for pairing in evidence.pairings.values()]
    checks.append(_dev(evidence, share, f"look {look} of {config.max_verdicts}, alpha {config.alpha:g}"))
    confidence = config.margin_confidence
    checks.append(_margin("sealed", evidence, config.sealed_margin, confidence))
    checks.append(_margin("general", evidence, config.general_margin, confidence))
    checks.append(_disciplines(evidence, lost, config.alpha))
    accepted = all(check.passed for check in checks)
    dev = evidence.pairings["dev"]
    return Verdict(
        candidate=candidate.model,
        incumbent=incumbent.model,
        accepted=accepted,
        reasons=tuple(check.sentence for check in checks if check.passed == accepted),
        alpha=share,
        p_dev=evidence.p_dev,
        dev_fixed=dev.fixed,
        dev_broken=dev.broken,
        dev_gain=evidence.gains["dev"],
        sealed_gain=evidence.gains["sealed"],
        general_gain=evidence.gains["general"],
        disciplines_lost=lost,
    )


def _weigh(
    incumbent: EvalReport, candidate: EvalReport, benchmark: Benchmark, config: VerdictConfig
) -> Evidence:
    pairings = {
        "dev": pair_split(incumbent, candidate, benchmark, Split.DEV),
        "sealed": pair_split(incumbent, candidate, benchmark, Split.SEALED),
        "general": pair_general(incumbent, candidate),
    }
    key = [incumbent.report_id, candidate.report_id]
    level = max(
        2 * config.margin_confidence - 1, 0.01
    )  # two-sided level whose low end is the one-sided bound
    gains = {name: _gain(pairing, key, 0.95) for name, pairing in pairings.items()}
    bounds = {name: _gain(pairings[name], key, level).low for name in ("sealed", "general")}
    both = [*pairings["dev"].pairs, *pairings["sealed"].pairs]
    losses = {
        name: improvement_p(Pairing(name, pairs, 0, 0), reverse=True)
        for name, pairs in by_slice(both).items()
    }
    return Evidence(pairings, gains, bounds, improvement_p(pairings["dev"]), losses)


def _gain(pairing: Pairing, key: list[str], level: float) -> Interval:
    seed = int(digest([*key, pairing.name])[:8], 16)
    return gain_interval(pairing.by_group(), seed=seed, level=level)


def improvement_p(pairing: Pairing, *, reverse: bool = False) -> float:
    """One-sided exact p of a gain (of a loss with ``reverse``): the larger of McNemar's over items and over groups."""
    fixed, broken = (pairing.broken, pairing.fixed) if reverse else (pairing.fixed, pairing.broken)
    return max(mcnemar(fixed, broken).improved, clustered_mcnemar(pairing.by_group(reverse=reverse)))


def _enough(pairing: Pairing) -> Check:
    left, asked = len(pairing.pairs), len(pairing.pairs) + pairing.unscored
    lost = f"{pairing.unscored} unscored and {pairing.withdrawn} withdrawn items left out for both models"
    if left < MIN_PAIRS:
        return Check(False, f"too few {pairing.name} pairs: {left} remain, {MIN_PAIRS} are needed ({lost}).")
    if pairing.unscored > MAX_UNSCORED_SHARE * asked:
        return Check(
            False,
            f"too many {pairing.name} items unscored: {pairing.unscored} of {asked}, at most {MAX_UNSCORED_SHARE:.0%} may be.",
        )
    return Check(True, f"{left} {pairing.name} pairs were compared ({lost}).")


def _dev(evidence: Evidence, share: float, look: str) -> Check:
    pairing, p = evidence.pairings["dev"], evidence.p_dev
    form = sum(pair.was_format_error for pair in pairing.pairs if pair.difference > 0)
    figures = (
        f"{pairing.fixed} fixed ({form} of them format errors before) and {pairing.broken} broken of "
        f"{len(pairing.pairs)} pairs, gain {_say(evidence.gains['dev'])}, p = {p:.2g} against {share:.3g} ({look})"
    )
    if share == 0:
        return Check(False, f"the session's alpha is spent: {figures}.")
    if p <= share:
        return Check(True, f"dev improved significantly: {figures}.")
    return Check(False, f"dev did not improve significantly: {figures}.")


def _margin(name: str, evidence: Evidence, margin: float, confidence: float) -> Check:
    gain, low = evidence.gains[name], evidence.bounds[name]
    bound = f"the {confidence:.0%} lower bound {low:+.3f}"
    if low > -margin:
        return Check(
            True,
            f"{name} did not fall beyond its margin: gain {_say(gain)}, {bound} is above {-margin:+.3f}.",
        )
    if gain.value <= -margin:
        return Check(False, f"{name} fell to or beyond its margin: gain {_say(gain)}, margin {-margin:+.3f}.")
    return Check(
        False,
        f"{name} cannot be shown to stay within its margin: gain {_say(gain)}, {bound} is not above {-margin:+.3f}.",
    )


def _disciplines(evidence: Evidence, lost: tuple[str, ...], alpha: float) -> Check:
    tested = len(evidence.p_losses)
    if not lost:
        least = min(evidence.p_losses.values(), default=1.0)
        return Check(
            True,
            f"no discipline lost significantly: {tested} tested, smallest p = {least:.2g} (Holm, alpha {alpha:g}).",
        )
    named = ", ".join(f"{name} (p = {evidence.p_losses[name]:.2g})" for name in lost)
    return Check(
        False, f"{len(lost)} of {tested} disciplines lost significantly: {named} (Holm, alpha {alpha:g})."
    )


def _say(gain: Interval) -> str:
    return f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}, n = {gain.n})"
