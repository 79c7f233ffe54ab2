"""How answers vary when nothing is better: models of one recipe that differ by the luck of their training.

An item has a chance of its own to be answered rightly (Beta, by the accuracy and by how often two trainings differ on an item);
a training's luck on it is partly that of its chain group, so that items of a group move together. A true gain makes every item
easier by one shift. The figures of MEASURED are from the sessions that docs/LOG.md names; ``noise_of`` takes them from reports.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import beta, norm

from evals.pairing import Pairing, pair_general, pair_split
from evals.summary import accuracy
from proda_core.errors import BenchmarkError
from proda_core.types import Benchmark, EvalReport, Split

_GRID = (np.arange(2000) + 0.5) / 2000
_ALIKE = 0.10  # models whose dev accuracies are nearer than this tell how much two of equal skill differ
_SHARED = 2.0  # luck is shared about twice as much as the answers that it decides move together
_MOST_SHARED = 0.9
_FAR = 8.0  # a threshold that no luck passes


@dataclass(frozen=True, slots=True)
class SetNoise:
    """``differ``: share of items on which two trainings of one recipe differ; a group shares ``together`` of its luck."""

    accuracy: float
    differ: float
    together: float = 0.0

    def __post_init__(self) -> None:
        most = 2 * self.accuracy * (1 - self.accuracy)
        if not 0 < self.differ < most or not 0 <= self.together < 1:
            raise BenchmarkError(
                f"two models right on {self.accuracy:.2f} of the items cannot differ on {self.differ:.2f} of them: "
                f"more than 0 and less than {most:.2f}, and groups share from 0 to less than 1 of their luck"
            )

    def thresholds(self, quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """The luck below which the items at these quantiles of easiness are answered rightly."""
        return np.interp(quantiles, _GRID, _table(self.accuracy, self.differ))

    def shift(self, gain: float) -> float:
        """By how much every item becomes easier for the accuracy to rise by ``gain``."""
        grid = _table(self.accuracy, self.differ)
        if not 0 <= self.accuracy + gain < 1:
            raise BenchmarkError(f"an accuracy of {self.accuracy:.2f} cannot rise by {gain:.2f}")
        return float(
            brentq(lambda by: norm.cdf(grid + by).mean() - norm.cdf(grid).mean() - gain, -_FAR, _FAR)
        )


@cache
def _table(accuracy: float, differ: float) -> NDArray[np.float64]:
    """Thresholds at _GRID. Beta's size follows from 2 E[p(1-p)] = differ."""
    share = differ / (2 * accuracy * (1 - accuracy))
    size = share / (1 - share)
    chances = beta.ppf(_GRID, accuracy * size, (1 - accuracy) * size)
    return np.asarray(np.clip(norm.ppf(chances), -_FAR, _FAR))


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of the three sets, and of one general task to the next: those have no groups."""

    dev: SetNoise
    sealed: SetNoise
    general: SetNoise

    def together(self, share: float) -> Noise:
        """The same with groups that share this part of their luck."""
        return replace(
            self, dev=replace(self.dev, together=share), sealed=replace(self.sealed, together=share)
        )


MEASURED = Noise(SetNoise(0.30, 0.32, 0.15), SetNoise(0.27, 0.32, 0.15), SetNoise(0.74, 0.13))
STRONG = Noise(SetNoise(0.65, 0.31, 0.15), SetNoise(0.47, 0.32, 0.15), SetNoise(0.74, 0.12))


def noise_of(benchmark: Benchmark, reports: Sequence[EvalReport]) -> Noise:
    """The noise of a session's trained models at the skill of the first: from pairs alike in dev accuracy, else as MEASURED."""
    skills = [accuracy(report.dev).value for report in reports]
    alike = [
        (one, other)
        for (one, first), (other, second) in itertools.combinations(zip(reports, skills, strict=True), 2)
        if abs(first - second) < _ALIKE
    ]
    sets: dict[str, SetNoise] = {}
    for name in ("dev", "sealed", "general"):
        measured: SetNoise = getattr(MEASURED, name)
        right = min(max(accuracy(getattr(reports[0], name)).value, 0.02), 0.98)
        pairings = [_paired(name, one, other, benchmark) for one, other in alike]
        shares = [
            (found.fixed + found.broken) / len(found.pairs) / _chance(name, one, other)
            for found, (one, other) in zip(pairings, alike, strict=True)
            if found.pairs
        ]
        usual = measured.differ / (2 * measured.accuracy * (1 - measured.accuracy))
        share = min(max(float(np.mean(shares)) if shares else usual, 0.05), 0.95)
        moved = [_moved_together(found.by_group()) for found in pairings]
        together = max([measured.together, *(min(_MOST_SHARED, _SHARED * one) for one in moved)])
        grouped = 0.0 if name == "general" else together
        sets[name] = SetNoise(right, share * 2 * right * (1 - right), grouped)
    return Noise(**sets)


def _paired(name: str, one: EvalReport, other: EvalReport, benchmark: Benchmark) -> Pairing:
    if name == "general":
        return pair_general(one, other)
    return pair_split(one, other, benchmark, Split(name))


def _chance(name: str, one: EvalReport, other: EvalReport) -> float:
    """How often two models would differ if no item were easier than another."""
    first, second = (accuracy(getattr(report, name)).value for report in (one, other))
    return max(first * (1 - second) + second * (1 - first), 1e-6)


def _moved_together(differences: Mapping[str, Sequence[int]]) -> float:
    """Correlation of two differences of one group; 0 where it is none or negative."""
    flat = np.array([value for values in differences.values() for value in values], dtype=float)
    products = [
        (one - flat.mean()) * (other - flat.mean())
        for values in differences.values()
        for one, other in itertools.combinations(values, 2)
    ]
    if not products or not flat.var():
        return 0.0
    return float(max(np.mean(products) / flat.var(), 0.0))
