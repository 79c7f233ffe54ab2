"""Patches repair what was diagnosed, from the graph, and never touch the seal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.config import MixtureConfig
from proda_core.guard import LineageIndex, check_patch, sealed_pairs
from proda_core.jobs import JobContext, JobRequest
from proda_core.knowledge import save_snapshot, snapshot_id
from proda_core.layout import COT_SUFFIX, parse_cot_choice, parse_cot_name
from proda_core.phi import verbalise
from proda_core.records import load_patch, save_benchmark, save_diagnoses
from proda_core.synthesis import patch_job
from proda_core.synthesis.benchmark import BenchmarkBuild
from proda_core.synthesis.patches import PatchSet, build_patch
from proda_core.types import (
    Diagnosis,
    DiagnosisKind,
    ExampleKind,
    Format,
    KnowledgeSnapshot,
    MixtureRow,
    Role,
    Split,
)
from tests.proda_core.synthesis.conftest import MIXTURE


def walks(patch: PatchSet, role: Role) -> list[MixtureRow]:
    found = [row for row in patch.rows if row.role is role and row.example.kind is ExampleKind.CHAIN]
    assert found
    return found


def concluded(row: MixtureRow) -> str:
    """The name that a walk's reply ends on, before its letter if it has one."""
    answer = row.example.messages[1].content
    named = re.search(r" So (.+)\. Answer: ", answer)
    return named[1] if named else parse_cot_name(answer) or ""


def test_every_row_passes_the_guard(patch: PatchSet, index: LineageIndex, build: BenchmarkBuild) -> None:
    assert check_patch(patch.rows, index, build.benchmark) == ()


def test_no_row_states_a_sealed_relation(patch: PatchSet, index: LineageIndex, build: BenchmarkBuild) -> None:
    sealed = sealed_pairs(build.benchmark, index.snapshot)
    assert sealed
    for row in patch.rows:
        assert not index.pairs(index.derive(row.example.text).l2_ids) & sealed


def test_a_deficit_is_repaired_along_its_chain_in_both_forms_and_directions(
    patch: PatchSet, diagnoses: tuple[Diagnosis, ...]
) -> None:
    for diagnosis in diagnoses:
        if diagnosis.kind is DiagnosisKind.REASONING_DEFICIT:
            rows = [r.example for r in patch.rows if r.example.lineage.chain_id == diagnosis.chain_id]
            assert {row.format for row in rows} == {Format.CHOICE, Format.QA}
            ways = {row.lineage.template.split(".")[1] for row in rows}
            assert ways == {"forward", "backward"}
            assert len({row.lineage.template for row in rows}) >= 4


def test_a_walk_is_answered_by_canonical_steps_in_walking_order(
    patch: PatchSet, snapshot: KnowledgeSnapshot
) -> None:
    ends = {
        verbalise(r.type, *terms): {term.casefold() for term in terms}
        for r in snapshot.relations.values()
        for terms in [(snapshot.term(r.subject_id), snapshot.term(r.object_id))]
    }
    for row in (*walks(patch, Role.PATCH), *walks(patch, Role.SCAFFOLD)):
        asked, answer = (m.content for m in row.example.messages)
        assert asked.endswith(COT_SUFFIX)
        found = re.findall(r"From ([^:]+): ([^:]+?\.)(?= From | So | Answer: )", answer)
        assert len(found) >= 2
        reached = [known for known, _ in found]
        for (known, statement), following in zip(found, [*reached[1:], concluded(row)], strict=True):
            assert {known.casefold(), following.casefold()} == ends[statement]
        assert reached[0].casefold() in asked.split("\n")[0].casefold()


def test_every_walk_ends_on_its_gold_by_name_and_a_lettered_one_on_one_of_its_options(
    patch: PatchSet,
) -> None:
    for row in walks(patch, Role.PATCH):
        asked, answer = (m.content for m in row.example.messages)
        if row.example.format is Format.CHOICE:
            options = [line[3:] for line in asked.split("\n") if line[1:3] == ". "]
            letter = parse_cot_choice(answer, options)
            assert letter
            assert options["ABCD".index(letter)] == concluded(row)
        gold = concluded(row)
        last = re.split(r" So | Answer: ", answer)[0].split(". ")[-1]
        assert gold.casefold() in last.casefold()


def test_a_gap_is_repaired_by_contrast_in_every_format(
    patch: PatchSet, diagnoses: tuple[Diagnosis, ...]
) -> None:
    for diagnosis in diagnoses:
        if diagnosis.kind is DiagnosisKind.CONCEPT_GAP:
            relation = diagnosis.nodes[0]
            rows = [r.example for r in patch.rows if relation in r.example.lineage.l2_ids]
            assert {row.format for row in rows if row.kind is ExampleKind.CONTRAST} == set(Format)


