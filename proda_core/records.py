"""Domain objects to artifacts and back: one save and one load per kind, the only place that knows their file names.

kind       prefix  files                                         made by
corpus     u       documents.jsonl chunks.jsonl dropped.jsonl     corpus stage
snapshot   s       concepts, relations, chains (.parquet)         extraction (see knowledge.snapshot)
benchmark  b       items.jsonl left_out.jsonl                     synthesis, before any Example
examples   e       examples.jsonl data_report.json                synthesis from K1 and K2
patch      p       rows.jsonl (MixtureRow: patch and scaffold)    synthesis from diagnoses
mixture    m       rows.jsonl                                     the guard's commit
adapter    a       PEFT folder, loss.jsonl                        training
report     q       report.json                                    evals
diagnosis  y       diagnoses.jsonl                                diagnosis
verdict    w       verdict.json                                   evals
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from proda_core.artifacts import ArtifactStore, Manifest
from proda_core.errors import ArtifactError
from proda_core.ids import digest, make_id
from proda_core.serialize import from_plain, read_lines, to_plain, write_lines
from proda_core.types import (
    Adapter,
    Benchmark,
    Diagnosis,
    EvalReport,
    Example,
    Item,
    LeftOut,
    Mixture,
    MixtureRow,
    Scoring,
    Verdict,
)

PREFIX = {
    "corpus": "u",
    "snapshot": "s",
    "benchmark": "b",
    "examples": "e",
    "patch": "p",
    "mixture": "m",
    "adapter": "a",
    "report": "q",
    "diagnosis": "y",
    "verdict": "w",
}
_KIND = {prefix: kind for kind, prefix in PREFIX.items()}
T = TypeVar("T")


def kind_of(artifact_id: str) -> str:
    """The kind that an artifact's ID tells; "" for an ID that is no artifact's."""
    return _KIND.get(artifact_id[:1], "")


def artifact_id(kind: str, *parts: Any) -> str:
    """The content ID of an artifact of ``kind``."""
    return make_id(PREFIX[kind], *parts)


def rows_digest(rows: Iterable[Any]) -> str:
    """SHA-256 over the rows' canonical JSON, order included."""
    return digest([to_plain(row) for row in rows])


def benchmark_digest(
    items: Iterable[Item], left_out: Iterable[LeftOut], scoring: Scoring, snapshot_digest: str
) -> str:
    """What the freeze covers: every field of every item, what was left out, the scoring and the snapshot."""
    return digest([rows_digest(items), rows_digest(left_out), scoring.value, snapshot_digest])


def save_benchmark(store: ArtifactStore, benchmark: Benchmark) -> Manifest:
    def write(folder: Path) -> None:
        write_lines(folder / "items.jsonl", benchmark.items)
        write_lines(folder / "left_out.jsonl", benchmark.left_out)

    meta = {
        "digest": benchmark.digest,
        "snapshot_digest": benchmark.snapshot_digest,
        "scoring": benchmark.scoring.value,
    }
    return store.make("benchmark", benchmark.benchmark_id, write, meta=meta)


def load_benchmark(store: ArtifactStore, benchmark_id: str) -> Benchmark:
    """Load a frozen benchmark; ArtifactError when its items no longer have the digest they were frozen under."""
    meta = store.manifest("benchmark", benchmark_id).meta
    items = tuple(read_lines(store.file("benchmark", benchmark_id, "items.jsonl"), Item))
    left = tuple(read_lines(store.file("benchmark", benchmark_id, "left_out.jsonl"), LeftOut))
    scoring = Scoring(meta["scoring"])
    found = benchmark_digest(items, left, scoring, meta["snapshot_digest"])
    _refuse_thawed(benchmark_id, found, meta["digest"])
    return Benchmark(benchmark_id, meta["digest"], meta["snapshot_digest"], scoring, items, left)


def _refuse_thawed(benchmark_id: str, found: str, stored: str) -> None:
    if found != stored or make_id("b", found) != benchmark_id:
        raise ArtifactError(
            f"benchmark {benchmark_id} no longer has the digest it was frozen under; restore it from a backup"
        )


def save_examples(
    store: ArtifactStore,
    examples: Iterable[Example],
    *,
    benchmark: Benchmark,
    meta: dict[str, Any] | None = None,
    report: dict[str, Any] | None = None,
) -> Manifest:
    """Save initial Examples under a manifest that names the frozen benchmark (G5); ``report`` becomes data_report.json."""
    rows = tuple(examples)
    key = artifact_id("examples", rows_digest(rows), benchmark.digest)

    def write(folder: Path) -> None:
        write_lines(folder / "examples.jsonl", rows)
        if report is not None:
            text = json.dumps(report, sort_keys=True, ensure_ascii=False, indent=1)
            _write_text(folder / "data_report.json", text)

    return store.make(
        "examples",
        key,
        write,
        inputs={"benchmark": benchmark.benchmark_id},
        meta={
            "benchmark_digest": benchmark.digest,
            "snapshot_digest": benchmark.snapshot_digest,
            "rows": len(rows),
            **(meta or {}),
        },
    )


