"""Running trials: compose a recipe's mixture, compile it, score it, each as the same jobs that a session runs.

A job's ID is made from its request, so a bench that was killed goes on where it was, and a trial asked for again is found done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evals.questions import general_params
from evals.repair.material import Material
from evals.repair.recipes import Recipe, compose
from proda_core.config import Config
from proda_core.jobs import JobRequest, JobResult, LocalExecutor, Progress
from proda_core.records import load_report
from proda_core.student_jobs import student_params
from proda_core.types import EvalReport

Tell = Callable[[str, Progress | None], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One recipe tried on one session: rows by role, seconds of training, and the scores it ended with."""

    recipe: Recipe
    roles: dict[str, int]
    wall_s: float
    material: Material
    report: EvalReport

    @property
    def rows(self) -> int:
        return sum(self.roles.values())


@dataclass(frozen=True, slots=True)
class RepairBench:
    """Where trials run and who hears of them: ``tell`` gets what is being done, and how far it is."""

    folder: Path
    tell: Tell = field(default=lambda _what, _progress: None)

    async def run(
        self,
        materials: Sequence[Material],
        recipes: Sequence[Recipe],
        config_of: Callable[[Material], Config] = lambda material: material.config,
    ) -> list[Trial]:
        """Every recipe on every session, session by session; ``config_of`` is where other settings plug in."""
        total = len(materials) * len(recipes)
        done: list[Trial] = []
        for material in materials:
            own = material.copied(self.folder / material.session)
            for recipe in recipes:
                label = f"{len(done) + 1} of {total}, {material.session}, {recipe.value}"
                done.append(await self._trial(own, recipe, config_of(own), label))
        return done

    async def _trial(self, material: Material, recipe: Recipe, config: Config, label: str) -> Trial:
        self.tell(f"{label}: composing", None)
        composed = compose(recipe, material, config)
        settings = config.training
        inputs = {
            "mixture": composed.mixture_id,
            "snapshot": material.snapshot_id,
            "benchmark": material.benchmark_id,
        }
        if settings.continue_incumbent:
            inputs["incumbent"] = material.adapter_id
            settings = settings.going_on()
        training = {
            "config": settings.model_dump(mode="json"),
            "probe": False,
            "wall_s": None,
            **student_params(config),
        }
        request = JobRequest("train", "proda_core.training.job:run", training, inputs)
        folder = self.folder / material.session
        trained = await finished(folder, request, f"{label}: training", self.tell)
        scoring = {**student_params(config), **general_params(config.general)}
        asked = {"benchmark": material.benchmark_id, "adapter": trained.artifacts["adapter"]}
        request = JobRequest("score", "evals.job:run", scoring, asked)
        scored = await finished(folder, request, f"{label}: scoring", self.tell)
        report = load_report(material.store, scored.artifacts["report"])
        return Trial(recipe, composed.roles, float(trained.meta["wall_s"]), material, report)


async def finished(folder: Path, request: JobRequest, what: str, tell: Tell) -> JobResult:
    """Submit a job in a bench's ``folder``, or find it, and wait; one that failed before is tried again."""
    executor = LocalExecutor(folder)
    tell(what, None)
    executor.submit(request, retry=True)
    try:
        return await executor.wait(request.job_id, lambda progress: tell(what, progress))
    except asyncio.CancelledError:
        executor.cancel(request.job_id)  # it ends at its next checkpoint, from which the same bench goes on
        raise
