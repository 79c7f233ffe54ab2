"""Every kind of artifact comes back as it was saved, and one that was changed under its name does not come back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proda_core import records
from proda_core.artifacts import ArtifactStore, file_digest
from proda_core.errors import ArtifactError
from proda_core.ids import make_id
from proda_core.serialize import to_plain
from proda_core.types import (
    Adapter,
    Benchmark,
    Diagnosis,
    DiagnosisKind,
    EvalReport,
    Example,
    ExampleKind,
    Format,
    Interval,
    Item,
    LeftOut,
    Lineage,
    Message,
    Mixture,
    MixtureRow,
    Role,
    Score,
    Scoring,
    Split,
    Verdict,
)

SNAPSHOT = "5" * 64


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def an_item(number: int = 0, split: Split = Split.DEV) -> Item:
    return Item(
        item_id=make_id("i", number),
        chain_id=make_id("g", number),
        group_id=f"group-{number}",
        split=split,
        stem="What does warmth lead to?",
        options=("growth", "frost", "rust", "salt"),
        gold_index=0,
        operators=("gold", "subst_adj", "reversed", "sibling"),
        option_concept_ids=("c_1", "", "", ""),
        discipline="006",
        hops=2,
        template="t1",
        l1_ids=("c_1", "c_2"),
        l2_ids=(f"r_{number}",),
    )


def a_benchmark() -> Benchmark:
    items, left = (an_item(0), an_item(1, Split.SEALED)), (LeftOut("g_9", "cut"),)
    found = records.benchmark_digest(items, left, Scoring.COT, SNAPSHOT)
    return Benchmark(make_id("b", found), found, SNAPSHOT, Scoring.COT, items, left)


def a_row(text: str = "Warmth leads to growth.", role: Role = Role.REPLAY) -> MixtureRow:
    messages = (Message("user", "What does warmth lead to?"), Message("assistant", text))
    example = Example(
        make_id("x", text), ExampleKind.RELATION, Format.QA, messages, Lineage(("c_1",), ("r_1",))
    )
    return MixtureRow(role, example)


def a_mixture(seed: int = 0) -> Mixture:
    rows = (a_row(), a_row("Growth.", Role.PATCH))
    found = records.mixture_digest(rows, "b" * 64, SNAPSHOT, seed)
    return Mixture(make_id("m", found), found, "b" * 64, SNAPSHOT, rows, seed, {"replay": "short by 3"})


def forge(path: Path, old: str, new: str) -> None:
    """Change a data file and the manifest's digest of it, as somebody who knows the store would."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    manifest = path.parent / "manifest.json"
    data = json.loads(manifest.read_text(encoding="utf-8"))
    data["files"][path.name] = file_digest(path)
    data["digest"] = ""  # as if it had been written before there was one
    manifest.write_text(json.dumps(data), encoding="utf-8")


def test_a_benchmark_comes_back_as_it_was_frozen(store: ArtifactStore) -> None:
    benchmark = a_benchmark()
    records.save_benchmark(store, benchmark)
    loaded = records.load_benchmark(store, benchmark.benchmark_id)
    assert loaded == benchmark
    assert loaded.sealed_l2_ids() == {"r_1"}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("items.jsonl", '"gold_index":0', '"gold_index":1'),
        ("items.jsonl", '"split":"sealed"', '"split":"dev"'),
        ("left_out.jsonl", "cut", "why not"),
    ],
)
def test_a_benchmark_changed_after_its_freeze_is_refused_even_with_a_new_file_digest(
    store: ArtifactStore, name: str, old: str, new: str
) -> None:
    benchmark = a_benchmark()
    records.save_benchmark(store, benchmark)
    forge(store.path("benchmark", benchmark.benchmark_id) / name, old, new)
    with pytest.raises(ArtifactError, match="no longer has the digest"):
        records.load_benchmark(store, benchmark.benchmark_id)


def test_a_mixture_comes_back_as_the_guard_saw_it_and_not_otherwise(store: ArtifactStore) -> None:
    mixture = a_mixture()
    records.save_mixture(store, mixture, inputs={"benchmark": "b_1"})
    assert records.load_mixture(store, mixture.mixture_id) == mixture
    assert store.manifest("mixture", mixture.mixture_id).inputs == {"benchmark": "b_1"}
    forge(store.path("mixture", mixture.mixture_id) / "rows.jsonl", '"role":"patch"', '"role":"replay"')
    with pytest.raises(ArtifactError, match="not the one the guard saw"):
        records.load_mixture(store, mixture.mixture_id)


def test_a_mixtures_name_covers_rows_their_order_and_the_seed() -> None:
    rows = a_mixture().rows
    names = {
        records.mixture_digest(rows, "b", SNAPSHOT, 0),
        records.mixture_digest(rows[::-1], "b", SNAPSHOT, 0),
        records.mixture_digest(rows, "b", SNAPSHOT, 1),
        records.mixture_digest(rows, "c", SNAPSHOT, 0),
    }
    assert len(names) == 4


def test_examples_and_patches_name_the_frozen_benchmark(store: ArtifactStore) -> None:
    benchmark, row = a_benchmark(), a_row()
    made = records.save_examples(store, [row.example], benchmark=benchmark, meta={"disciplines": 1})
    assert records.load_examples(store, made.artifact_id) == (row.example,)
    assert made.meta["benchmark_digest"] == benchmark.digest
    patch = records.save_patch(store, [row], benchmark=benchmark)
    assert records.load_patch(store, patch.artifact_id) == (row,)
    assert (patch.meta["rows"], patch.inputs) == (1, {"benchmark": benchmark.benchmark_id})
    assert records.save_examples(store, [row.example], benchmark=benchmark) == made


def test_reports_verdicts_and_diagnoses_come_back(store: ArtifactStore) -> None:
    scores = (Score("i_1", 1.0, 0, 0, slices={"hops": "2"}), Score.unscored("i_2", 1, "empty"))
    report = EvalReport(make_id("q", 1), "base", "b" * 64, "cot", scores, scores, ())
    records.save_report(store, report)
    assert records.load_report(store, report.report_id) == report
    gain = Interval(0.1, 0.0, 0.2, 100)
    verdict = Verdict("a_1", "a_0", True, ("dev improves",), 0.0125, 0.001, 12, 2, gain, gain, gain)
    made = records.save_verdict(store, verdict)
    assert records.load_verdict(store, made.artifact_id) == verdict
    diagnosis = Diagnosis("i_1", "g_1", DiagnosisKind.CONCEPT_GAP, ("c_1",), ())
    done = records.save_diagnoses(store, [diagnosis], report_id=report.report_id, meta={"probes": 4})
    assert records.load_diagnoses(store, done.artifact_id) == (diagnosis,)
    assert done.meta == {"probes": 4, "rows": 1}


def test_an_adapters_record_lies_in_its_manifest(store: ArtifactStore) -> None:
    adapter = Adapter(make_id("a", 1), "m_1", "pocket", "0" * 64, "artifacts/adapter", 10, 1000, 1.5, 0.25)
    store.make(
        "adapter",
        adapter.adapter_id,
        lambda folder: (folder / "w").write_bytes(b"1"),
        meta={"adapter": to_plain(adapter)},
    )
    assert records.load_adapter(store, adapter.adapter_id) == adapter


def test_every_kind_has_a_prefix_of_its_own() -> None:
    assert len(set(records.PREFIX.values())) == len(records.PREFIX)
    assert records.artifact_id("mixture", 1).startswith("m_")