def load_examples(store: ArtifactStore, examples_id: str) -> tuple[Example, ...]:
    return tuple(read_lines(store.file("examples", examples_id, "examples.jsonl"), Example))


def save_patch(
    store: ArtifactStore,
    rows: Iterable[MixtureRow],
    *,
    benchmark: Benchmark,
    meta: dict[str, Any] | None = None,
) -> Manifest:
    """Save patch and scaffold rows written for a set of diagnoses; the manifest names the frozen benchmark (G5)."""
    kept = tuple(rows)
    key = artifact_id("patch", rows_digest(kept), benchmark.digest)
    return store.make(
        "patch",
        key,
        lambda folder: write_lines(folder / "rows.jsonl", kept),
        inputs={"benchmark": benchmark.benchmark_id},
        meta={
            "benchmark_digest": benchmark.digest,
            "snapshot_digest": benchmark.snapshot_digest,
            "rows": len(kept),
            **(meta or {}),
        },
    )


def load_patch(store: ArtifactStore, patch_id: str) -> tuple[MixtureRow, ...]:
    return tuple(read_lines(store.file("patch", patch_id, "rows.jsonl"), MixtureRow))


def mixture_digest(rows: Iterable[MixtureRow], benchmark_digest: str, snapshot_digest: str, seed: int) -> str:
    return digest([rows_digest(rows), benchmark_digest, snapshot_digest, seed])


def save_mixture(store: ArtifactStore, mixture: Mixture, *, inputs: dict[str, str] | None = None) -> Manifest:
    return store.make(
        "mixture",
        mixture.mixture_id,
        lambda folder: write_lines(folder / "rows.jsonl", mixture.rows),
        inputs=inputs,
        meta={
            "digest": mixture.digest,
            "benchmark_digest": mixture.benchmark_digest,
            "snapshot_digest": mixture.snapshot_digest,
            "seed": mixture.seed,
            "notes": mixture.notes,
            "rows": len(mixture.rows),
        },
    )


def load_mixture(store: ArtifactStore, mixture_id: str) -> Mixture:
    """Load a mixture; ArtifactError when its rows are not those the guard saw (G6)."""
    meta = store.manifest("mixture", mixture_id).meta
    rows = tuple(read_lines(store.file("mixture", mixture_id, "rows.jsonl"), MixtureRow))
    found = mixture_digest(rows, meta["benchmark_digest"], meta["snapshot_digest"], meta["seed"])
    if found != meta["digest"] or make_id("m", found) != mixture_id:
        raise ArtifactError(
            f"mixture {mixture_id} is not the one the guard saw; compose it again with compose_mixture"
        )
    return Mixture(
        mixture_id,
        found,
        meta["benchmark_digest"],
        meta["snapshot_digest"],
        rows,
        meta["seed"],
        dict(meta["notes"]),
    )


def load_adapter(store: ArtifactStore, adapter_id: str) -> Adapter:
    """The adapter's record; its weights lie in ``store.checked("adapter", adapter_id)``."""
    return from_plain(Adapter, store.manifest("adapter", adapter_id).meta["adapter"])


def _save_json(store: ArtifactStore, kind: str, key: str, name: str, value: Any, **inputs: str) -> Manifest:
    text = json.dumps(to_plain(value), sort_keys=True, ensure_ascii=False, indent=1)
    return store.make(kind, key, lambda folder: _write_text(folder / name, text), inputs=dict(inputs))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _load_json(store: ArtifactStore, kind: str, key: str, name: str, cls: type[T]) -> T:
    return from_plain(cls, json.loads(store.file(kind, key, name).read_text(encoding="utf-8")))


def save_report(store: ArtifactStore, report: EvalReport) -> Manifest:
    return _save_json(store, "report", report.report_id, "report.json", report, model=report.model)


def load_report(store: ArtifactStore, report_id: str) -> EvalReport:
    return _load_json(store, "report", report_id, "report.json", EvalReport)


def save_verdict(store: ArtifactStore, verdict: Verdict) -> Manifest:
    key = artifact_id("verdict", to_plain(verdict))
    return _save_json(store, "verdict", key, "verdict.json", verdict)


def load_verdict(store: ArtifactStore, verdict_id: str) -> Verdict:
    return _load_json(store, "verdict", verdict_id, "verdict.json", Verdict)


def save_diagnoses(
    store: ArtifactStore, diagnoses: Iterable[Diagnosis], *, report_id: str, meta: dict[str, Any]
) -> Manifest:
    rows = tuple(diagnoses)
    key = artifact_id("diagnosis", rows_digest(rows), report_id)
    return store.make(
        "diagnosis",
        key,
        lambda folder: write_lines(folder / "diagnoses.jsonl", rows),
        inputs={"report": report_id},
        meta={**meta, "rows": len(rows)},
    )


def load_diagnoses(store: ArtifactStore, diagnosis_id: str) -> tuple[Diagnosis, ...]:
    return tuple(read_lines(store.file("diagnosis", diagnosis_id, "diagnoses.jsonl"), Diagnosis))
