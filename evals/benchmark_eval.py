"""The domain benchmark under one model: every dev and every sealed item, in the frozen order and under the frozen scoring.

Sealed scores keep their value and slices only: no output and no chosen option leaves this module. Withdrawn items are not
asked. A model that fails on every item it is asked raises StudentError: that is a broken engine and no result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evals.scorers import score_items, slices_of
from evals.withdrawals import WITHDRAWN
from proda_core.errors import StudentError
from proda_core.types import Benchmark, Item, Score, Split

if TYPE_CHECKING:
    from proda_core.students import Student

STEP = 128  # items between two ticks: progress and a chance to cancel


@dataclass(frozen=True, slots=True)
class BenchmarkScores:
    dev: tuple[Score, ...]
    sealed: tuple[Score, ...]


def score_benchmark(
    student: Student,
    benchmark: Benchmark,
    *,
    max_new_tokens: int,
    withdrawn: Collection[str] = (),
    tick: Callable[[int], None] = lambda _: None,
) -> BenchmarkScores:
    """Score both splits; ``tick`` is called with the number of items asked since the last call."""
    asked = [item for item in benchmark.items if item.item_id not in withdrawn]
    found: dict[str, Score] = {}
    for start in range(0, len(asked), STEP):
        batch = asked[start : start + STEP]
        scores = score_items(student, batch, scoring=benchmark.scoring, max_new_tokens=max_new_tokens)
        found.update({score.item_id: score for score in scores})
        tick(len(batch))
    _refuse_broken_engine(student.name, list(found.values()))
    dev = [found.get(item.item_id) or _withdrawn(item) for item in benchmark.of(Split.DEV)]
    sealed = [found.get(item.item_id) or _withdrawn(item) for item in benchmark.of(Split.SEALED)]
    return BenchmarkScores(tuple(dev), tuple(_hide(score) for score in sealed))


def _withdrawn(item: Item) -> Score:
    return replace(Score.unscored(item.item_id, item.gold_index, WITHDRAWN), slices=slices_of(item))


def _hide(score: Score) -> Score:
    return replace(score, answer=None, output="")


def _refuse_broken_engine(name: str, scores: Sequence[Score]) -> None:
    if scores and all(score.value is None for score in scores):
        raise StudentError(
            f"{name} answered none of {len(scores)} items ({scores[0].reason}); mend the student and score again"
        )
