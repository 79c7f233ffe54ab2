"""The statistics of a paired comparison: exact tests, intervals, Holm's correction, and how an error rate is spent over looks.

A pair is one item scored under both models; its difference is +1 (fixed), -1 (broken) or 0. Items of one chain group are not
independent, so beside the exact McNemar test stands its clustered form: the exact sign-flip test over groups, which equals
McNemar's when every group has one item. Intervals of a gain are the wider of the cluster bootstrap and of Bonett and
Price's, so that few pairs, or none that differ, never look certain. Impossible counts and levels are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

from proda_core.errors import BenchmarkError
from proda_core.types import Interval

RESAMPLES = 2000
_KEPT = 4096  # results kept: a study asks for the same few counts over and over


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact p-values for ``fixed`` against ``broken``: two-sided, and one-sided for improvement."""

    two_sided: float
    improved: float


@lru_cache(_KEPT)
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
    weights = np.ones(1)
    for size, count in Counter(sums).items():
        spread = np.zeros(2 * size * count + 1)
        spread[:: 2 * size] = _heads(count)
        weights = np.convolve(weights, spread)
    return min(1.0, float(weights[reach + observed :].sum()))


@lru_cache(_KEPT)
def _heads(coins: int) -> NDArray[np.float64]:
    """Chances of 0, 1, 2 and so on heads of that many fair coins."""
    return np.asarray(binom.pmf(np.arange(coins + 1), coins, 0.5))


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


@dataclass(frozen=True, slots=True)
class Resampled:
    """A mean paired difference over ``n`` pairs with the means of its bootstrap, from which intervals of any level follow."""

    value: float
    n: int
    fixed: int
    broken: int
    means: NDArray[np.float64]

    def at(self, level: float) -> Interval:
        """The union of the bootstrap's interval (percentile, by group) and Bonett and Price's (2012, adjusted Wald).

        No pairs: value 0 over the whole range from -1 to 1, with n = 0 to say that nothing is known.
        """
        z = _quantile(level)
        if self.n == 0:
            return Interval(0.0, -1.0, 1.0, 0)
        tail = (1 - level) / 2
        low, high = np.quantile(self.means, [tail, 1 - tail])
        fixed, broken = (self.fixed + 1) / (self.n + 2), (self.broken + 1) / (self.n + 2)
        centre = fixed - broken
        half = z * float(np.sqrt((fixed + broken - centre * centre) / (self.n + 2)))
        return Interval(
            self.value,
            min(self.value, float(low), max(-1.0, centre - half)),
            max(self.value, float(high), min(1.0, centre + half)),
            self.n,
        )


def resampled(
    differences: Mapping[str, Sequence[int]], *, seed: int, resamples: int = RESAMPLES
) -> Resampled:
    """The mean of ``differences`` (by group) and its bootstrap, in which groups are drawn whole.

    Groups of the same sum and size are alike to it, so it draws how many there are of each sort.
    """
    groups = [values for values in differences.values() if len(values)]
    n = sum(len(values) for values in groups)
    if n == 0:
        return Resampled(0.0, 0, 0, 0, np.zeros(0))
    sorts = sorted(Counter((sum(values), len(values)) for values in groups).items())
    of_each = np.array([count for _, count in sorts], dtype=float)
    sums, sizes = np.array([sort for sort, _ in sorts], dtype=float).T
    drawn = np.random.default_rng(seed).multinomial(len(groups), of_each / of_each.sum(), resamples)
    flat = [value for values in groups for value in values]
    return Resampled(
        sum(flat) / n,
        n,
        sum(value > 0 for value in flat),
        sum(value < 0 for value in flat),
        drawn @ sums / (drawn @ sizes),
    )


def gain_interval(
    differences: Mapping[str, Sequence[int]],
    *,
    seed: int,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Mean paired difference with its interval; ``n`` counts pairs, groups are resampled whole."""
    return resampled(differences, seed=seed, resamples=resamples).at(level)


def holm(p_values: Mapping[str, float], alpha: float) -> tuple[str, ...]:
    """Names whose hypothesis Holm's step-down procedure rejects at family-wise ``alpha``, in order of their p."""
    ordered = sorted(p_values.items(), key=lambda pair: (pair[1], pair[0]))
    rejected: list[str] = []
    for rank, (name, p) in enumerate(ordered):
        if p > alpha / (len(ordered) - rank):
            break
        rejected.append(name)
    return tuple(rejected)


def next_share(before: Sequence[bool], looks: int) -> float:
    """What part of the session's error rates the next verdict may spend, after verdicts that accepted (True) or not.

    Each of the first ``looks`` verdicts has an equal part of its own; one that accepted hands on what it had (Wiens' fallback
    procedure), one that did not has spent it. docs/adr/0006 says why this and no boundary of Lan and DeMets.
    """
    if looks < 1:
        raise BenchmarkError(f"an error rate cannot be spent over {looks} verdicts")
    share = 0.0
    for look, accepted in enumerate([False, *before]):
        share = (share if accepted else 0.0) + (1 / looks if look < looks else 0.0)
    return share


@lru_cache(_KEPT)
def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise BenchmarkError(f"a confidence level lies between 0 and 1, not at {level}")
    return float(norm.ppf((1 + level) / 2))
