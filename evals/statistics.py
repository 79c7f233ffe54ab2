"""The statistics of a paired comparison: exact tests, intervals, Holm's correction, and how alpha is spent over looks.

A pair is one item scored under both models; its difference is +1 (fixed), -1 (broken) or 0. Items of one chain group are not
independent, so beside the exact McNemar test stands its clustered form: the exact sign-flip test over groups, which equals
McNemar's when every group has one item. Intervals of a gain are the wider of the cluster bootstrap and of Bonett and
Price's, so that few pairs, or none that differ, never look certain. Impossible counts and levels are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, norm

from proda_core.errors import BenchmarkError
from proda_core.types import Interval

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact p-values for ``fixed`` against ``broken``: two-sided, and one-sided for improvement."""

    two_sided: float
    improved: float


def mcnemar(fixed: int, broken: int) -> McNemar:
    """Exact McNemar (McNemar 1947, binomial form): only discordant pairs count; none at all gives p = 1."""
    if fixed < 0 or broken < 0:
        raise BenchmarkError(f"discordant counts cannot be negative: fixed {fixed}, broken {broken}")
    n = fixed + broken
    improved = float(binom.sf(fixed - 1, n, 0.5)) if n else 1.0
    smaller = float(binom.cdf(min(fixed, broken), n, 0.5)) if n else 1.0
    return McNemar(min(1.0, 2.0 * smaller), min(1.0, improved))


def clustered_mcnemar(differences: Mapping[str, Sequence[int]]) -> float:
    """One-sided exact p that the gain is chance, flipping the sign of whole groups (``differences`` by group).

    The null distribution of the summed difference is computed in full by convolution: no sampling, no seed.
    """
    sums = [abs(total) for total in (sum(values) for values in differences.values()) if total]
    if not sums:
        return 1.0
    observed = sum(sum(values) for values in differences.values())
    reach = sum(sums)
    weights = np.zeros(2 * reach + 1)
    weights[reach] = 1.0
    for size in sums:
        weights = 0.5 * (np.roll(weights, size) + np.roll(weights, -size))
    return min(1.0, float(weights[reach + observed :].sum()))


def wilson(right: int, n: int, *, level: float = 0.95) -> Interval:
    """Wilson's score interval for ``right`` of ``n``; ``n`` = 0 gives the whole range, with n = 0 to say so."""
    if not 0 <= right <= n:
        raise BenchmarkError(f"{right} right of {n} is no proportion")
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    z = _quantile(level)
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), n)


def gain_interval(
    differences: Mapping[str, Sequence[int]],
    *,
    seed: int,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Mean paired difference with its interval; ``n`` counts pairs, groups are resampled whole.

    The interval is the union of the bootstrap's (percentile, by group) and Bonett and Price's (2012, adjusted Wald).
    No pairs: value 0 over the whole range from -1 to 1, with n = 0 to say that nothing is known.
    """
    groups = [values for _, values in sorted(differences.items()) if len(values)]
    n = sum(len(values) for values in groups)
    if n == 0:
        return Interval(0.0, -1.0, 1.0, 0)
    sums = np.array([sum(values) for values in groups], dtype=float)
    sizes = np.array([len(values) for values in groups], dtype=float)
    drawn = np.random.default_rng(seed).multinomial(
        len(groups), np.full(len(groups), 1 / len(groups)), resamples
    )
    tail = (1 - level) / 2
    low, high = np.quantile(drawn @ sums / (drawn @ sizes), [tail, 1 - tail])
    wald = _bonett_price(groups, n, level)
    value = float(sums.sum() / n)
    return Interval(value, min(value, float(low), wald.low), max(value, float(high), wald.high), n)


def _bonett_price(groups: Iterable[Sequence[int]], n: int, level: float) -> Interval:
    flat = [value for values in groups for value in values]
    fixed = (sum(value > 0 for value in flat) + 1) / (n + 2)
    broken = (sum(value < 0 for value in flat) + 1) / (n + 2)
    centre = fixed - broken
    half = _quantile(level) * float(np.sqrt((fixed + broken - centre * centre) / (n + 2)))
    return Interval(centre, max(-1.0, centre - half), min(1.0, centre + half), n)


def holm(p_values: Mapping[str, float], alpha: float) -> tuple[str, ...]:
    """Names whose hypothesis Holm's step-down procedure rejects at family-wise ``alpha``, in order of their p."""
    ordered = sorted(p_values.items(), key=lambda pair: (pair[1], pair[0]))
    rejected: list[str] = []
    for rank, (name, p) in enumerate(ordered):
        if p > alpha / (len(ordered) - rank):
            break
        rejected.append(name)
    return tuple(rejected)


def alpha_share(alpha: float, looks: int, look: int) -> float:
    """What verdict number ``look`` (from 1) may spend: equal parts, which sum to ``alpha``; nothing is left after ``looks``.

    Equal (Bonferroni) parts hold whatever the candidates have in common; they cost little power at a few looks.
    """
    if look < 1 or looks < 1:
        raise BenchmarkError(f"verdicts are numbered from 1: look {look} of {looks}")
    return alpha / looks if look <= looks else 0.0


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise BenchmarkError(f"a confidence level lies between 0 and 1, not at {level}")
    return float(norm.ppf((1 + level) / 2))
