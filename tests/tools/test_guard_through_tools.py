"""Attempts to get past each rule of the guard through the tools' own interface, with the session's files tampered with between
two calls by somebody who also mends the manifests. Each is refused by name, logged, and leaves nothing committed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from proda_core.guard import LineageIndex, example_id
from proda_core.ids import make_id, pair_key
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.phi import verbalise
from proda_core.records import load_benchmark, mixture_digest
from proda_core.serialize import from_plain, to_plain
from proda_core.session import SessionFolder
from proda_core.types import (
    Benchmark,
    Example,
    ExampleKind,
    Format,
    KnowledgeSnapshot,
    Lineage,
    Message,
    MixtureRow,
    Relation,
    Role,
    Split,
)
from tests.sessions import Bench, FinishedSession, done, records_of, with_client
from tests.tools.stages import artifact_of, lines_of, rewrite, session_at, to_mixture, to_patch


@pytest.fixture(scope="module")
def before_mixture(
    bench: Bench, finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory
) -> SessionFolder:
    return session_at(to_mixture, bench, finished_session.folder, tmp_path_factory.mktemp("mixture"))


@pytest.fixture(scope="module")
def before_patch(
    bench: Bench, finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory
) -> SessionFolder:
    return session_at(to_patch, bench, finished_session.folder, tmp_path_factory.mktemp("patch"))


def victim(source: SessionFolder, tmp_path: Path) -> SessionFolder:
    shutil.copytree(source.root, tmp_path / source.name)
    return SessionFolder.open(tmp_path / source.name)


def snapshot_of(folder: SessionFolder) -> KnowledgeSnapshot:
    return load_snapshot(folder.store, artifact_of(folder, "extract_knowledge", "snapshot"))


def benchmark_of(folder: SessionFolder) -> Benchmark:
    return load_benchmark(folder.store, artifact_of(folder, "build_benchmark", "benchmark"))


def examples_of(folder: SessionFolder) -> tuple[str, list[Any]]:
    key = artifact_of(folder, "synthesise_examples", "examples")
    return key, lines_of(folder, "examples", key, "examples.jsonl")


def row_on(snapshot: KnowledgeSnapshot, question: str, answer: str) -> Example:
    """A row with the lineage that its text has."""
    messages = (Message("user", question), Message("assistant", answer))
    found = LineageIndex(snapshot).derive(f"{question}\n{answer}")
    key = example_id(ExampleKind.RELATION, Format.QA, messages)
    return Example(key, ExampleKind.RELATION, Format.QA, messages, Lineage(found.l1_ids, found.l2_ids))


def statement(snapshot: KnowledgeSnapshot, relation: Relation) -> str:
    return verbalise(relation.type, snapshot.term(relation.subject_id), snapshot.term(relation.object_id))


def refused(folder: SessionFolder, rules: set[str], tool: str = "compose_mixture", **arguments: Any) -> None:
    """The call comes back as a typed refusal by ``rules``, stands in the log, and nothing was committed."""
    before = {kind: list(folder.store.list(kind)) for kind in ("mixture", "adapter")}
    result = with_client(folder, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    error = result.structured_content["error"]
    assert error["type"] == "GuardRefusal", error
    assert rules <= {row["rule"] for row in error["refusals"]}, error["refusals"][:5]
    logged = records_of(folder, "refusal")[-1].body
    assert (logged["tool"], logged["error"], logged["refusals"]) == (tool, "GuardRefusal", error["refusals"])
    failed = records_of(folder, "outcome")[-1].body
    assert (failed["tool"], failed["ok"], failed["artifacts"]) == (tool, False, {})
    assert {kind: list(folder.store.list(kind)) for kind in before} == before


def patch_of(folder: SessionFolder) -> tuple[str, list[Any]]:
    key = artifact_of(folder, "write_patch", "patch")
    return key, lines_of(folder, "patch", key, "rows.jsonl")


# G1: lineage


def test_truthful_rows_with_the_ids_of_another_row_are_refused(
    before_mixture: SessionFolder, tmp_path: Path
) -> None:
    folder = victim(before_mixture, tmp_path)
    key, rows = examples_of(folder)
    stated = [row for row in rows if row["kind"] == "relation"]
    other = next(row for row in stated if row["lineage"]["l2_ids"] != stated[0]["lineage"]["l2_ids"])
    stated[0]["lineage"] = other["lineage"]
    rewrite(folder, "examples", key, "examples.jsonl", rows)
    refused(folder, {"G1"}, kind="v1")


def test_rows_without_ids_are_refused(before_mixture: SessionFolder, tmp_path: Path) -> None:
    folder = victim(before_mixture, tmp_path)
    key, rows = examples_of(folder)
    for row in rows:
        row["lineage"]["l2_ids"] = []
    rewrite(folder, "examples", key, "examples.jsonl", rows)
    refused(folder, {"G1"}, kind="v1")


# G2: replay shares no relation with what is patched


def test_replay_on_a_patched_relation_under_other_ids_is_refused(
    before_patch: SessionFolder, tmp_path: Path
) -> None:
    folder = victim(before_patch, tmp_path)
    snapshot = snapshot_of(folder)
    patch_id, patch = patch_of(folder)
    taught = {key for row in patch for key in row["example"]["lineage"]["l2_ids"]}
    pairs = {pair_key(snapshot.relations[k].subject_id, snapshot.relations[k].object_id) for k in taught}
    key, rows = examples_of(folder)
    free = [
        row["lineage"]
        for row in rows
        if row["kind"] == "relation"
        and not any(
            pair_key(snapshot.relations[k].subject_id, snapshot.relations[k].object_id) in pairs
            for k in row["lineage"]["l2_ids"]
        )
    ]
    assert free, "every relation is patched: the attack has nothing to hide behind"
    for row in rows:
        if row["kind"] == "relation" and taught & set(row["lineage"]["l2_ids"]):
            row["lineage"] = free[0]
    rewrite(folder, "examples", key, "examples.jsonl", rows)
    refused(folder, {"G1", "G2"}, kind="patch", patch_id=patch_id)


# G3: sealed relations are not patched


def test_a_patch_row_on_a_sealed_relation_under_other_ids_is_refused(
    before_patch: SessionFolder, tmp_path: Path
) -> None:
    folder = victim(before_patch, tmp_path)
    snapshot = snapshot_of(folder)
    sealed = benchmark_of(folder).of(Split.SEALED)[0]
    relation = snapshot.relations[sealed.l2_ids[0]]
    sentence = statement(snapshot, relation)
    planted = row_on(snapshot, f"What do you know of {snapshot.term(relation.subject_id)}?", sentence)
    assert relation.relation_id in planted.lineage.l2_ids
    key, rows = patch_of(folder)
    lying = to_plain(MixtureRow(Role.PATCH, planted))
    lying["example"]["lineage"] = rows[0]["example"]["lineage"]  # declared as it is, it would be left out
    rewrite(folder, "patch", key, "rows.jsonl", [lying])
    refused(folder, {"G1", "G3"}, kind="patch", patch_id=key)


# G4: no row repeats an item


@pytest.mark.parametrize("split", list(Split))
def test_a_row_with_an_items_stem_and_gold_is_refused(
    before_mixture: SessionFolder, tmp_path: Path, split: Split
) -> None:
    folder = victim(before_mixture, tmp_path)
    item = benchmark_of(folder).of(split)[0]
    leaked = row_on(snapshot_of(folder), item.stem.upper(), f"  {item.gold}!")
    key, rows = examples_of(folder)
    rewrite(folder, "examples", key, "examples.jsonl", [*rows, to_plain(leaked)])
    refused(folder, {"G4"}, kind="v1")


# G5: the test was first, and stays


def test_examples_that_name_another_benchmark_are_refused(
    before_mixture: SessionFolder, tmp_path: Path
) -> None:
    folder = victim(before_mixture, tmp_path)
    key, rows = examples_of(folder)
    rewrite(folder, "examples", key, "examples.jsonl", rows, benchmark_digest="0" * 64)
    refused(folder, {"G5"}, kind="v1")


@pytest.mark.parametrize("also_the_digest", [False, True])
def test_a_benchmark_edited_after_the_freeze_is_refused_by_every_tool_that_reads_it(
    before_patch: SessionFolder, tmp_path: Path, also_the_digest: bool
) -> None:
    folder = victim(before_patch, tmp_path)
    key = artifact_of(folder, "build_benchmark", "benchmark")
    rows = lines_of(folder, "benchmark", key, "items.jsonl")
    rows[0]["gold_index"] = (rows[0]["gold_index"] + 1) % 4
    rewrite(
        folder, "benchmark", key, "items.jsonl", rows, **({"digest": "0" * 64} if also_the_digest else {})
    )
    patch_id, _ = patch_of(folder)

    async def act(client: Any) -> list[Any]:
        return [
            await client.call_tool(tool, arguments)
            for tool, arguments in (
                ("compose_mixture", {"kind": "patch", "patch_id": patch_id}),
                ("observe_session", {}),
                ("report_session", {}),
            )
        ]

    for result in with_client(folder, act):
        assert result.is_error
        error = result.structured_content["error"]
        assert error["type"] == "ArtifactError" and "no longer has the digest" in error["message"]
    logged = [record.body["tool"] for record in records_of(folder, "refusal")]
    assert logged == ["compose_mixture", "observe_session"]
    assert len(list(folder.store.list("mixture"))) == 1


# G6: what was checked is what is trained


@pytest.mark.parametrize("thorough", [False, True])
def test_a_mixture_changed_on_disk_after_the_check_is_refused_by_the_trainer(
    before_mixture: SessionFolder, tmp_path: Path, thorough: bool
) -> None:
    """``thorough``: the digest in the manifest is made anew too; the mixture's name still gives it away."""
    folder = victim(before_mixture, tmp_path)
    made = with_client(folder, lambda client: client.call_tool("compose_mixture", {"kind": "v1"}))
    key = made.structured_content["mixture_id"]
    rows = lines_of(folder, "mixture", key, "rows.jsonl")
    rows[0]["example"]["messages"][-1]["content"] += " Or not."
    meta = folder.store.manifest("mixture", key).meta
    typed = [from_plain(MixtureRow, row) for row in rows]
    found = mixture_digest(typed, meta["benchmark_digest"], meta["snapshot_digest"], meta["seed"])
    rewrite(folder, "mixture", key, "rows.jsonl", rows, **({"digest": found} if thorough else {}))
    handle = with_client(folder, lambda client: done(client, "train_adapter", mixture_id=key))
    assert (handle["state"], handle["artifacts"]) == ("failed", {})
    assert handle["error"].startswith("GuardRefusal: ") and f"G6 {key}" in handle["error"]
    assert list(folder.store.list("adapter")) == []
    logged = records_of(folder, "refusal")[-1].body
    assert (logged["tool"], logged["error"]) == ("train_adapter", "GuardRefusal")
    assert [row["rule"] for row in logged["refusals"]] == ["G6"]


