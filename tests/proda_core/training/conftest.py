"""A small honest session to train in: a world whose mixture the guard committed, a tiny base, and job requests on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.config import StudentConfig, TrainingConfig
from proda_core.guard import commit_mixture
from proda_core.jobs.contract import JobContext, JobRequest, Progress
from proda_core.students import base_digest
from tests import fixtures_knowledge as world
from tests.models import tiny_lfm2, tiny_llama, tiny_qwen2


@dataclass(slots=True)
class TrainingSession:
    """Where a train job runs; ``progress`` keeps what it reported, ``stop_after`` ends it at that step (0: never)."""

    folder: Path
    base: Path
    mixture_id: str
    snapshot_id: str
    benchmark_id: str
    progress: list[Progress] = field(default_factory=list)
    stop_after: int = 0

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self.folder / "artifacts")

    def context(self, scratch: str = "scratch") -> JobContext:
        def stop() -> bool:
            return bool(self.stop_after) and self.progress[-1].done >= self.stop_after

        return JobContext(self.folder, self.folder / scratch, self.store, self.progress.append, stop)

    def request(
        self, *, probe: bool = False, seed: int = 0, base: Path | None = None, **config: Any
    ) -> JobRequest:
        folder = str(base or self.base)
        settings = {
            "epochs": 4,
            "batch_tokens": 128,
            "rank": 4,
            "alpha": 8,
            "checkpoint_steps": 3,
            "precision": "fp32",
            **config,
        }
        params = {
            "base": folder,
            "base_digest": base_digest(folder),
            "config": TrainingConfig(**settings).model_dump(),
            "student": StudentConfig(threads=1).model_dump(),
            "seed": seed,
            "probe": probe,
        }
        inputs = {"mixture": self.mixture_id, "snapshot": self.snapshot_id, "benchmark": self.benchmark_id}
        return JobRequest("train", "proda_core.training.job:run", params, inputs)


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    return {
        "llama": tiny_llama(root / "llama"),
        "qwen2": tiny_qwen2(root / "qwen2", chat=False),
        "lfm2": tiny_lfm2(root / "lfm2"),
    }


@pytest.fixture
def open_session(tmp_path: Path, bases: dict[str, Path]) -> Callable[[str], TrainingSession]:
    """Opens as many equal sessions as a test wants, by folder name."""

    def open_(name: str) -> TrainingSession:
        folder = tmp_path / name
        store = ArtifactStore(folder / "artifacts")
        made = world.honest_world(store)
        commit_mixture(
            store, made.mixture, index=world.index(), benchmark=world.benchmark(), inputs=made.inputs
        )
        return TrainingSession(
            folder, bases["llama"], made.mixture.mixture_id, made.snapshot_id, made.benchmark_id
        )

    return open_


@pytest.fixture
def session(open_session: Callable[[str], TrainingSession]) -> TrainingSession:
    return open_session("session")
