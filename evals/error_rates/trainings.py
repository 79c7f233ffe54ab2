"""Trainings in earnest in which nothing is better: V1's own rows compiled again under other seeds, each judged against V1.

Each is judged as a session's first look would be, on the same benchmark and the same general tasks. ``spread`` says whether the
accuracies vary more than chain groups that move by themselves explain: well above 1, trainings differ as a whole, and what counts
as a false accept may be a model that is better. A wall limit that V1 had does not hold
here. A bench that was killed finds its jobs done, or goes on from their checkpoints.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evals.error_rates.study import share
from evals.questions import general_params
from evals.repair import Material, Tell, finished
from evals.statistics import next_share
from evals.verdict import judge
from proda_core.errors import BenchmarkError
from proda_core.jobs import JobRequest
from proda_core.records import load_report
from proda_core.student_jobs import student_params
from proda_core.types import Benchmark, EvalReport, Interval, Split

_APART = 7919  # between the seeds of two trainings, so that no session of a neighbouring seed has one of them


@dataclass(frozen=True, slots=True)
class Training:
    """One training: its adapter, seconds, the verdict's p and gains in accuracy, and whether it was accepted."""

    adapter_id: str
    seed: int
    wall_s: float
    accepted: bool
    p_dev: float
    gains: dict[str, float]


@dataclass(frozen=True, slots=True)
class Trainings:
    """``spread``: variance of the dev gains against what independent groups explain; None for fewer than two."""

    session: str
    alpha: float
    trainings: tuple[Training, ...]
    false_accepts: Interval
    spread: float | None


async def train_again(material: Material, count: int, *, folder: Path, tell: Tell) -> Trainings:
    """``count`` trainings of a session's V1 in ``folder``, or those found there, with their verdicts."""
    if count < 1:
        raise BenchmarkError(f"a study of {count} trainings shows nothing; ask for 1 or more")
    own = material.copied(folder / material.session)
    made: list[tuple[Training, EvalReport]] = []
    begun = time.monotonic()
    for number in range(1, count + 1):
        each = (time.monotonic() - begun) / max(1, len(made))
        left = f", about {each * (count - len(made)) / 60:.0f} min left" if made else ""
        label = f"training {number} of {count}{left}"
        made.append(await _trained(own, own.config.seed + _APART * number, folder, label, tell))
    trainings = tuple(training for training, _ in made)
    return Trainings(
        own.session,
        own.config.verdict.alpha * next_share([], own.config.verdict.max_verdicts),
        trainings,
        share(sum(training.accepted for training in trainings), count),
        spread(own.benchmark, [report for _, report in made]),
    )


async def _trained(
    own: Material, seed: int, folder: Path, label: str, tell: Tell
) -> tuple[Training, EvalReport]:
    """V1's mixture compiled under another seed as V1 was, scored as V1 was, and judged against it."""
    student = student_params(own.config)
    training = {
        **student,
        "seed": seed,
        "config": own.config.training.model_dump(mode="json"),
        "probe": True,
        "wall_s": None,
    }
    inputs = {"mixture": own.mixture_id, "snapshot": own.snapshot_id, "benchmark": own.benchmark_id}
    request = JobRequest("train", "proda_core.training.job:run", training, inputs)
    place = folder / own.session
    trained = await finished(place, request, label, tell)
    adapter = trained.artifacts["adapter"]
    scoring = {**student, **general_params(own.config.general)}
    request = JobRequest(
        "score", "evals.job:run", scoring, {"benchmark": own.benchmark_id, "adapter": adapter}
    )
    scored = await finished(place, request, f"{label}: scoring", tell)
    report = load_report(own.store, scored.artifacts["report"])
    verdict = judge(
        incumbent=own.report, candidate=report, benchmark=own.benchmark, config=own.config.verdict
    )
    gains = {"dev": verdict.dev_gain, "sealed": verdict.sealed_gain, "general": verdict.general_gain}
    found = Training(
        adapter,
        seed,
        float(trained.meta["wall_s"]),
        verdict.accepted,
        verdict.p_dev,
        {name: gain.value for name, gain in gains.items()},
    )
    return found, report


def spread(benchmark: Benchmark, reports: Sequence[EvalReport]) -> float | None:
    """Variance of the dev accuracy over models against what their groups' own variances add up to."""
    if len(reports) < 2:
        return None
    groups = {item.item_id: item.group_id for item in benchmark.of(Split.DEV)}
    names = sorted(set(groups.values()))
    right = np.zeros((len(reports), len(names)))
    for row, report in enumerate(reports):
        for score in report.dev:
            right[row, names.index(groups[score.item_id])] += score.correct
    expected = right.var(axis=0, ddof=1).sum()
    return float(right.sum(axis=1).var(ddof=1) / expected) if expected else None
