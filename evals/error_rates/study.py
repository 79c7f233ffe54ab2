"""The study: how often a session accepts what is no better, over several kinds of sessions, and how often a true gain is found.

Every session has a generator of its own, made from the seed and its number, so that a figure is the same in any order. Shares
come with Clopper and Pearson's exact 95 % interval, whose upper end is what a false-accept rate is held against.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from evals.error_rates.noise import Noise
from evals.error_rates.population import Population, benchmark_like_the_demos
from evals.error_rates.sessions import Look, Plan, simulate
from evals.repair import Tell
from evals.sizes import POWER, pairs_for_gain, power_of_margin
from evals.statistics import next_share
from proda_core.config import Config
from proda_core.jobs import Progress
from proda_core.types import Interval

GAINS = (0.02, 0.04, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20)
ALLOWED = 0.06  # the upper end of a false-accept rate's interval
_TOGETHER = 0.6  # groups of which the items move nearly as one
_FIRST_GAIN = 0.30  # what a session's first patch is worth in the demo


@dataclass(frozen=True, slots=True)
class Null:
    """Sessions in which nothing, or nothing more, is better: the share with a false accept."""

    name: str
    sessions: int
    looks: float  # mean of a session
    false_accepts: Interval
    undecided: float  # share of the looks at nothing better that said so


@dataclass(frozen=True, slots=True)
class Found:
    """A true gain on dev and sealed: the share of sessions whose first round finds it, and of those that find it at all."""

    gain: float
    items: int  # dev items
    sessions: int
    first_round: Interval
    session: Interval


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """``needed``: dev items of which the first round is said to find ``smallest_gain``, with what that size found."""

    seed: int
    alpha: float
    allowed: float
    nulls: tuple[Null, ...]
    power: tuple[Found, ...]
    smallest_gain: float
    needed: int
    at_needed: Found


def study(
    population: Population,
    noise: Noise,
    strong: Noise,
    config: Config,
    sessions: int,
    *,
    seed: int,
    tell: Tell,
) -> ErrorRates:
    """Every figure; ``strong`` is the noise of an incumbent that many rounds have made."""
    plan = Plan(population, noise, config)
    nulls = [
        null_of(name, one, sessions, seed=seed, tell=tell) for name, one in _null_plans(plan, strong).items()
    ]
    fewer = max(1, sessions // 4)
    power = [
        found_of(replace(plan, gain=_both(gain)), fewer, seed=seed, tell=tell)
        for gain in GAINS
        if gain < _room(noise)
    ]
    tasks = len(population.marks["general"])
    smallest, needed = config.verdict.smallest_gain, items_needed(noise, config, tasks)
    larger = Population.of(benchmark_like_the_demos(needed, len(population.marks["sealed"])), tasks)
    at_needed = Plan(larger, noise, config, _both(smallest))
    return ErrorRates(
        seed,
        config.verdict.alpha,
        ALLOWED,
        tuple(nulls),
        tuple(power),
        smallest,
        needed,
        found_of(at_needed, fewer, seed=seed, tell=tell),
    )


def _null_plans(plan: Plan, strong: Noise) -> dict[str, Plan]:
    """Named sessions in which an acceptance is false; all but the first go on to the last look."""
    policy = plan.config.policy.model_copy(update={"max_rejections": plan.config.verdict.max_verdicts + 1})
    patient = replace(plan, config=plan.config.model_copy(update={"policy": policy}))
    wide = plan.config.verdict.model_copy(update={"sealed_margin": 0.99, "general_margin": 0.99})
    alone = replace(patient, config=patient.config.model_copy(update={"verdict": wide}))
    return {
        "nothing better, the session's own policy": plan,
        "the same, dev deciding alone": alone,
        "the same, every look taken": patient,
        "the same, groups that move nearly as one": replace(patient, noise=plan.noise.together(_TOGETHER)),
        "the same, a strong incumbent": replace(patient, noise=strong),
        "nothing better after a true first gain": replace(
            patient, gain=_both(min(_FIRST_GAIN, _room(plan.noise) / 2))
        ),
    }


def _room(noise: Noise) -> float:
    """What dev and sealed can still gain."""
    return 0.98 - max(noise.dev.accuracy, noise.sealed.accuracy)


def _both(gain: float) -> dict[str, float]:
    return {"dev": gain, "sealed": gain}


def null_of(name: str, plan: Plan, sessions: int, *, seed: int, tell: Tell) -> Null:
    """The false accepts of a plan's sessions."""
    found = _simulated(plan, sessions, seed, name, tell)
    idle = [look for looks in found for look in looks if not look.better]
    return Null(
        name,
        sessions,
        float(np.mean([len(looks) for looks in found])),
        share(sum(any(look.accepted and not look.better for look in looks) for looks in found), sessions),
        sum(look.undecided for look in idle) / max(1, len(idle)),
    )


def found_of(plan: Plan, sessions: int, *, seed: int, tell: Tell) -> Found:
    """How often the plan's gain is found. A candidate that is better is one until the first acceptance."""
    items = len(plan.population.marks["dev"])
    label = f"a true gain of {plan.gain['dev']:.0%} on {items} items"
    found = _simulated(plan, sessions, seed, label, tell)
    first = sum(bool(looks) and looks[0].accepted for looks in found)
    at_all = sum(any(look.accepted and look.better for look in looks) for looks in found)
    return Found(plan.gain["dev"], items, sessions, share(first, sessions), share(at_all, sessions))


def share(count: int, of: int) -> Interval:
    """``count`` of ``of`` with the exact interval."""
    exact = binomtest(count, of).proportion_ci(confidence_level=0.95, method="exact")
    return Interval(count / of, float(exact.low), float(exact.high), of)


def items_needed(noise: Noise, config: Config, tasks: int) -> int:
    """Dev items in groups of two of which the first round finds the smallest gain not to be missed, general skill unchanged."""
    verdict = config.verdict
    part = next_share([], verdict.max_verdicts)
    error = (1 - verdict.margin_confidence) * part
    held = power_of_margin(tasks, margin=verdict.general_margin, differ=noise.general.differ, error=error)
    pairs = pairs_for_gain(
        gain=verdict.smallest_gain,
        differ=noise.dev.differ,
        alpha=verdict.alpha * part,
        wanted=min(POWER / held, 0.99),
    )
    return math.ceil(pairs * (1 + noise.dev.together))


def _simulated(plan: Plan, sessions: int, seed: int, label: str, tell: Tell) -> Sequence[tuple[Look, ...]]:
    begun, done = time.monotonic(), []
    for number in range(sessions):
        if number % 20 == 0:
            taken = time.monotonic() - begun
            left = taken / number * (sessions - number) if number else None
            tell(label, Progress(number, sessions, left))
        done.append(simulate(plan, np.random.default_rng([seed, number])))
    return done
