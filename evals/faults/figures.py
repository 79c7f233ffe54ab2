"""Precision, recall and F1 of what was said, by kind, with intervals over chain groups and seeds.

Intervals are the wider of a bootstrap that resamples whole groups (of one seed) and Wilson's, so that a hundred faults all found
do not look certain. F1 is 2J / (1 + J) of J, the share found among all that was found, missed or
falsely claimed; so is its interval.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.faults.judging import DEFICIT, GAP, KINDS, Count, Guesser, Trial, judge, shown, took
from evals.statistics import RESAMPLES, wilson
from proda_core.types import DiagnosisKind, Interval

LEVEL = 0.95
DIAGNOSIS = "diagnosis"
_SEED = 0  # of the bootstrap
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KindFigures:
    """``found`` and ``missed`` are faults, ``false`` nodes (gap) or chains (deficit) claimed against the held-out probes."""

    kind: str
    found: int
    missed: int
    false: int
    precision: Interval
    recall: Interval
    f1: Interval


@dataclass(frozen=True, slots=True)
class TrialFigures:
    """One training: planted faults, those of which an item failed, and what diagnosis said of items by what they are of."""

    session: str
    seed: int
    planted: dict[str, int]
    shown: dict[str, int]
    confirmed_deficits: int  # shown, with facts known and the chain not joined by held-out probes
    facts_known: float  # of the facts taught on failed chains, by held-out probes
    control_accuracy: float
    said: dict[str, dict[str, int]]  # gap, deficit, control -> diagnosis -> items
    rows: dict[str, int]
    wall_s: float


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """``readers`` holds who said why (diagnosis, and each baseline that could) with their figures by kind."""

    level: float
    readers: dict[str, tuple[KindFigures, ...]]
    silent: tuple[str, ...]  # baselines that had nothing to learn from
    trials: tuple[TrialFigures, ...]


def figures_of(trials: Sequence[Trial], guessers: Sequence[Guesser] = ()) -> FaultFigures:
    """The figures of diagnosis and of every guesser, which learns from the other trials only."""
    readers = {
        DIAGNOSIS: by_kind([count for trial in trials for count in judge(trial, trial.said)]),
    }
    silent: list[str] = []
    for guesser in guessers:
        counts: list[Count] = []
        for trial in trials:
            claims = guesser.claims(trial, [t for t in trials if t.plan.seed != trial.plan.seed])
            if claims is None:
                silent.append(guesser.name)
                break
            counts += judge(trial, claims)
        else:
            readers[guesser.name] = by_kind(counts)
    return FaultFigures(LEVEL, readers, tuple(silent), tuple(_of_trial(trial) for trial in trials))


def by_kind(counts: Sequence[Count]) -> tuple[KindFigures, ...]:
    """The figures of each kind over its counts."""
    return tuple(_of_kind(kind, [c for c in counts if c.kind == kind]) for kind in KINDS)


def _of_kind(kind: str, counts: Sequence[Count]) -> KindFigures:
    found, missed, false = (sum(getattr(c, name) for c in counts) for name in ("found", "missed", "false"))
    drawn = _drawn(counts)
    hits, misses, falses = drawn[:, 0], drawn[:, 1], drawn[:, 2]
    jaccard = _interval(found, found + missed + false, hits, hits + misses + falses)
    return KindFigures(
        kind,
        found,
        missed,
        false,
        precision=_interval(found, found + false, hits, hits + falses),
        recall=_interval(found, found + missed, hits, hits + misses),
        f1=Interval(_f1(jaccard.value), _f1(jaccard.low), _f1(jaccard.high), jaccard.n),
    )


def _f1(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _drawn(counts: Sequence[Count]) -> Floats:
    """Found, missed and false of resampled groups, shape (resamples, 3)."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for count in counts:
        for place, name in enumerate(("found", "missed", "false")):
            sums[count.group][place] += getattr(count, name)
    if not sums:
        return np.zeros((1, 3))
    table = np.array([sums[group] for group in sorted(sums)], dtype=float)
    drawn = np.random.default_rng(_SEED).multinomial(
        len(table), np.full(len(table), 1 / len(table)), RESAMPLES
    )
    resampled: Floats = drawn @ table
    return resampled


def _interval(part: int, whole: int, parts: Floats, wholes: Floats) -> Interval:
    """A share with the wider of both intervals; of nothing it is the whole range with n = 0."""
    exact = wilson(part, whole, level=LEVEL)
    some = wholes > 0
    if not whole or not some.any():
        return exact
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(parts[some] / wholes[some], [tail, 1 - tail])
    return Interval(exact.value, min(exact.low, float(low)), max(exact.high, float(high)), whole)


def _of_trial(trial: Trial) -> TrialFigures:
    plan = trial.plan
    taught = {r for item in trial.failures for r in item.l2_ids[: item.hops]} - plan.left_out
    asked = [r for r in sorted(taught) if trial.knows(r) is not None]
    return TrialFigures(
        session=trial.session,
        seed=plan.seed,
        planted={kind.value: len(plan.of(kind)) for kind in (GAP, DEFICIT)},
        shown={kind.value: len(shown(trial, kind)) for kind in (GAP, DEFICIT)},
        confirmed_deficits=sum(took(trial, fault.chain_id) for fault in shown(trial, DEFICIT)),
        facts_known=_share(asked, lambda r: trial.knows(r) is True),
        control_accuracy=_control_accuracy(trial),
        said=_said(trial),
        rows=trial.rows,
        wall_s=trial.wall_s,
    )


def _control_accuracy(trial: Trial) -> float:
    controls, failed = set(trial.plan.controls), set(trial.failed)
    items = [item.item_id for item in trial.plan.benchmark.items if item.chain_id in controls]
    return _share(items, lambda item_id: item_id not in failed)


def _said(trial: Trial) -> dict[str, dict[str, int]]:
    planted: dict[str, DiagnosisKind] = {fault.chain_id: fault.kind for fault in trial.plan.faults}
    found: dict[str, Counter[str]] = {}
    for claim in trial.said:
        of = planted[claim.chain_id].value if claim.chain_id in planted else "control"
        found.setdefault(of, Counter())[claim.kind.value] += 1
    return {of: dict(sorted(counter.items())) for of, counter in sorted(found.items())}


def _share(values: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, values)) / len(values) if values else 0.0
