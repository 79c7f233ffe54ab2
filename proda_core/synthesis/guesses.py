"""What can be won by guessing from the options alone: single-feature guesses and one fitted to all features at once.

A guess picks the option that is greatest (or least) in some feature that needs neither stem nor knowledge; ties share the
point. The fitted guess learns the features' weights on other groups and must find nothing either. Bounds are binomial.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proda_core.synthesis.truths import Truths
from proda_core.types import Item

FEATURES = ("length", "words", "degree", "out_degree", "frequency")
GUESS_NAMES = (*(f"greatest_{name}" for name in FEATURES), *(f"least_{name}" for name in FEATURES))
FITTED = "options_only_fitted"
CHANCE = 0.25
FOLDS = 5
_STEPS, _RATE, _RIDGE = 150, 0.5, 0.05
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess's rate over ``n`` items and the bounds within which chance leaves it (99 %).

    Two-sided for a single feature: always avoiding the longest option is a guess too. The fitted guess knows its own sign
    and must only not win.
    """

    name: str
    rate: float
    low: float
    high: float
    n: int

    @property
    def at_chance(self) -> bool:
        return self.low <= self.rate <= self.high


def at_bounds(name: str, rate: float, n: int) -> Guess:
    """A guess with the normal bounds of a binomial share at chance over ``n`` items."""
    spread = 2.576 * math.sqrt(CHANCE * (1 - CHANCE) / n)
    return Guess(name, rate, 0.0 if name == FITTED else CHANCE - spread, CHANCE + spread, n)


class OptionFeatures:
    """The features of a concept as an option; ``frequency`` is how often it is an option of the set."""

    def __init__(self, truths: Truths) -> None:
        self._fixed: dict[str, tuple[float, ...]] = {}
        leaving = Counter(r.subject_id for r in truths.snapshot.relations.values())
        for key, concept in truths.snapshot.concepts.items():
            term = concept.term
            self._fixed[key] = (len(term), len(term.split()), truths.degree(key), leaving[key])

    def table(self, options: Sequence[Sequence[str]], frequency: Mapping[str, int]) -> Floats:
        """Shape (sets, options, features)."""
        rows = [[(*self._fixed[c], frequency.get(c, 0)) for c in keys] for keys in options]
        return np.array(rows, dtype=np.float64)

    def of_items(self, items: Sequence[Item]) -> Floats:
        frequency = Counter(c for item in items for c in item.option_concept_ids)
        return self.table([item.option_concept_ids for item in items], frequency)


def gold_points(table: Floats, gold: NDArray[np.int64]) -> Floats:
    """Expected points of each guess of ``GUESS_NAMES`` on each set: shape (sets, 2 x features)."""
    signed = np.concatenate([table, -table], axis=2)
    best = signed == signed.max(axis=1, keepdims=True)
    points: Floats = best[np.arange(len(table)), gold] / best.sum(axis=1)
    return points


def item_points(items: Sequence[Item], features: OptionFeatures) -> Floats:
    """Each guess's expected points on each item."""
    return gold_points(features.of_items(items), np.array([item.gold_index for item in items]))


def all_guesses(items: Sequence[Item], features: OptionFeatures) -> tuple[Guess, ...]:
    """Every single-feature guess and the fitted one over a set of items; empty for no items."""
    if not items:
        return ()
    rates = item_points(items, features).mean(axis=0)
    singles = [
        at_bounds(name, float(rate), len(items)) for name, rate in zip(GUESS_NAMES, rates, strict=True)
    ]
    return (*singles, at_bounds(FITTED, float(fitted_points(items, features).mean()), len(items)))


def fitted_points(items: Sequence[Item], features: OptionFeatures) -> Floats:
    """Points of a softmax over the options on each item, its weights fitted on the other folds' groups."""
    table = np.log1p(features.of_items(items))
    table -= table.mean(axis=1, keepdims=True)
    table /= table.std(axis=(0, 1)) + 1e-9
    gold = np.array([item.gold_index for item in items])
    places = {group: place for place, group in enumerate(sorted({item.group_id for item in items}))}
    fold = np.array([places[item.group_id] % FOLDS for item in items])
    points = np.full(len(items), CHANCE)
    for held in range(FOLDS):
        train, test = fold != held, fold == held
        if train.any() and test.any():
            scores = table[test] @ _fit(table[train], gold[train])
            best = np.isclose(scores, scores.max(axis=1, keepdims=True))
            points[test] = best[np.arange(len(scores)), gold[test]] / best.sum(axis=1)
    return points


def _fit(table: Floats, gold: NDArray[np.int64]) -> Floats:
    """Weights of a ridge-penalised conditional logit by gradient ascent."""
    weights = np.zeros(table.shape[2])
    truth = np.eye(table.shape[1])[gold]
    for _ in range(_STEPS):
        scores = table @ weights
        share = np.exp(scores - scores.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        slope = ((truth - share)[:, :, None] * table).sum(axis=1).mean(axis=0)
        weights += _RATE * (slope - _RIDGE * weights)
    return weights