def test_contrast_choices_offer_neighbours(patch: PatchSet, snapshot: KnowledgeSnapshot) -> None:
    wide = [
        r
        for r in patch.rows
        if r.example.lineage.template == "patch.near" and len(r.example.lineage.l2_ids) > 1
    ]
    assert wide


def test_scaffold_walks_are_elsewhere_and_bounded(
    patch: PatchSet, snapshot: KnowledgeSnapshot, diagnoses: tuple[Diagnosis, ...]
) -> None:
    failing = {
        r
        for d in diagnoses
        if d.kind is DiagnosisKind.REASONING_DEFICIT
        for r in snapshot.chains[d.chain_id].relation_ids
    }
    assert 0 < patch.scaffold_relations <= MIXTURE.scaffold_relations * len(snapshot.relations)
    starts = set()
    for row in walks(patch, Role.SCAFFOLD):
        assert not failing & set(row.example.lineage.l2_ids)
        starts.add(row.example.messages[1].content.split(".")[0])
    assert len(starts) > 0.8 * patch.scaffold_walks


def test_no_scaffold_without_a_deficit(
    index: LineageIndex, build: BenchmarkBuild, diagnoses: tuple[Diagnosis, ...]
) -> None:
    gaps = [d for d in diagnoses if d.kind is DiagnosisKind.CONCEPT_GAP]
    made = build_patch(index, build.benchmark, gaps, MIXTURE, seed=0)
    assert made.scaffold_walks == 0 and {row.role for row in made.rows} == {Role.PATCH}


def test_what_cannot_be_patched_is_counted_and_not_written(
    index: LineageIndex, build: BenchmarkBuild
) -> None:
    sealed, dev = build.benchmark.of(Split.SEALED)[0], build.benchmark.of(Split.DEV)[0]
    made = build_patch(
        index,
        build.benchmark,
        [
            Diagnosis(sealed.item_id, sealed.chain_id, DiagnosisKind.REASONING_DEFICIT, (), ()),
            Diagnosis(dev.item_id, dev.chain_id, DiagnosisKind.CONCEPT_GAP, (sealed.l2_ids[0],), ()),
            Diagnosis(dev.item_id, dev.chain_id, DiagnosisKind.ITEM_DEFECT, (), ()),
        ],
        MixtureConfig(scaffold_relations=0),
        seed=0,
    )
    assert made.rows == ()
    assert made.patched == 0
    assert made.unpatchable == {"nothing_to_teach_item_defect": 1, "sealed_or_unwritable": 2}
    assert made.left_out["sealed"] > 0


def test_rows_are_not_written_from_items(patch: PatchSet, build: BenchmarkBuild) -> None:
    stems = [item.stem.casefold() for item in build.benchmark.items]
    options = {frozenset(item.options) for item in build.benchmark.items}
    for row in patch.rows:
        asked = row.example.messages[0].content
        assert not any(stem in asked.casefold() for stem in stems)
    lettered = [r for r in walks(patch, Role.PATCH) if r.example.format is Format.CHOICE]
    sets = [frozenset(line[3:] for line in r.example.messages[0].content.split("\n")[1:5]) for r in lettered]
    assert sum(found in options for found in sets) < 0.1 * len(sets)


def test_the_same_request_gives_the_same_rows_and_another_seed_others(
    index: LineageIndex, build: BenchmarkBuild, diagnoses: tuple[Diagnosis, ...], patch: PatchSet
) -> None:
    again = build_patch(index, build.benchmark, tuple(reversed(diagnoses)), MIXTURE, seed=0)
    assert again == patch
    assert build_patch(index, build.benchmark, diagnoses, MIXTURE, seed=1).rows != patch.rows


@pytest.mark.parametrize("stop", [False])
def test_the_job_saves_rows_with_their_counts(
    tmp_path: Path,
    snapshot: KnowledgeSnapshot,
    build: BenchmarkBuild,
    diagnoses: tuple[Diagnosis, ...],
    patch: PatchSet,
    stop: bool,
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    save_snapshot(store, snapshot.concepts.values(), snapshot.relations.values(), snapshot.chains.values())
    save_benchmark(store, build.benchmark)
    diagnosed = save_diagnoses(store, diagnoses, report_id="q_0000000000000000", meta={})
    request = JobRequest(
        "patch",
        "proda_core.synthesis.patch_job:run",
        {"config": MIXTURE.model_dump(mode="json"), "seed": 0},
        {
            "snapshot": snapshot_id(snapshot.digest),
            "benchmark": build.benchmark.benchmark_id,
            "diagnosis": diagnosed.artifact_id,
        },
    )
    result = patch_job.run(JobContext(tmp_path, tmp_path, store, lambda p: None, lambda: stop), request)
    assert load_patch(store, result.artifacts["patch"]) == patch.rows
    assert store.manifest("patch", result.artifacts["patch"]).meta["patched"] == patch.patched
