"""The failed dev items of a report, and nothing else: a sealed item is refused before anything is asked about it.

Unscored items did not fail; they were not measured. A sealed item is a GuardRefusal by G3, a report of another benchmark a
BenchmarkError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proda_core.answering import FORMAT_ERROR
from proda_core.errors import BenchmarkError, GuardRefusal, Refusal
from proda_core.types import Benchmark, EvalReport, Item, Score, Split


@dataclass(frozen=True, slots=True)
class Failure:
    """A dev item and the score it failed with."""

    item: Item
    score: Score

    @property
    def unparsable(self) -> bool:
        return self.score.reason == FORMAT_ERROR


def failures_of(report: EvalReport, benchmark: Benchmark) -> tuple[Failure, ...]:
    """The dev items that the report's model got wrong, in the benchmark's order."""
    if report.benchmark_digest != benchmark.digest:
        raise BenchmarkError(
            f"report {report.report_id} is of benchmark {report.benchmark_digest[:16]}, not of {benchmark.digest[:16]}; "
            "diagnose it with the benchmark it was scored on"
        )
    wrong = {score.item_id: score for score in report.dev if score.value is not None and not score.correct}
    items = {item.item_id: item for item in benchmark.items}
    unknown = sorted(set(wrong) - set(items))
    if unknown:
        raise BenchmarkError(f"the benchmark holds no item {unknown[0]}; the report is not of its items")
    found = [Failure(item, wrong[item.item_id]) for item in benchmark.items if item.item_id in wrong]
    refuse_sealed(failure.item for failure in found)
    return tuple(found)


def refuse_sealed(items: Iterable[Item]) -> None:
    """GuardRefusal naming every item that is not of the dev split."""
    sealed = [item.item_id for item in items if item.split is not Split.DEV]
    if sealed:
        raise GuardRefusal(
            [
                Refusal("G3", item_id, "a sealed item is never diagnosed; give dev items only")
                for item_id in sealed
            ]
        )