def test_a_mixture_that_no_tool_made_is_not_trained(before_mixture: SessionFolder, tmp_path: Path) -> None:
    folder = victim(before_mixture, tmp_path)
    made = with_client(folder, lambda client: client.call_tool("compose_mixture", {"kind": "v1"}))
    true = folder.store.path("mixture", made.structured_content["mixture_id"])
    planted = make_id("m", "planted")
    shutil.copytree(true, true.with_name(planted))
    result = with_client(folder, lambda client: client.call_tool("train_adapter", {"mixture_id": planted}))
    assert result.is_error
    assert result.structured_content["error"]["type"] == "ToolError"
    assert records_of(folder, "refusal")[-1].body["tool"] == "train_adapter"


def test_a_diagnosis_that_no_tool_made_is_not_patched(before_patch: SessionFolder, tmp_path: Path) -> None:
    folder = victim(before_patch, tmp_path)
    true = folder.store.path("diagnosis", artifact_of(folder, "diagnose_failures", "diagnosis"))
    planted = make_id("y", "planted")
    shutil.copytree(true, true.with_name(planted))
    result = with_client(folder, lambda client: client.call_tool("write_patch", {"diagnosis_id": planted}))
    assert result.is_error and result.structured_content["error"]["type"] == "ToolError"


def test_a_refused_round_gives_its_place_in_the_budget_back(
    before_patch: SessionFolder, tmp_path: Path
) -> None:
    folder = victim(before_patch, tmp_path)
    key, rows = patch_of(folder)
    true = (folder.store.path("patch", key) / "rows.jsonl").read_bytes()
    manifest = (folder.store.path("patch", key) / "manifest.json").read_bytes()
    lying = [dict(row) for row in rows]
    for row in lying:  # a mixture takes a sample
        row["example"]["lineage"]["l2_ids"] = []
    rewrite(folder, "patch", key, "rows.jsonl", lying)
    refused(folder, {"G1"}, kind="patch", patch_id=key)
    (folder.store.path("patch", key) / "rows.jsonl").write_bytes(true)
    (folder.store.path("patch", key) / "manifest.json").write_bytes(manifest)
    made = with_client(folder, lambda client: done(client, "compose_mixture", kind="patch", patch_id=key))
    assert made["mixture_id"].startswith("m_")
