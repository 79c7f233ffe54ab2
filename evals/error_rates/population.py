"""Models that were never trained: answers to a frozen benchmark and a general suite, drawn from a Noise.

One item's chance is the same for all models of a session, which differ by their luck alone, and by a shift where a gain is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from evals.error_rates.noise import Noise, SetNoise
from proda_core.ids import make_id
from proda_core.types import Benchmark, EvalReport, Item, Score, Scoring, Split

SETS = ("dev", "sealed", "general")
DISCIPLINES = (("006", 37), ("001", 28), ("011", 26), ("008", 24))  # of the demo, with their dev items
_Marks = tuple[tuple[Score, Score], ...]  # of each item: wrong, right


@dataclass(frozen=True, slots=True)
class Population:
    """What is asked: a benchmark and ``tasks`` general ones. ``marks`` and ``groups`` are by set, in the order of the items."""

    benchmark: Benchmark
    marks: Mapping[str, _Marks]
    groups: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, benchmark: Benchmark, tasks: int) -> Population:
        marks: dict[str, _Marks] = {}
        groups: dict[str, NDArray[np.int64]] = {}
        for split in (Split.DEV, Split.SEALED):
            items = benchmark.of(split)
            marks[split.value] = tuple(_marks(item.item_id) for item in items)
            groups[split.value] = np.unique([item.group_id for item in items], return_inverse=True)[1]
        marks["general"] = tuple(_marks(make_id("t", place)) for place in range(tasks))
        groups["general"] = np.arange(tasks)
        return cls(benchmark, marks, groups)

    def draw(self, noise: Noise, models: int, rng: np.random.Generator) -> Lucks:
        """One session's items with the luck of that many models."""
        sets: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        for name in SETS:
            one: SetNoise = getattr(noise, name)
            easiness = _grouped(self.groups[name], one.together, rng, 1)[0]
            luck = _grouped(self.groups[name], one.together, rng, models)
            sets[name] = (one.thresholds(norm.cdf(easiness)), luck)
        return Lucks(self, sets)


@dataclass(frozen=True, slots=True)
class Lucks:
    """The thresholds of one session's items, and by model the luck that has to stay below them."""

    population: Population
    sets: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    def report(self, model: int, name: str, shifts: Mapping[str, float]) -> EvalReport:
        """The answers of one model, with every item easier by its set's shift."""
        scores = {}
        for one in SETS:
            thresholds, luck = self.sets[one]
            right = luck[model] < thresholds + shifts.get(one, 0.0)
            marks = self.population.marks[one]
            scores[one] = tuple(pair[mark] for pair, mark in zip(marks, right.tolist(), strict=True))
        benchmark = self.population.benchmark
        return EvalReport(
            report_id=name,
            model=name,
            benchmark_digest=benchmark.digest,
            scoring=benchmark.scoring.value,
            **scores,
        )


def _grouped(
    groups: NDArray[np.int64], together: float, rng: np.random.Generator, rows: int
) -> NDArray[np.float64]:
    """Standard normal draws of which members of a group share a part."""
    own = rng.standard_normal((rows, len(groups)))
    shared = rng.standard_normal((rows, int(groups.max()) + 1 if len(groups) else 0))[:, groups]
    return np.asarray(together**0.5 * shared + (1 - together) ** 0.5 * own)


def _marks(item_id: str) -> tuple[Score, Score]:
    return Score(item_id, 0.0, None, 0), Score(item_id, 1.0, None, 0)


def benchmark_like_the_demos(dev: int = 115, sealed: int = 114) -> Benchmark:
    """A benchmark of this size in the demo's form: chain groups of two items, four disciplines. Its questions ask nothing."""
    items = (*_items(Split.DEV, dev), *_items(Split.SEALED, sealed))
    name = f"simulated:{dev}:{sealed}"
    return Benchmark(make_id("b", name), name, "simulated", Scoring.COT, items, ())


def _items(split: Split, count: int) -> Sequence[Item]:
    """Items in pairs, the pairs spread over the disciplines as the demo's are."""
    total = sum(share for _, share in DISCIPLINES)
    ends = np.cumsum([share for _, share in DISCIPLINES]) / total
    found = []
    for place in range(count):
        group = place // 2
        found.append(
            Item(
                item_id=make_id("i", split.value, place),
                chain_id=make_id("g", split.value, place),
                group_id=make_id("g", "group", split.value, group),
                split=split,
                stem="",
                options=("", "", "", ""),
                gold_index=0,
                operators=("gold",) * 4,
                option_concept_ids=("",) * 4,
                discipline=DISCIPLINES[int(np.searchsorted(ends, group * 2 / count, side="right"))][0],
                hops=2,
                template="simulated",
                l1_ids=(),
                l2_ids=(),
            )
        )
    return found
