"""Items found defective after the freeze: an append-only list beside the frozen benchmark, ``withdrawals.jsonl``.

The benchmark itself never changes. A withdrawn item is unscored with the reason "withdrawn" in every report it is applied to,
so that both models of a pair lose it alike. Withdrawing an unknown item is refused; withdrawing one twice adds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from proda_core.errors import BenchmarkError
from proda_core.serialize import dump_lines, read_lines
from proda_core.types import Benchmark, EvalReport, Score

WITHDRAWN = "withdrawn"
FILE = "withdrawals.jsonl"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One item withdrawn and why."""

    item_id: str
    reason: str


def read_withdrawals(session: Path) -> tuple[Withdrawal, ...]:
    """The session's withdrawals in the order in which they were made; none when there is no file."""
    path = session / FILE
    return tuple(read_lines(path, Withdrawal)) if path.is_file() else ()


def append_withdrawals(
    session: Path, withdrawals: Iterable[Withdrawal], benchmark: Benchmark
) -> tuple[Withdrawal, ...]:
    """Append what is new and return it. BenchmarkError for an item that the benchmark does not hold."""
    known = {item.item_id for item in benchmark.items}
    seen = {old.item_id for old in read_withdrawals(session)}
    fresh: list[Withdrawal] = []
    for withdrawal in withdrawals:
        if withdrawal.item_id not in known:
            raise BenchmarkError(
                f"cannot withdraw {withdrawal.item_id}: benchmark {benchmark.benchmark_id} holds no such item"
            )
        if withdrawal.item_id not in seen:
            seen.add(withdrawal.item_id)
            fresh.append(withdrawal)
    if fresh:
        with (session / FILE).open("a", encoding="utf-8") as handle:
            handle.write(dump_lines(fresh))
            handle.flush()
            os.fsync(handle.fileno())
    return tuple(fresh)


def apply_withdrawals(report: EvalReport, withdrawals: Iterable[Withdrawal]) -> EvalReport:
    """The report with withdrawn items unscored. Apply it to both reports of a pair before ``judge``."""
    gone = {withdrawal.item_id for withdrawal in withdrawals}

    def without(scores: tuple[Score, ...]) -> tuple[Score, ...]:
        return tuple(_withdraw(score) if score.item_id in gone else score for score in scores)

    return replace(report, dev=without(report.dev), sealed=without(report.sealed))


def in_time(withdrawals: Iterable[Withdrawal], candidate: EvalReport) -> list[Withdrawal]:
    """The withdrawals that a candidate was scored under: nobody picks what counts after seeing how it did."""
    known = {score.item_id for score in (*candidate.dev, *candidate.sealed) if score.reason == WITHDRAWN}
    return [one for one in withdrawals if one.item_id in known]


def _withdraw(score: Score) -> Score:
    return replace(score, value=None, answer=None, reason=WITHDRAWN, output="")
