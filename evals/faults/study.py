"""Running the study: for each session and seed plant, compose, train, score, diagnose and ask held-out probes.

Each is a job under an ID made from its request, in a folder of the study's own, so a study that was killed goes on where it was,
and the session's folder, log and budget stay as they are. The trainings are real ones, on the session's own base and settings.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from evals.faults.judging import GAP, Claim, Trial, said_by_diagnosis
from evals.faults.planting import Plan, Sizes, plant
from evals.faults.rows import Composed, compose
from evals.questions import general_params
from proda_core.artifacts import ArtifactStore
from proda_core.config import Config, GeneralConfig
from proda_core.guard.lineage import LineageIndex
from proda_core.jobs import JobRequest, JobResult, LocalExecutor, Progress
from proda_core.knowledge import load_snapshot
from proda_core.records import load_diagnoses, load_report
from proda_core.student_jobs import student_params
from proda_core.types import Scoring

Tell = Callable[[str, Progress | None], None]
GENERAL = GeneralConfig(suite_items=10)  # the least: general skill is not what is asked here


@dataclass(frozen=True, slots=True)
class Source:
    """A session as the study needs it: its graph, and the settings that it trains and diagnoses under."""

    session: str
    config: Config
    store: ArtifactStore
    snapshot_id: str

    def copied(self, folder: Path) -> Source:
        """The same in the store of ``folder``; ArtifactError when the snapshot is not what its manifest says."""
        self.store.verify("snapshot", self.snapshot_id)
        own = ArtifactStore(folder / "artifacts")
        if not own.exists("snapshot", self.snapshot_id):
            target = own.path("snapshot", self.snapshot_id)
            partial = target.with_name(f".{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(self.store.path("snapshot", self.snapshot_id), partial)
            partial.replace(target)
        return Source(self.session, self.config, own, self.snapshot_id)


class Runner(Protocol):
    """Runs one job in a folder to its end; what a test replaces to plug in a student."""

    async def __call__(
        self, folder: Path, request: JobRequest, on_progress: Callable[[Progress], None]
    ) -> JobResult: ...


async def run_job(folder: Path, request: JobRequest, on_progress: Callable[[Progress], None]) -> JobResult:
    """Submit a job, or find it, and wait; one that failed before is tried again."""
    executor = LocalExecutor(folder)
    executor.submit(request, retry=True)
    try:
        return await executor.wait(request.job_id, on_progress)
    except asyncio.CancelledError:
        executor.cancel(request.job_id)  # it ends at its next checkpoint, from which the same study goes on
        raise


@dataclass(frozen=True, slots=True)
class FaultStudy:
    """Where the study runs, how much it plants, and who hears of it: ``tell`` gets what is being done and how far it is."""

    folder: Path
    sizes: Sizes = field(default_factory=Sizes)
    tell: Tell = field(default=lambda _what, _progress: None)
    runner: Runner = run_job

    async def run(self, sources: Sequence[Source], seeds: Sequence[int]) -> list[Trial]:
        """Every seed on every session; the estimate goes by the slowest trial so far, since one found done takes no time."""
        done: list[Trial] = []
        total, slowest_s = len(sources) * len(seeds), 0.0
        for source in sources:
            own = source.copied(self.folder / source.session)
            for seed in seeds:
                began, left = time.monotonic(), _left(slowest_s, total - len(done))
                label = f"{len(done) + 1} of {total}{left}, {source.session}, seed {seed}"
                done.append(await _One(self, own, seed, label).trial())
                slowest_s = max(slowest_s, time.monotonic() - began)
        return done


def _left(each_s: float, trials: int) -> str:
    """The estimate in words; "" before anything is done."""
    return f", about {max(1, round(each_s * trials / 60))} min left" if each_s else ""


@dataclass(frozen=True, slots=True)
class _One:
    """One seed of one session."""

    study: FaultStudy
    source: Source
    seed: int
    label: str

    @property
    def _config(self) -> Config:
        return self.source.config.model_copy(update={"seed": self.seed})

    async def trial(self) -> Trial:
        source, config = self.source, self._config
        snapshot = load_snapshot(source.store, source.snapshot_id)
        self.study.tell(f"{self.label}: planting", None)
        plan = plant(snapshot, Scoring(config.benchmark.scoring), self.study.sizes, seed=self.seed)
        composed = compose(plan, LineageIndex(snapshot), source.store, config)
        trained = await self._train(plan, composed)
        asked = {"benchmark": plan.benchmark.benchmark_id, "adapter": trained.artifacts["adapter"]}
        params = {**student_params(config), **general_params(GENERAL)}
        scored = await self._job("score", "evals.job:run", params, asked)
        report = load_report(source.store, scored.artifacts["report"])
        failed = tuple(s.item_id for s in report.dev if s.value is not None and not s.correct)
        asked |= {"snapshot": source.snapshot_id}
        params = {**student_params(config), "config": config.diagnosis.model_dump(mode="json")}
        named = {**asked, "report": report.report_id}
        found = await self._job("diagnose", "proda_core.diagnosis.job:run", params, named)
        said = said_by_diagnosis(load_diagnoses(source.store, found.artifacts["diagnosis"]))
        held = await self._ask_held_out(plan, failed, said, asked)
        return Trial(
            session=source.session,
            plan=plan,
            snapshot=snapshot,
            failed=failed,
            said=said,
            known=held.meta["known"],
            joined=held.meta["joined"],
            rows={"facts": composed.facts, "walks": composed.walks, "general": composed.general},
            wall_s=float(trained.meta["wall_s"]),
        )

    async def _train(self, plan: Plan, composed: Composed) -> JobResult:
        config = self._config
        params = {
            "config": config.training.model_dump(mode="json"),
            "probe": False,  # every seed trains as long
            "wall_s": None,
            **student_params(config),
        }
        inputs = {
            "mixture": composed.mixture_id,
            "snapshot": self.source.snapshot_id,
            "benchmark": plan.benchmark.benchmark_id,
        }
        return await self._job("train", "proda_core.training.job:run", params, inputs)

    async def _ask_held_out(
        self, plan: Plan, failed: Sequence[str], said: Sequence[Claim], asked: dict[str, str]
    ) -> JobResult:
        """What failed chains ask, and whatever node was claimed to be a gap."""
        wrong = set(failed)
        items = [item for item in plan.benchmark.items if item.item_id in wrong]
        nodes = {r for item in items for r in item.l2_ids[: item.hops]}
        nodes |= {node for claim in said if claim.kind is GAP for node in claim.nodes}
        chains = {item.chain_id for item in items}
        params = {**student_params(self._config), "nodes": sorted(nodes), "chains": sorted(chains)}
        return await self._job("heldout", "evals.faults.heldout_job:run", params, asked)

    async def _job(
        self, kind: str, entry_point: str, params: dict[str, object], inputs: dict[str, str]
    ) -> JobResult:
        what = f"{self.label}: {_DOING[kind]}"
        self.study.tell(what, None)
        request = JobRequest(kind, entry_point, params, inputs)
        folder = self.study.folder / self.source.session
        return await self.study.runner(folder, request, lambda progress: self.study.tell(what, progress))


_DOING = {
    "train": "training",
    "score": "scoring",
    "diagnose": "diagnosing",
    "heldout": "asking held-out probes",
}
