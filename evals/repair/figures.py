"""What the trials show: each recipe's gain over V1, pooled over sessions, and what the diagnosed patch gains over each control.

Pairs are of one item under two models of the same session; sessions are pooled by their chain groups, which are resampled whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals.pairing import Pairing, pair_general, pair_split
from evals.repair.recipes import Recipe
from evals.repair.trial import Trial
from evals.statistics import gain_interval, mcnemar
from proda_core.types import EvalReport, Interval, Role, Score, Split

LEVEL = 0.90
SETS = ("dev", "sealed", "general")
_SEED = 0  # of the bootstrap


@dataclass(frozen=True, slots=True)
class RecipeFigures:
    """One recipe over its sessions: accuracy and pooled gain over V1 by set, and the exact p of each session's dev gain."""

    recipe: Recipe
    sessions: tuple[str, ...]
    rows: float  # mean of a session, and by role
    roles: dict[str, float]
    wall_s: float
    accuracy: dict[str, float]
    gain: dict[str, Interval]
    p_dev: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the diagnosed patch gains over a control, by set."""

    control: Recipe
    gain: dict[str, Interval]


@dataclass(frozen=True, slots=True)
class RepairFigures:
    """``before`` holds accuracies of the base and of V1."""

    level: float
    before: dict[str, dict[str, float]]
    recipes: tuple[RecipeFigures, ...]
    comparisons: tuple[Comparison, ...]


def figures_of(trials: Sequence[Trial], bases: Sequence[EvalReport]) -> RepairFigures:
    """The figures of trials; ``bases`` are the base's reports of the same sessions."""
    firsts = {trial.material.session: trial.material.report for trial in trials}
    by_recipe: dict[Recipe, list[Trial]] = {}
    for trial in trials:
        by_recipe.setdefault(trial.recipe, []).append(trial)
    before = {"base": _accuracies(bases), "V1": _accuracies(list(firsts.values()))}
    recipes = tuple(_of_recipe(recipe, tried) for recipe, tried in by_recipe.items())
    diagnosed = {trial.material.session: trial for trial in by_recipe.get(Recipe.DIAGNOSED, [])}
    comparisons = [
        Comparison(
            recipe, _pooled(tried, lambda trial: trial.report, lambda t: diagnosed[t.material.session].report)
        )
        for recipe, tried in by_recipe.items()
        if recipe is not Recipe.DIAGNOSED and all(trial.material.session in diagnosed for trial in tried)
    ]
    return RepairFigures(LEVEL, before, recipes, tuple(comparisons))


def _of_recipe(recipe: Recipe, tried: Sequence[Trial]) -> RecipeFigures:
    p_dev = []
    for trial in tried:
        dev = pair_split(trial.material.report, trial.report, trial.material.benchmark, Split.DEV)
        p_dev.append(mcnemar(dev.fixed, dev.broken).two_sided)
    return RecipeFigures(
        recipe=recipe,
        sessions=tuple(trial.material.session for trial in tried),
        rows=sum(trial.rows for trial in tried) / len(tried),
        roles={
            role.value: sum(trial.roles.get(role.value, 0) for trial in tried) / len(tried)
            for role in Role
            if any(trial.roles.get(role.value) for trial in tried)
        },
        wall_s=sum(trial.wall_s for trial in tried) / len(tried),
        accuracy=_accuracies([trial.report for trial in tried]),
        gain=_pooled(tried, lambda trial: trial.material.report, lambda trial: trial.report),
        p_dev=tuple(p_dev),
    )


def _pooled(
    tried: Sequence[Trial], before: Callable[[Trial], EvalReport], after: Callable[[Trial], EvalReport]
) -> dict[str, Interval]:
    """Mean paired difference by set, over all sessions."""
    found: dict[str, dict[str, list[int]]] = {name: {} for name in SETS}
    for trial in tried:
        for pairing in _pairings(trial, before(trial), after(trial)):
            for group, differences in pairing.by_group().items():
                found[pairing.name][f"{trial.material.session}:{group}"] = differences
    return {name: gain_interval(groups, seed=_SEED, level=LEVEL) for name, groups in found.items()}


def _pairings(trial: Trial, before: EvalReport, after: EvalReport) -> tuple[Pairing, ...]:
    benchmark = trial.material.benchmark
    return (
        pair_split(before, after, benchmark, Split.DEV),
        pair_split(before, after, benchmark, Split.SEALED),
        pair_general(before, after),
    )


def _accuracies(reports: Sequence[EvalReport]) -> dict[str, float]:
    """Share of right answers by set, all reports together; unscored items are in no denominator."""
    sets = {name: [score for report in reports for score in _scored(getattr(report, name))] for name in SETS}
    return {
        name: sum(score.correct for score in scores) / len(scores) if scores else 0.0
        for name, scores in sets.items()
    }


def _scored(scores: Sequence[Score]) -> list[Score]:
    return [score for score in scores if score.value is not None]
