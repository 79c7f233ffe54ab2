"""What a patch is expected to repair, from what patches have repaired so far.

The repair rate of a past patch round is the share of the failures it faced by which dev went up: (dev after - dev of the
incumbent before) / (1 - dev before), clipped to [0, 1], whether or not the round was accepted. One imagined round at
``PRIOR_RATE`` is counted with them, so that the first patch has an expectation and one bad round halves it and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proda_core.types import DecisionKind, RoundSummary

PRIOR_RATE = (
    0.5  # between the published repairs (10 to 47 % of the gap, V1 to V2) and small prototypes (76 to 100 %)
)


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """``items`` dev items expected to come right, of ``patchable`` at ``rate``; ``rounds`` patch rounds it was learnt from."""

    items: float
    rate: float
    patchable: int
    rounds: int

    def pays(self, min_patchable: int) -> bool:
        """At least what ``min_patchable`` failures would give at the prior rate: what a round must promise to be worth it."""
        return self.items >= min_patchable * PRIOR_RATE


def expect_gain(rounds: Sequence[RoundSummary], patchable: int) -> ExpectedGain:
    """The expectation for a patch of ``patchable`` failures after ``rounds`` (in order)."""
    rates = repair_rates(rounds)
    rate = (PRIOR_RATE + sum(rates)) / (1 + len(rates))
    return ExpectedGain(patchable * rate, rate, patchable, len(rates))


def repair_rates(rounds: Sequence[RoundSummary]) -> tuple[float, ...]:
    """The repair rate of each patch round, in order; rounds with nothing to repair before them have none."""
    rates: list[float] = []
    before: RoundSummary | None = None
    for summary in rounds:
        faced = 1 - before.dev.value if before else 0.0
        if summary.kind == DecisionKind.PATCH and before and faced > 0:
            rates.append(min(1.0, max(0.0, (summary.dev.value - before.dev.value) / faced)))
        if summary.accepted or before is None:
            before = summary
    return tuple(rates)
