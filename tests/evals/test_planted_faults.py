"""Planted faults: what a plan leaves out, how claims are judged, the figures, and diagnosis of students that are known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.cli.faults import read_seeds
from evals.faults import Claim, FaultStudy, Plan, Sizes, Source, Trial, figures_of, judge, plant
from evals.faults.figures import by_kind
from evals.faults.guessing import QuestionAlone
from evals.faults.judging import AS_PLANTED, DEFICIT, GAP, Count
from evals.faults.rows import compose, states_nothing_left_out
from mcp_server.benching import bench_faults
from mcp_server.hosting import reading_host
from proda_core.artifacts import ArtifactStore
from proda_core.errors import BenchmarkError, ConfigError
from proda_core.guard import recheck_for_training
from proda_core.guard.lineage import LineageIndex
from proda_core.jobs import JobContext, JobRequest, JobResult, Progress
from proda_core.jobs.entry import resolve_entry_point
from proda_core.knowledge import load_snapshot, make_snapshot
from proda_core.records import load_mixture
from proda_core.types import DiagnosisKind, ExampleKind, KnowledgeSnapshot, Scoring
from tests.evals.knowing import Knowing
from tests.sessions import FinishedSession, tree
from tools.built_session import built_session

SIZES = Sizes(gaps=8, deficits=8, controls=6)


@pytest.fixture(scope="module")
def source(finished_session: FinishedSession) -> Source:
    return built_session(reading_host(finished_session.folder))


@pytest.fixture(scope="module")
def snapshot(source: Source) -> KnowledgeSnapshot:
    return load_snapshot(source.store, source.snapshot_id)


@pytest.fixture(scope="module")
def plan(snapshot: KnowledgeSnapshot) -> Plan:
    return plant(snapshot, Scoring.COT, SIZES, seed=11)


@pytest.fixture
def trial(plan: Plan, snapshot: KnowledgeSnapshot) -> Trial:
    """Every item failed, every fact that was taught is known by held-out probes, and no chain is joined."""
    known = {r: float(r not in plan.left_out) for r in snapshot.relations}
    failed = tuple(item.item_id for item in plan.benchmark.items)
    joined = {item.chain_id: 0.0 for item in plan.benchmark.items}
    return Trial("one", plan, snapshot, failed, (), known, joined, {}, 0.0)


def claims_of(trial: Trial, say: Callable[[str], tuple[DiagnosisKind, tuple[str, ...]]]) -> list[Claim]:
    """A claim on every failed item, by its chain."""
    return [Claim(i.item_id, i.chain_id, *say(i.chain_id)) for i in trial.failures]


def truth(trial: Trial) -> Callable[[str], tuple[DiagnosisKind, tuple[str, ...]]]:
    planted = {fault.chain_id: fault for fault in trial.plan.faults}

    def say(chain_id: str) -> tuple[DiagnosisKind, tuple[str, ...]]:
        fault = planted.get(chain_id)
        if fault is None:
            return DiagnosisKind.UNSTABLE, ()
        return fault.kind, (fault.node,) if fault.kind is GAP else ()

    return say


def counted(trial: Trial, claims: list[Claim], kind: str) -> tuple[int, int, int]:
    counts = [c for c in judge(trial, claims) if c.kind == kind]
    return sum(c.found for c in counts), sum(c.missed for c in counts), sum(c.false for c in counts)


def test_a_plan_has_both_kinds_and_controls_apart_from_each_other(
    plan: Plan, snapshot: KnowledgeSnapshot
) -> None:
    gaps, deficits = plan.of(GAP), plan.of(DEFICIT)
    assert len(gaps) == SIZES.gaps and len(deficits) == SIZES.deficits and plan.controls
    crowded = plant(snapshot, Scoring.COT, Sizes(gaps=30, deficits=20, controls=5), seed=11)
    for one in (plan, crowded):  # where much is planted, a gap soon meets a fact that a deficit needs
        assert not one.left_out & {r for fault in one.of(DEFICIT) for r in fault.relations}
    shapes = {
        chain_id: tuple(snapshot.relations[r].type for r in snapshot.chains[chain_id].relation_ids)
        for chain_id in (*(f.chain_id for f in plan.faults), *plan.controls)
    }
    assert {shapes[f.chain_id] for f in deficits} <= set(plan.shapes)
    assert not {shapes[c] for c in (*plan.controls, *(f.chain_id for f in gaps))} & set(plan.shapes)
    for fault in gaps:
        others = {r for other in gaps if other is not fault for r in other.relations}
        assert not others & set(snapshot.chains[fault.chain_id].relation_ids)
    assert {item.chain_id for item in plan.benchmark.items} <= set(shapes)


def test_the_same_seed_plants_the_same_and_another_something_else(
    plan: Plan, snapshot: KnowledgeSnapshot
) -> None:
    assert plant(snapshot, Scoring.COT, SIZES, seed=11) == plan
    assert plant(snapshot, Scoring.COT, SIZES, seed=12).left_out != plan.left_out


def test_a_graph_without_chains_says_what_to_give(snapshot: KnowledgeSnapshot) -> None:
    bare = make_snapshot(snapshot.concepts.values(), snapshot.relations.values(), [])
    with pytest.raises(BenchmarkError, match="larger corpus"):
        plant(bare, Scoring.COT, SIZES, seed=0)


def test_no_row_states_what_is_left_out_and_every_fact_of_a_deficit_is_taught(
    plan: Plan, snapshot: KnowledgeSnapshot, source: Source, tmp_path: Path
) -> None:
    store, index = ArtifactStore(tmp_path), LineageIndex(snapshot)
    made = compose(plan, index, store, source.config)
    rows = [row.example for row in load_mixture(store, made.mixture_id).rows]
    taught = {r for row in rows for r in row.lineage.l2_ids}
    assert not plan.left_out & taught and made.left_out > 0
    assert {r for fault in plan.of(DEFICIT) for r in fault.relations} <= taught
    walks = {row.lineage.chain_id for row in rows if row.kind is ExampleKind.CHAIN}
    assert made.walks > 0 and walks <= set(plan.controls)
    assert all(states_nothing_left_out(row, plan, index) for row in rows)


def test_who_says_what_was_planted_finds_all_and_claims_nothing_false(trial: Trial) -> None:
    claims = claims_of(trial, truth(trial))
    shown = {item.chain_id for item in trial.failures}
    for kind, name in ((GAP, "concept_gap"), (DEFICIT, "reasoning_deficit"), (DEFICIT, AS_PLANTED)):
        wanted = sum(fault.chain_id in shown for fault in trial.plan.of(kind))
        assert counted(trial, claims, name) == (wanted, 0, 0) and wanted > 0


def test_a_gap_said_of_the_wrong_node_is_missed_and_false_only_where_held_out_probes_know_it(
    trial: Trial,
) -> None:
    gaps = len([f for f in trial.plan.of(GAP) if f.chain_id in {i.chain_id for i in trial.failures}])
    relations = trial.snapshot.relations
    fault = next(f for f in trial.plan.of(GAP) if f.node in relations)
    other = next(
        r for r in trial.snapshot.chains[fault.chain_id].relation_ids if r not in trial.plan.left_out
    )
    item = next(i for i in trial.failures if i.chain_id == fault.chain_id)
    said = [Claim(item.item_id, item.chain_id, GAP, (other,))]
    assert counted(trial, said, "concept_gap") == (0, gaps, 1)
    unsure = replace(trial, known={**trial.known, other: 0.2})
    assert counted(unsure, said, "concept_gap") == (0, gaps, 0)
    beside = [Claim(item.item_id, item.chain_id, GAP, (relations[fault.node].subject_id, fault.node))]
    assert counted(trial, beside, "concept_gap") == (1, gaps - 1, 0)


def test_a_deficit_counts_where_held_out_probes_confirm_it_and_as_planted_everywhere(trial: Trial) -> None:
    chain = next(
        i.chain_id for i in trial.failures if i.chain_id in {f.chain_id for f in trial.plan.of(DEFICIT)}
    )
    claims = claims_of(trial, truth(trial))
    found, *_ = counted(trial, claims, "reasoning_deficit")
    unknown = replace(trial, known={**trial.known, trial.snapshot.chains[chain].relation_ids[0]: 0.0})
    joined = replace(trial, joined={**trial.joined, chain: 1.0})
    for changed in (unknown, joined):
        # Its facts are shared by other chains; each that loses its ground is a false claim.
        now, missed, false = counted(changed, claims, "reasoning_deficit")
        assert now < found and missed == 0 and now + false == found
        assert counted(changed, claims, AS_PLANTED) == (found, 0, 0)


def test_a_deficit_said_of_a_chain_with_a_gap_is_false_and_of_a_control_where_it_is_joined(
    trial: Trial,
) -> None:
    control = next(i for i in trial.failures if i.chain_id in trial.plan.controls)
    gap = next(i for i in trial.failures if i.chain_id in {f.chain_id for f in trial.plan.of(GAP)})
    for name in ("reasoning_deficit", AS_PLANTED):
        assert counted(trial, [Claim(gap.item_id, gap.chain_id, DEFICIT)], name)[2] == 1
        said = [Claim(control.item_id, control.chain_id, DEFICIT)]
        assert counted(trial, said, name)[2] == 0
        assert counted(replace(trial, joined={control.chain_id: 0.9}), said, name)[2] == 1


def counts(found: int, missed: int, false: int, *, groups: int = 1000) -> list[Count]:
    flags = [{"found": True}] * found + [{"missed": True}] * missed + [{"false": True}] * false
    return [Count("concept_gap", f"g{n % groups}", **flag) for n, flag in enumerate(flags)]


def test_precision_recall_and_f1_are_those_of_the_counts() -> None:
    gap, deficit, _ = by_kind(counts(80, 20, 10))
    assert (gap.found, gap.missed, gap.false) == (80, 20, 10)
    assert gap.precision.value == pytest.approx(80 / 90) and gap.precision.n == 90
    assert gap.recall.value == pytest.approx(0.8) and gap.recall.n == 100
    assert gap.f1.value == pytest.approx(160 / 190)
    for interval in (gap.precision, gap.recall, gap.f1):
        assert 0 < interval.low < interval.value < interval.high < 1
    assert (deficit.f1.value, deficit.f1.low, deficit.f1.high, deficit.f1.n) == (0.0, 0.0, 1.0, 0)


def test_a_hundred_faults_all_found_are_not_certain() -> None:
    gap = by_kind(counts(100, 0, 0))[0]
    assert gap.f1.value == 1.0 and 0.9 < gap.f1.low < 1.0


def test_faults_of_few_groups_say_less_than_as_many_of_many() -> None:
    apart, together = (by_kind(counts(40, 20, 0, groups=n))[0].recall for n in (60, 7))
    mixed = [replace(c, group=f"g{n // 10}") for n, c in enumerate(counts(40, 20, 0))]
    clustered = by_kind(mixed)[0].recall
    assert apart.value == together.value == clustered.value
    assert clustered.high - clustered.low > 1.3 * (apart.high - apart.low)


def test_who_sees_the_question_alone_says_nothing_without_other_seeds_and_finds_a_shape_that_always_fails(
    trial: Trial,
) -> None:
    assert QuestionAlone().claims(trial, []) is None
    again = replace(trial, plan=replace(trial.plan, seed=12))
    figures = figures_of([trial, again], [QuestionAlone()])
    assert set(figures.readers) == {"diagnosis", "question alone"} and not figures.silent
    # The same shapes are planted in both trials, so shape alone tells deficits here.
    alone = {row.kind: row for row in figures.readers["question alone"]}
    assert alone["reasoning_deficit"].recall.value > 0.9
    assert figures_of([trial], [QuestionAlone()]).silent == ("question alone",)


@pytest.mark.parametrize(("text", "seeds"), [("0-4", [0, 1, 2, 3, 4]), ("3, 7,3", [3, 7]), ("2", [2])])
def test_seeds_are_read_as_numbers_and_ranges(text: str, seeds: list[int]) -> None:
    assert read_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "4-1", "a", "1-2-3", "-1"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--seeds"):
        read_seeds(text)


def test_a_study_changes_no_setting_of_the_graph(finished_session: FinishedSession, tmp_path: Path) -> None:
    study = bench_faults(
        [finished_session.folder],
        [0],
        {"benchmark": {"max_items": 3}},
        out=tmp_path / "out",
        sizes=SIZES,
        tell=lambda *_: None,
    )
    with pytest.raises(ConfigError, match="the graph and the base stay"):
        asyncio.run(study)
    assert not (tmp_path / "out").exists()


def in_process(noise: float, plans: dict[int, Plan], snapshot: KnowledgeSnapshot) -> Any:
    """Jobs run here, the guard of the training for real and the training itself left out: the student is scripted."""

    async def run(folder: Path, request: JobRequest, on_progress: Callable[[Progress], None]) -> JobResult:
        store = ArtifactStore(folder / "artifacts")
        if request.kind == "train":
            given = request.inputs
            recheck_for_training(
                store, given["mixture"], snapshot_id=given["snapshot"], benchmark_id=given["benchmark"]
            )
            store.make("adapter", "a_" + "1" * 16, lambda folder: None)
            return JobResult({"adapter": "a_" + "1" * 16}, {"wall_s": 0.0})
        student = Knowing(snapshot, plans[request.params["seed"]], noise).student()
        context = JobContext(folder, folder / "scratch", store, on_progress, lambda: False)
        entry: Any = resolve_entry_point(request.entry_point)
        done: JobResult = entry(context, request, load=lambda *_a, **_k: student)
        return done

    return run


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_diagnosis_finds_exactly_what_an_ideal_student_lacks_and_less_in_a_noisy_one(
    source: Source, snapshot: KnowledgeSnapshot, tmp_path: Path, noise: float
) -> None:
    data = source.config.model_dump(mode="json")
    data["benchmark"]["scoring"] = "cot"
    own = replace(source, config=type(source.config).model_validate(data))
    plans = {seed: plant(snapshot, Scoring.COT, SIZES, seed=seed) for seed in (11, 12)}
    told: list[str] = []
    study = FaultStudy(tmp_path, SIZES, lambda what, _: told.append(what), in_process(noise, plans, snapshot))
    trials = asyncio.run(study.run([own], list(plans)))
    figures = figures_of(trials, [QuestionAlone()])
    rows = {row.kind: row for row in figures.readers["diagnosis"]}
    if noise:
        assert all(rows[kind].f1.value < 1 for kind in ("concept_gap", "reasoning_deficit"))
    else:
        assert {kind: (row.missed, row.false) for kind, row in rows.items()} == dict.fromkeys(rows, (0, 0))
        assert all(row.found >= len(plans) * SIZES.gaps - 2 for row in rows.values())
        assert all(trial.control_accuracy == 1.0 for trial in figures.trials)
        guessed = {row.kind: row for row in figures.readers["question alone"]}
        assert guessed["concept_gap"].f1.value < 1
    assert told[0].startswith("1 of 2, ") and " min left, " in told[-1]


@pytest.mark.slow
def test_a_real_study_leaves_the_session_as_it_is_and_a_second_one_finds_it_done(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    before, told = tree(finished_session.folder.root), list[str]()

    def run() -> dict[str, Any]:
        study = bench_faults(
            [finished_session.folder],
            [11],
            {"training": {"max_steps": 2}},
            out=tmp_path,
            sizes=Sizes(3, 3, 2),
            tell=lambda what, _progress: told.append(what),
        )
        return asyncio.run(study)

    figures = run()
    assert tree(finished_session.folder.root) == before
    (one,) = figures["trials"]
    assert one["planted"] == {"concept_gap": 3, "reasoning_deficit": 3}
    assert sum(one["said"]["concept_gap"].values()) > 0  # a model that was hardly trained fails
    written = {name for name in tree(tmp_path) if name.endswith("result.json")}
    assert len(written) == 4
    assert run() == figures
    assert {name for name in tree(tmp_path) if name.endswith("result.json")} == written
