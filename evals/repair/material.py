"""What a trial starts from: a session's graph, frozen benchmark, Examples, V1, its report and its diagnoses.

The bench works in a folder of its own: what it needs is copied there artifact by artifact, checked against its manifest, and the
session's folder, log and budget are left as they are.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from proda_core.artifacts import ArtifactStore
from proda_core.config import Config
from proda_core.guard.lineage import LineageIndex
from proda_core.knowledge import load_snapshot
from proda_core.records import load_benchmark, load_diagnoses, load_examples, load_report
from proda_core.types import Benchmark, Diagnosis, EvalReport, Example


@dataclass(frozen=True)
class Material:
    """One session's first repair round: artifact IDs, configuration, and the store that they lie in."""

    session: str
    config: Config
    store: ArtifactStore
    snapshot_id: str
    benchmark_id: str
    examples_id: str
    adapter_id: str  # V1
    report_id: str
    base_report_id: str
    diagnosis_id: str

    def copied(self, folder: Path) -> Material:
        """The same material in the store of ``folder``; ArtifactError when an artifact is not what its manifest says."""
        store = ArtifactStore(folder / "artifacts")
        for kind, key in self._artifacts():
            self.store.verify(kind, key)
            source = self.store.path(kind, key)
            if not store.exists(kind, key):
                _copy(source, store.path(kind, key))
        names = ("session", "config", "snapshot_id", "benchmark_id", "examples_id", "adapter_id")
        kept = {name: getattr(self, name) for name in (*names, "report_id", "base_report_id", "diagnosis_id")}
        return Material(store=store, **kept)

    def under(self, config: Config) -> Material:
        """The same artifacts under other settings."""
        return replace(self, config=config)

    @cached_property
    def index(self) -> LineageIndex:
        return LineageIndex(load_snapshot(self.store, self.snapshot_id))

    @cached_property
    def benchmark(self) -> Benchmark:
        return load_benchmark(self.store, self.benchmark_id)

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        return load_examples(self.store, self.examples_id)

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return load_diagnoses(self.store, self.diagnosis_id)

    @cached_property
    def report(self) -> EvalReport:
        """V1's scores."""
        return load_report(self.store, self.report_id)

    @property
    def mixture_id(self) -> str:
        """V1's rows."""
        return str(self.store.manifest("adapter", self.adapter_id).inputs["mixture"])

    def _artifacts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("snapshot", self.snapshot_id),
            ("benchmark", self.benchmark_id),
            ("examples", self.examples_id),
            ("mixture", self.mixture_id),
            ("adapter", self.adapter_id),
            ("report", self.report_id),
            ("report", self.base_report_id),
            ("diagnosis", self.diagnosis_id),
        )


def _copy(source: Path, target: Path) -> None:
    """A folder copied whole or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)
    partial.replace(target)
