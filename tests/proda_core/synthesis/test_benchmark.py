"""The built benchmark keeps what the checks promise, over the whole set, and is the same every time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.config import BenchmarkConfig
from proda_core.errors import JobError, TooFewGroups
from proda_core.guard import LineageIndex
from proda_core.jobs import JobContext, JobRequest
from proda_core.knowledge import make_snapshot, save_snapshot, snapshot_id
from proda_core.records import load_benchmark
from proda_core.synthesis import benchmark_job
from proda_core.synthesis.benchmark import BenchmarkBuild, build_benchmark
from proda_core.synthesis.guesses import FITTED, OptionFeatures, all_guesses
from proda_core.synthesis.item_checks import item_failure, question_of
from proda_core.synthesis.truths import Truths
from proda_core.types import KnowledgeSnapshot, Scoring, Split
from tests.proda_core.synthesis.conftest import CONFIG


def test_every_item_passes_every_check(build: BenchmarkBuild, truths: Truths) -> None:
    assert len(build.benchmark.items) >= 48
    assert {item_failure(item, truths) for item in build.benchmark.items} == {""}


def test_both_splits_have_the_items_wanted_and_say_when_they_do_not(
    build: BenchmarkBuild, snapshot: KnowledgeSnapshot
) -> None:
    assert all(len(build.benchmark.of(split)) >= CONFIG.min_items for split in Split)
    assert build.shortage == ""
    greedy = build_benchmark(snapshot, BenchmarkConfig(min_items=900, max_items=900), seed=0)
    assert greedy.shortage == "fewer than 900 items in dev and sealed"


def test_gold_positions_are_balanced_in_each_split(build: BenchmarkBuild) -> None:
    for split in Split:
        counts = Counter(item.gold_index for item in build.benchmark.of(split))
        assert max(counts.values()) - min(counts[n] for n in range(4)) <= 1


def test_guesses_from_the_options_alone_score_at_chance(build: BenchmarkBuild, truths: Truths) -> None:
    for split in Split:
        guesses = all_guesses(build.benchmark.of(split), OptionFeatures(truths))
        assert {g.name for g in guesses} >= {
            "greatest_length",
            "greatest_frequency",
            "greatest_degree",
            FITTED,
        }
        assert [g for g in guesses if not g.at_chance] == []


def test_a_benchmark_whose_gold_is_always_the_longest_option_is_found_out(
    build: BenchmarkBuild, truths: Truths
) -> None:
    items = []
    for item in build.benchmark.of(Split.DEV):
        longest = max(range(4), key=lambda n: len(item.options[n]))
        items.append(replace(item, gold_index=longest))
    wrong = {g.name for g in all_guesses(items, OptionFeatures(truths)) if not g.at_chance}
    assert {"greatest_length", "least_length", FITTED} <= wrong


def test_no_concept_pair_is_in_both_splits(build: BenchmarkBuild, index: LineageIndex) -> None:
    pairs = {
        split: index.pairs(r for item in build.benchmark.of(split) for r in item.l2_ids) for split in Split
    }
    assert pairs[Split.DEV] and pairs[Split.SEALED]
    assert not pairs[Split.DEV] & pairs[Split.SEALED]


def test_groups_do_not_straddle_the_splits(build: BenchmarkBuild) -> None:
    sides = {split: {item.group_id for item in build.benchmark.of(split)} for split in Split}
    assert not sides[Split.DEV] & sides[Split.SEALED]
    assert build.groups == len(sides[Split.DEV]) + len(sides[Split.SEALED])


def test_a_chain_is_asked_in_both_directions_with_different_golds(
    build: BenchmarkBuild, truths: Truths
) -> None:
    directions = Counter(question_of(item, truths).forward for item in build.benchmark.items)
    assert min(directions[True], directions[False]) > 0.4 * len(build.benchmark.items)
    by_chain = Counter(item.chain_id for item in build.benchmark.items)
    assert set(by_chain.values()) <= {1, 2}


def test_every_chain_is_asked_or_left_out_with_a_reason(
    build: BenchmarkBuild, snapshot: KnowledgeSnapshot
) -> None:
    asked = {item.chain_id for item in build.benchmark.items}
    left = {one.chain_id for one in build.benchmark.left_out}
    assert asked | left == set(snapshot.chains)
    assert all(one.reason for one in build.benchmark.left_out)


def test_the_items_chain_is_the_graphs_chain_in_order(
    build: BenchmarkBuild, snapshot: KnowledgeSnapshot
) -> None:
    for item in build.benchmark.items:
        chain = snapshot.chains[item.chain_id]
        assert item.l2_ids[: item.hops] == chain.relation_ids
        assert item.l1_ids == chain.concept_ids


def test_the_same_request_gives_the_same_digest_and_another_seed_another(
    build: BenchmarkBuild, snapshot: KnowledgeSnapshot
) -> None:
    assert build_benchmark(snapshot, CONFIG, seed=0).benchmark == build.benchmark
    assert build_benchmark(snapshot, CONFIG, seed=1).benchmark.digest != build.benchmark.digest


def test_the_scoring_is_the_configurations(build: BenchmarkBuild) -> None:
    assert build.benchmark.scoring is Scoring.COT


def test_too_few_groups_stop_the_build(snapshot: KnowledgeSnapshot) -> None:
    with pytest.raises(TooFewGroups):
        build_benchmark(snapshot, BenchmarkConfig(min_groups=500), seed=0)


def _context(folder: Path, *, stop: bool = False) -> JobContext:
    return JobContext(
        folder, folder / "scratch", ArtifactStore(folder / "artifacts"), lambda p: None, lambda: stop
    )


def test_the_job_freezes_what_loads_again_under_its_digest(
    tmp_path: Path, snapshot: KnowledgeSnapshot, build: BenchmarkBuild
) -> None:
    context = _context(tmp_path)
    save_snapshot(
        context.store, snapshot.concepts.values(), snapshot.relations.values(), snapshot.chains.values()
    )
    request = JobRequest(
        "benchmark",
        "proda_core.synthesis.benchmark_job:run",
        {"config": CONFIG.model_dump(mode="json"), "seed": 0},
        {"snapshot": snapshot_id(snapshot.digest)},
    )
    result = benchmark_job.run(context, request)
    assert load_benchmark(context.store, result.artifacts["benchmark"]) == build.benchmark
    stems = [item.stem for item in build.benchmark.items]
    assert not any(stem in str(result.meta) for stem in stems)


def test_the_job_ends_when_asked_to_stop(tmp_path: Path, snapshot: KnowledgeSnapshot) -> None:
    context = _context(tmp_path, stop=True)
    save_snapshot(
        context.store, snapshot.concepts.values(), snapshot.relations.values(), snapshot.chains.values()
    )
    request = JobRequest(
        "benchmark", "x.y:run", {"config": {}, "seed": 0}, {"snapshot": snapshot_id(snapshot.digest)}
    )
    with pytest.raises(JobError, match="cancelled"):
        benchmark_job.run(context, request)


def test_a_chain_with_a_step_that_a_name_alone_tells_carries_no_item(snapshot: KnowledgeSnapshot) -> None:
    tested = next(iter(build_benchmark(snapshot, CONFIG, seed=0).benchmark.items)).l2_ids[0]
    relations = [
        replace(relation, verb_phrase="") if key == tested else relation
        for key, relation in snapshot.relations.items()
    ]
    told = make_snapshot(snapshot.concepts.values(), relations, snapshot.chains.values())
    built = build_benchmark(told, CONFIG, seed=0).benchmark
    assert built.items and not [item for item in built.items if tested in item.l2_ids]
    assert "told_by_a_name" in {left.reason for left in built.left_out}
