"""Two reports on the same items, paired item by item: the raw material of a verdict.

An item unscored under either model is left out for both and counted, withdrawn items apart from failed ones. Groups and
disciplines are read from the frozen benchmark and not from the reports. Reports on different items are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals.withdrawals import WITHDRAWN
from proda_core.answering import FORMAT_ERROR
from proda_core.errors import BenchmarkError
from proda_core.types import Benchmark, EvalReport, Item, Score, Split


@dataclass(frozen=True, slots=True)
class Pair:
    """One item under both models. ``difference``: +1 fixed, -1 broken, 0 as before."""

    item_id: str
    group: str
    slice: str  # discipline, or kind of general task
    difference: int
    was_format_error: bool


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairs of one set (dev, sealed or general) and how many items it lost."""

    name: str
    pairs: tuple[Pair, ...]
    unscored: int
    withdrawn: int

    @property
    def fixed(self) -> int:
        return sum(pair.difference > 0 for pair in self.pairs)

    @property
    def broken(self) -> int:
        return sum(pair.difference < 0 for pair in self.pairs)

    def by_group(self, *, reverse: bool = False) -> dict[str, list[int]]:
        """Differences by chain group; ``reverse`` turns the sign, to test for a loss."""
        return _collect(self.pairs, lambda pair: pair.group, -1 if reverse else 1)


def by_slice(pairs: Sequence[Pair]) -> dict[str, tuple[Pair, ...]]:
    """The pairs of each discipline (or kind), names sorted."""
    names = sorted({pair.slice for pair in pairs})
    return {name: tuple(pair for pair in pairs if pair.slice == name) for name in names}


def pair_split(incumbent: EvalReport, candidate: EvalReport, benchmark: Benchmark, split: Split) -> Pairing:
    """Pair one split of the benchmark. BenchmarkError when a report is of another benchmark, scoring or set of items."""
    items = {item.item_id: item for item in benchmark.of(split)}
    for report in (incumbent, candidate):
        _check(report, benchmark)
        _same(f"{split.value} items of report {report.report_id}", _ids(_of(report, split)), set(items))
    return _pair(
        split.value, _of(incumbent, split), _of(candidate, split), lambda score: items[score.item_id]
    )


def pair_general(incumbent: EvalReport, candidate: EvalReport) -> Pairing:
    """Pair the general suites; every task is its own group. BenchmarkError when the tasks differ."""
    _same(
        f"general tasks of report {candidate.report_id}",
        _ids(candidate.general),
        set(_ids(incumbent.general)),
    )
    return _pair("general", incumbent.general, candidate.general, lambda _: None)


def _of(report: EvalReport, split: Split) -> tuple[Score, ...]:
    return report.dev if split is Split.DEV else report.sealed


def _ids(scores: Sequence[Score]) -> list[str]:
    return [score.item_id for score in scores]


def _check(report: EvalReport, benchmark: Benchmark) -> None:
    if report.benchmark_digest != benchmark.digest or report.scoring != benchmark.scoring.value:
        raise BenchmarkError(
            f"report {report.report_id} is of benchmark {report.benchmark_digest[:16]} under {report.scoring!r}, "
            f"not of {benchmark.digest[:16]} under {benchmark.scoring.value!r}; score {report.model} again"
        )


def _same(what: str, found: list[str], wanted: set[str]) -> None:
    if len(found) != len(set(found)) or set(found) != wanted:
        odd = sorted(set(found) ^ wanted)
        raise BenchmarkError(
            f"{what} are not those of the other side: {len(found)} against {len(wanted)}, {len(odd)} in one only; "
            "score both models on the same set"
        )


def _pair(
    name: str,
    before: Sequence[Score],
    after: Sequence[Score],
    item_of: Callable[[Score], Item | None],
) -> Pairing:
    later = {score.item_id: score for score in after}
    pairs: list[Pair] = []
    lost = {"unscored": 0, "withdrawn": 0}
    for old in sorted(before, key=lambda score: score.item_id):
        new = later[old.item_id]
        if old.value is None or new.value is None:
            lost["withdrawn" if WITHDRAWN in (old.reason, new.reason) else "unscored"] += 1
            continue
        item = item_of(old)
        pairs.append(
            Pair(
                old.item_id,
                item.group_id if item else old.item_id,
                item.discipline if item else old.slices.get("kind", ""),
                int(new.correct) - int(old.correct),
                old.reason == FORMAT_ERROR,
            )
        )
    return Pairing(name, tuple(pairs), lost["unscored"], lost["withdrawn"])


def _collect(pairs: Sequence[Pair], key: Callable[[Pair], str], sign: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for pair in pairs:
        found.setdefault(key(pair), []).append(sign * pair.difference)
    return found
