"""G5 test first and G6 digests: the benchmark is still the one frozen, and the mixture is still the one checked.

G5 holds the benchmark to its digest and the mixture and every input manifest to that benchmark. G6 holds a mixture's ID and
digest to its rows. Both recompute; neither believes a stored digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from proda_core.artifacts import ArtifactStore
from proda_core.errors import ArtifactError, Refusal
from proda_core.guard.case import Case
from proda_core.ids import make_id
from proda_core.records import (
    artifact_id,
    benchmark_digest,
    load_examples,
    load_patch,
    mixture_digest,
    rows_digest,
)
from proda_core.types import Benchmark, Example, ExampleKind, Mixture, MixtureRow


def refuse_thawed_benchmark(case: Case) -> Iterator[Refusal]:
    """G5: the benchmark has its digest, is of this graph, and is the one that the mixture names."""
    benchmark, mixture = case.benchmark, case.mixture
    found = benchmark_digest(
        benchmark.items, benchmark.left_out, benchmark.scoring, benchmark.snapshot_digest
    )
    if found != benchmark.digest or benchmark.benchmark_id != make_id("b", found):
        yield Refusal(
            "G5", benchmark.benchmark_id, "the benchmark no longer has the digest it was frozen under"
        )
    if benchmark.snapshot_digest != case.index.snapshot.digest:
        yield Refusal("G5", benchmark.benchmark_id, "the benchmark was frozen over another graph snapshot")
    if mixture is not None and mixture.benchmark_digest != benchmark.digest:
        yield Refusal("G5", mixture.mixture_id, "does not name the frozen benchmark's digest")


def refuse_changed_mixture(case: Case) -> Iterator[Refusal]:
    """G6: a mixture's digest and ID are those of its rows, in their order and roles."""
    mixture = case.mixture
    if mixture is None:
        return
    found = mixture_digest(mixture.rows, mixture.benchmark_digest, mixture.snapshot_digest, mixture.seed)
    if found != mixture.digest or mixture.mixture_id != make_id("m", found):
        yield Refusal("G6", mixture.mixture_id, "the rows are not those of the mixture's digest")
    if mixture.rows != case.rows:
        yield Refusal("G6", mixture.mixture_id, "the rows checked are not the mixture's")


def refuse_unnamed_sources(
    store: ArtifactStore, mixture: Mixture, benchmark: Benchmark, inputs: Mapping[str, str]
) -> Iterator[Refusal]:
    """G5: every row but the general ones lies in an input artifact whose manifest names the frozen benchmark."""
    known: set[str] = set()
    for key in sorted(set(inputs.values())):
        kind = {"e": "examples", "p": "patch"}.get(key[:1])
        if kind is None:
            continue
        try:
            rows = load_examples(store, key) if kind == "examples" else load_patch(store, key)
            named = store.manifest(kind, key).meta.get("benchmark_digest")
        except ArtifactError as error:
            yield Refusal("G5", key, f"cannot be read: {error}")
            continue
        if named != benchmark.digest or key != artifact_id(kind, rows_digest(rows), benchmark.digest):
            yield Refusal("G5", key, "its manifest does not name the frozen benchmark's digest")
            continue
        known.update(_example(row).example_id for row in rows)
    for row in mixture.rows:
        if row.example.kind is not ExampleKind.GENERAL and row.example.example_id not in known:
            detail = "lies in no input artifact that names the frozen benchmark"
            yield Refusal("G5", row.example.example_id, detail)


def _example(row: Example | MixtureRow) -> Example:
    return row.example if isinstance(row, MixtureRow) else row
