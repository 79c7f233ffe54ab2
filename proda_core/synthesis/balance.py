"""Choosing one distractor set a draft so that, over a split, no guess from the options alone beats chance or falls below it.

Sets start at their best; then each draft in turn takes the set that brings the squared distance of all guesses from chance
lowest, quality breaking near-ties. Everything is in a fixed order: same drafts, same choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from proda_core.synthesis.drafts import Draft, Trio
from proda_core.synthesis.guesses import CHANCE, Floats, OptionFeatures, gold_points

SWEEPS = 6
_QUALITY = 0.05  # what one rank of quality costs, against one squared expected hit


class SetChooser:
    """Coordinate descent over the drafts of one split."""

    def __init__(self, drafts: Sequence[Draft], features: OptionFeatures) -> None:
        self._drafts, self._features = drafts, features
        self._chosen = [0] * len(drafts)
        self._options = [
            [(draft.question.gold, *(d.concept_id for d in trio)) for trio in draft.sets] for draft in drafts
        ]
        self._frequency = Counter(key for options in self._options for key in options[0])

    def choose(self) -> tuple[Trio, ...]:
        """One set a draft, in the drafts' order."""
        for _ in range(SWEEPS):
            before = list(self._chosen)
            self._sweep()
            if before == self._chosen:
                break
        return tuple(draft.sets[number] for draft, number in zip(self._drafts, self._chosen, strict=True))

    def _sweep(self) -> None:
        points = [self._points(place) for place in range(len(self._drafts))]
        total = sum((p[number] for p, number in zip(points, self._chosen, strict=True)), start=np.zeros(1))
        for place, old in enumerate(self._chosen):
            options = self._options[place]
            self._frequency.subtract(options[old])
            fresh = self._points(place)
            rest = total - points[place][old]
            cost = ((rest + fresh) ** 2).sum(axis=1) + _QUALITY * np.arange(len(options))
            best = int(np.argmin(cost))
            self._chosen[place] = best
            total = rest + fresh[best]
            self._frequency.update(options[best])

    def _points(self, place: int) -> Floats:
        """Distance from chance of each guess under each set of one draft; the gold is the first option."""
        table = self._features.table(self._options[place], self._frequency)
        return gold_points(table, np.zeros(len(table), dtype=np.int64)) - CHANCE
