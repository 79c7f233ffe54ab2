"""The guard asked once more, about all that lies in a store: mixtures as before a training, examples and patches by their rows.

It reads artifacts alone: benchmark and snapshot are found by the digests that a mixture names. An adapter is held to the mixture
that it names. Nothing is believed that anybody said before, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from proda_core.artifacts import ArtifactStore
from proda_core.errors import ArtifactError, GuardRefusal, KnowledgeError, Refusal
from proda_core.guard.commit import check_examples, check_patch, recheck_for_training
from proda_core.guard.lineage import LineageIndex
from proda_core.ids import make_id
from proda_core.knowledge.snapshot import load_snapshot, snapshot_id
from proda_core.records import load_benchmark, load_examples, load_patch

CHECKED = ("examples", "patch", "mixture", "adapter")


@dataclass(frozen=True, slots=True)
class Checked:
    """One artifact with what the rules refuse of it; ``rows`` were looked at."""

    kind: str
    artifact_id: str
    rows: int
    refusals: tuple[Refusal, ...]


def recheck_store(store: ArtifactStore) -> Iterator[Checked]:
    """Every set of rows and every adapter in the store."""
    index = cache(lambda key: LineageIndex(load_snapshot(store, key)))
    for kind in CHECKED:
        for key in store.list(kind):
            try:
                if kind == "adapter":
                    yield Checked(kind, key, 0, tuple(_adapter_refusals(store, key)))
                elif kind == "mixture":
                    yield _mixture(store, key)
                else:
                    yield _rows(store, kind, key, index)
            except GuardRefusal as refusal:
                yield Checked(kind, key, 0, refusal.refusals)
            except (
                ArtifactError,
                KnowledgeError,
                KeyError,
            ) as error:  # a manifest edited by hand may lack a key
                yield Checked(kind, key, 0, (Refusal("G6", key, f"cannot be read as made: {error}"),))


def _mixture(store: ArtifactStore, key: str) -> Checked:
    benchmark, snapshot = _named(store, "mixture", key)
    mixture = recheck_for_training(store, key, snapshot_id=snapshot, benchmark_id=benchmark)
    return Checked("mixture", key, len(mixture.rows), ())


def _rows(store: ArtifactStore, kind: str, key: str, index: Callable[[str], LineageIndex]) -> Checked:
    benchmark_id, snapshot = _named(store, kind, key)
    benchmark = load_benchmark(store, benchmark_id)
    if kind == "examples":
        examples = load_examples(store, key)
        return Checked(kind, key, len(examples), check_examples(examples, index(snapshot), benchmark))
    rows = load_patch(store, key)
    return Checked(kind, key, len(rows), check_patch(rows, index(snapshot), benchmark))


def _named(store: ArtifactStore, kind: str, key: str) -> tuple[str, str]:
    """The IDs of the benchmark and the snapshot that a manifest names by digest."""
    meta = store.manifest(kind, key).meta
    return make_id("b", meta["benchmark_digest"]), snapshot_id(meta["snapshot_digest"])


def _adapter_refusals(store: ArtifactStore, key: str) -> Iterator[Refusal]:
    """G6: an adapter's record and its manifest name one mixture, and that is there to be checked."""
    manifest = store.manifest("adapter", key)
    mixture, recorded = manifest.inputs.get("mixture", ""), manifest.meta["adapter"]["mixture_id"]
    if mixture != recorded:
        yield Refusal("G6", key, f"its manifest names mixture {mixture or 'none'}, its record {recorded}")
    if not store.exists("mixture", recorded):
        yield Refusal("G6", key, f"was compiled from mixture {recorded}, which is not there")
