"""An EvalReport in aggregate: accuracies with Wilson intervals, counts of format errors and unscored items, and slices.

This is what people and the policy see of a report. Unscored items are in no denominator and are counted. Sealed results
are given in aggregate alone: a sealed slice of fewer than five items not at all, and so that it is not left by subtraction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from evals.statistics import wilson
from evals.withdrawals import WITHDRAWN
from proda_core.answering import FORMAT_ERROR, OFF_OPTIONS
from proda_core.types import EvalReport, Interval, Score

SMALLEST_SEALED_SLICE = 5


@dataclass(frozen=True, slots=True)
class SetSummary:
    """One set of scores: ``accuracy.n`` is the number of scored items."""

    accuracy: Interval
    format_errors: int
    off_options: int
    unscored: int
    withdrawn: int
    slices: dict[str, dict[str, Interval]] = field(default_factory=dict)  # slice name -> value -> accuracy


@dataclass(frozen=True, slots=True)
class ReportSummary:
    dev: SetSummary
    sealed: SetSummary
    general: SetSummary


def summarise(report: EvalReport) -> ReportSummary:
    """The report in aggregate."""
    return ReportSummary(
        dev=_summary(report.dev, ("discipline", "hops")),
        sealed=_summary(report.sealed, ("discipline", "hops"), smallest=SMALLEST_SEALED_SLICE),
        general=_summary(report.general, ("kind",)),
    )


def accuracy(scores: Iterable[Score]) -> Interval:
    """Share right of the scored, with Wilson's 95 % interval."""
    scored = [score for score in scores if score.value is not None]
    return wilson(sum(score.correct for score in scored), len(scored))


def _summary(scores: tuple[Score, ...], names: tuple[str, ...], *, smallest: int = 1) -> SetSummary:
    unscored = [score for score in scores if score.value is None]
    withdrawn = sum(score.reason == WITHDRAWN for score in unscored)
    return SetSummary(
        accuracy=accuracy(scores),
        format_errors=sum(score.reason == FORMAT_ERROR for score in scores),
        off_options=sum(score.reason == OFF_OPTIONS for score in scores),
        unscored=len(unscored) - withdrawn,
        withdrawn=withdrawn,
        slices={name: _slices(scores, name, smallest) for name in names},
    )


def _slices(scores: tuple[Score, ...], name: str, smallest: int) -> dict[str, Interval]:
    found: dict[str, list[Score]] = {}
    for score in scores:
        if score.value is not None and name in score.slices:
            found.setdefault(score.slices[name], []).append(score)
    return {value: accuracy(found[value]) for value in sorted(_shown(found, smallest))}


def _shown(found: dict[str, list[Score]], smallest: int) -> list[str]:
    """The slices large enough, less those without which the rest, which is told by the total, would be too small as well."""
    shown = sorted(found, key=lambda value: len(found[value]), reverse=True)
    rest = 0
    while shown and (len(found[shown[-1]]) < smallest or 0 < rest < smallest):
        rest += len(found[shown.pop()])
    return shown
