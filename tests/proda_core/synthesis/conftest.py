"""One made-up graph with its benchmark, Examples and patch, built once for the folder's tests."""

from __future__ import annotations

import pytest

from proda_core.config import BenchmarkConfig, MixtureConfig, SynthesisConfig
from proda_core.guard import LineageIndex
from proda_core.synthesis.benchmark import BenchmarkBuild, build_benchmark
from proda_core.synthesis.examples import ExampleSet, build_examples
from proda_core.synthesis.patches import PatchSet, build_patch
from proda_core.synthesis.truths import Truths
from proda_core.types import Diagnosis, DiagnosisKind, KnowledgeSnapshot, Split
from tests.proda_core.synthesis.worlds import world

CONFIG = BenchmarkConfig(min_items=24, max_items=32, min_groups=10)
MIXTURE = MixtureConfig(rows=400, patch_share=0.35, general_share=0.15)


@pytest.fixture(scope="session")
def snapshot() -> KnowledgeSnapshot:
    return world(3, concepts=160, relations=200)


@pytest.fixture(scope="session")
def index(snapshot: KnowledgeSnapshot) -> LineageIndex:
    return LineageIndex(snapshot)


@pytest.fixture(scope="session")
def truths(snapshot: KnowledgeSnapshot) -> Truths:
    return Truths(snapshot)


@pytest.fixture(scope="session")
def build(snapshot: KnowledgeSnapshot) -> BenchmarkBuild:
    return build_benchmark(snapshot, CONFIG, seed=0)


@pytest.fixture(scope="session")
def examples(index: LineageIndex, build: BenchmarkBuild) -> ExampleSet:
    return build_examples(index, build.benchmark, SynthesisConfig(), seed=0)


@pytest.fixture(scope="session")
def diagnoses(build: BenchmarkBuild) -> tuple[Diagnosis, ...]:
    """Every second failure a gap at the first relation and the middle concept, the others deficits."""
    made = []
    for number, item in enumerate(build.benchmark.of(Split.DEV)[:16]):
        if number % 2:
            nodes = (item.l2_ids[0], item.l1_ids[1])
            made.append(Diagnosis(item.item_id, item.chain_id, DiagnosisKind.CONCEPT_GAP, nodes, ()))
        else:
            made.append(Diagnosis(item.item_id, item.chain_id, DiagnosisKind.REASONING_DEFICIT, (), ()))
    return tuple(made)


@pytest.fixture(scope="session")
def patch(index: LineageIndex, build: BenchmarkBuild, diagnoses: tuple[Diagnosis, ...]) -> PatchSet:
    return build_patch(index, build.benchmark, diagnoses, MIXTURE, seed=0)
