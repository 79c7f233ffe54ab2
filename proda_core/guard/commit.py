"""The ways through the guard: check rows, check a mixture, commit it, and check it once more where it is trained.

Each takes the graph index and the frozen benchmark, and nothing that could switch a rule off. ``commit_mixture`` writes a
mixture only when no rule refuses; ``recheck_for_training`` reads everything from disk again and believes nothing that the
committing process said. Both raise GuardRefusal with every row refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from proda_core.artifacts import ArtifactStore, Manifest
from proda_core.errors import ArtifactError, GuardRefusal, KnowledgeError, Refusal
from proda_core.guard.case import Case
from proda_core.guard.freeze import refuse_unnamed_sources
from proda_core.guard.lineage import LineageIndex
from proda_core.guard.lineage_rule import GENERAL_NOTE, general_sources
from proda_core.guard.registry import check
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark, load_mixture, save_mixture
from proda_core.types import Benchmark, Example, ExampleKind, KnowledgeSnapshot, Mixture, MixtureRow, Role


def check_examples(rows: Iterable[Example], index: LineageIndex, benchmark: Benchmark) -> tuple[Refusal, ...]:
    """Check initial Examples: the rows that will be replayed, and general ones."""
    roled = [
        MixtureRow(Role.GENERAL if row.kind is ExampleKind.GENERAL else Role.REPLAY, row) for row in rows
    ]
    return check(Case(roled, index, benchmark))


def check_patch(rows: Iterable[MixtureRow], index: LineageIndex, benchmark: Benchmark) -> tuple[Refusal, ...]:
    """Check the rows written for a set of diagnoses, in their roles."""
    return check(Case(rows, index, benchmark))


def check_mixture(mixture: Mixture, index: LineageIndex, benchmark: Benchmark) -> tuple[Refusal, ...]:
    """Every refusal of a mixture by its rows; where its rows come from is checked by the commit."""
    return check(Case(mixture.rows, index, benchmark, mixture))


def commit_mixture(
    store: ArtifactStore,
    mixture: Mixture,
    *,
    index: LineageIndex,
    benchmark: Benchmark,
    inputs: Mapping[str, str],
) -> Manifest:
    """Write a mixture that no rule refuses; GuardRefusal otherwise, and nothing is written.

    ``inputs`` maps names to artifact IDs and must hold the examples and patch artifacts that every row but the general ones
    lies in. The manifest names them and the generators and seeds of the general rows.
    """
    refusals = [
        *check_mixture(mixture, index, benchmark),
        *refuse_unnamed_sources(store, mixture, benchmark, inputs),
    ]
    if refusals:
        raise GuardRefusal(refusals)
    notes = {**mixture.notes, GENERAL_NOTE: general_sources(mixture)}
    manifest = save_mixture(store, replace(mixture, notes=notes), inputs=dict(inputs))
    _reread(store, mixture.mixture_id)
    return manifest


def recheck_for_training(
    store: ArtifactStore, mixture_id: str, *, snapshot_id: str, benchmark_id: str
) -> Mixture:
    """Load a committed mixture in the trainer's process and check all rules again (G6).

    The ID names the digest that the guard saw. Returns the rows to train on; GuardRefusal when anything on disk has
    changed or any rule refuses.
    """
    mixture = _reread(store, mixture_id)
    index = LineageIndex(_reload_snapshot(store, snapshot_id))
    try:
        benchmark = load_benchmark(store, benchmark_id)
    except (ArtifactError, KeyError, ValueError) as error:
        raise GuardRefusal([Refusal("G5", benchmark_id, str(error))]) from error
    refusals = [*check_mixture(mixture, index, benchmark), *_manifest_refusals(store, mixture, benchmark)]
    if refusals:
        raise GuardRefusal(refusals)
    return mixture


def _manifest_refusals(store: ArtifactStore, mixture: Mixture, benchmark: Benchmark) -> Iterator[Refusal]:
    inputs = store.manifest("mixture", mixture.mixture_id).inputs
    yield from refuse_unnamed_sources(store, mixture, benchmark, inputs)
    if mixture.notes.get(GENERAL_NOTE) != general_sources(mixture):
        detail = "its manifest does not name the generators and seeds of its general rows"
        yield Refusal("G1", mixture.mixture_id, detail)


def _reread(store: ArtifactStore, mixture_id: str) -> Mixture:
    try:
        return load_mixture(store, mixture_id)
    except (ArtifactError, KeyError, TypeError) as error:  # a manifest edited by hand may lack a key
        raise GuardRefusal([Refusal("G6", mixture_id, f"cannot be read as checked: {error}")]) from error


def _reload_snapshot(store: ArtifactStore, snapshot_id: str) -> KnowledgeSnapshot:
    try:
        return load_snapshot(store, snapshot_id)
    except (ArtifactError, KnowledgeError) as error:
        raise GuardRefusal([Refusal("G1", snapshot_id, f"lineage cannot be derived: {error}")]) from error
