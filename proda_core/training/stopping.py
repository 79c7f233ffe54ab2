"""V1's stopping rule: after each epoch probe a fixed sample of facts, and stop when mastery no longer improves.

Mastery is the mean guess-corrected share over the sampled relations. The rule is armed after a third of the planned epochs and
once mastery has risen clearly over the first probing: a small model answers at chance for a while before facts set in,
and that wait must not pass for a plateau. A run whose mastery never rises goes to the end of its epochs.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from proda_core.config import TrainingConfig
from proda_core.probing import Probe, ask_probes, build_probes, mean_mastery
from proda_core.students import Student
from proda_core.types import KnowledgeSnapshot, Mixture

IMPROVEMENT = 0.01
SET_IN = 0.1  # rise over the first probing from which facts count as setting in


@dataclass(frozen=True, slots=True)
class MasteryProbe:
    """The facts probed and how they are asked, and the rule's dials. Every process of a training has it."""

    relation_ids: tuple[str, ...]
    probes: tuple[Probe, ...]
    armed_after: int  # probings before the rule may stop
    patience: int

    def measure(self, student: Student) -> float:
        """Mean guess-corrected mastery of the sampled relations, in [0, 1]."""
        return mean_mastery(ask_probes(student, self.probes).values())

    def plateau(self, masteries: Sequence[float]) -> bool:
        """Whether the last ``patience`` probings brought nothing over the best before them."""
        if len(masteries) < max(self.armed_after, self.patience + 1):
            return False
        best_before = max(masteries[: -self.patience])
        if max(masteries) < masteries[0] + SET_IN:
            return False
        return max(masteries[-self.patience :]) < best_before + IMPROVEMENT


def mastery_probe(
    snapshot: KnowledgeSnapshot, mixture: Mixture, config: TrainingConfig, *, seed: int
) -> MasteryProbe | None:
    """A sample of ``probe_rows`` relations that the mixture teaches; None when the configuration asks for none."""
    taught = {r for row in mixture.rows for r in row.example.lineage.l2_ids} & snapshot.relations.keys()
    pool = sorted(taught)
    if not config.probe_rows or not pool:
        return None
    sample = random.Random(f"probe:{seed}").sample(pool, min(config.probe_rows, len(pool)))
    facts = tuple(sorted(sample))
    probes = tuple(build_probes(snapshot, facts, seed=seed))
    return MasteryProbe(facts, probes, math.ceil(config.epochs / 3), config.patience)
