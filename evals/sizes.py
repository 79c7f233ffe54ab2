"""How many pairs a verdict needs: the power of the exact McNemar test, and of a gain's lower bound over its margin.

Pairs are discordant with probability ``differ``, fixed more often than broken by ``gain``. Items of one group that move together
count for less; ``design_effect`` says by how much a number of pairs grows for it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from scipy.stats import binom, norm

POWER = 0.80  # a size decides when it finds what is there at least this often
_MOST = 20_000  # no benchmark of ours; beyond it the number is given as it is


def power(pairs: int, *, gain: float, differ: float, alpha: float) -> float:
    """How often ``pairs`` pairs find a true gain by the one-sided exact McNemar test at ``alpha``."""
    differ = min(1.0, max(differ, abs(gain)))
    if alpha <= 0 or differ == 0:
        return 0.0
    discordant = np.arange(1, pairs + 1)
    most_by_chance = binom.isf(
        alpha, discordant, 0.5
    )  # more than these fixed reject, so that at most alpha do
    found = binom.sf(most_by_chance, discordant, (1 + gain / differ) / 2)
    return float(binom.pmf(discordant, pairs, differ) @ found)


@cache
def pairs_for_gain(*, gain: float, differ: float, alpha: float, wanted: float = POWER) -> int:
    """Pairs that find ``gain`` ``wanted`` of the time, near enough: the power of an exact test rises in small saw teeth."""

    def found(pairs: int) -> float:
        return power(pairs, gain=gain, differ=differ, alpha=alpha)

    most = 64
    while most < _MOST and found(most) < wanted:
        most *= 2
    return bisect_left(range(min(most, _MOST)), wanted, lo=1, key=found)


def power_of_margin(pairs: int, *, margin: float, differ: float, error: float) -> float:
    """How often ``pairs`` pairs in which nothing changed have their lower bound at one-sided ``error`` above minus ``margin``."""
    return float(norm.cdf(margin * math.sqrt(pairs / differ) - norm.isf(error)))


def pairs_for_margin(*, margin: float, differ: float, error: float) -> int:
    """Pairs of which the lower bound at one-sided ``error`` lies above minus ``margin`` with POWER when nothing changed."""
    if margin <= 0 or error <= 0:
        return _MOST
    reach = float(norm.isf(error) + norm.isf(1 - POWER))
    return min(_MOST, math.ceil(differ * (reach / margin) ** 2))


def design_effect(differences: Mapping[str, Sequence[int]]) -> float:
    """Variance of the summed gain, groups as they move, against that of as many single items; at least 1."""
    single = sum(value * value for values in differences.values() for value in values)
    grouped = sum(sum(values) ** 2 for values in differences.values())
    return max(1.0, grouped / single) if single else 1.0
