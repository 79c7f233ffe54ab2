"""The repair bench: what each recipe holds and leaves out, and that a bench changes nothing of a session."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.repair import Material, Recipe, RepairBench, Trial, figures_of
from evals.repair.recipes import compose, random_diagnoses
from mcp_server.benching import bench_repair
from mcp_server.hosting import reading_host
from proda_core.artifacts import ArtifactStore
from proda_core.demo import basis_of
from proda_core.errors import ArtifactError, BenchmarkError, ConfigError, ToolError
from proda_core.guard.sealed import sealed_pairs
from proda_core.ids import pair_key
from proda_core.records import load_examples, load_mixture, load_report
from proda_core.types import Diagnosis, DiagnosisKind, Mixture, Role, Score
from tests.sessions import Bench, FinishedSession, copied, outcomes_of, tree
from tests.tools.stages import session_at, to_mixture
from tools.first_round import first_round


@pytest.fixture
def material(finished_session: FinishedSession, tmp_path: Path) -> Material:
    """The finished session's first round, in a bench folder of the test's own."""
    return first_round(reading_host(finished_session.folder)).copied(tmp_path / "bench")


def mixture_of(recipe: Recipe, material: Material) -> Mixture:
    return load_mixture(material.store, compose(recipe, material, material.config).mixture_id)


def pairs_of(material: Material, relation_ids: tuple[str, ...]) -> set[tuple[str, str]]:
    relations = (material.index.snapshot.relations[key] for key in relation_ids)
    return {pair_key(relation.subject_id, relation.object_id) for relation in relations}


def with_deficits(material: Material) -> Material:
    """As if every other failure were one of reasoning: a tiny base has concept gaps alone."""
    turned = [
        replace(d, kind=DiagnosisKind.REASONING_DEFICIT, nodes=()) if place % 2 else d
        for place, d in enumerate(material.diagnoses)
    ]
    changed = replace(material)
    changed.__dict__["diagnoses"] = tuple(turned)
    return changed


def test_a_random_patch_is_as_large_as_the_diagnosed_one_and_of_the_same_kinds(material: Material) -> None:
    material = with_deficits(material)
    found = random_diagnoses(material, seed=1)
    real = [d for d in material.diagnoses if d.kind in {one.kind for one in found}]

    def shape(one: Diagnosis) -> tuple[str, int]:
        return one.kind.value, len(one.nodes)

    assert 0 < len(found) <= len(real)
    assert {shape(one)[0] for one in found} == {"concept_gap", "reasoning_deficit"}
    assert not Counter(map(shape, found)) - Counter(map(shape, real))


def test_a_random_patch_touches_no_chain_that_failed_and_none_under_the_seal(material: Material) -> None:
    snapshot = material.index.snapshot
    failed = {score.item_id for score in material.report.dev if score.value is not None and not score.correct}
    forbidden = set(sealed_pairs(material.benchmark, snapshot))
    for item in material.benchmark.items:
        if item.item_id in failed:
            forbidden |= pairs_of(material, snapshot.chains[item.chain_id].relation_ids)
    found = random_diagnoses(material, seed=1)
    assert found
    for one in found:
        assert not pairs_of(material, snapshot.chains[one.chain_id].relation_ids) & forbidden
        assert set(one.nodes) <= {
            *snapshot.chains[one.chain_id].concept_ids,
            *snapshot.chains[one.chain_id].relation_ids,
        }


def test_another_seed_draws_another_random_patch(material: Material) -> None:
    first, again, other = (random_diagnoses(material, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert {d.chain_id for d in first} != {d.chain_id for d in other} or len(first) < 3


def test_patch_and_scaffold_alone_hold_no_row_of_the_other(material: Material) -> None:
    material = with_deficits(material)
    roles = {
        recipe: {row.role for row in mixture_of(recipe, material).rows}
        for recipe in (Recipe.DIAGNOSED, Recipe.PATCH, Recipe.SCAFFOLD)
    }
    assert {Role.PATCH, Role.SCAFFOLD} <= roles[Recipe.DIAGNOSED]
    assert Role.PATCH in roles[Recipe.PATCH]
    assert Role.SCAFFOLD not in roles[Recipe.PATCH]
    assert Role.SCAFFOLD in roles[Recipe.SCAFFOLD]
    assert Role.PATCH not in roles[Recipe.SCAFFOLD]


def test_scaffold_alone_is_refused_where_no_failure_asks_for_any(material: Material) -> None:
    gaps = replace(material)
    gaps.__dict__["diagnoses"] = tuple(
        d for d in material.diagnoses if d.kind is not DiagnosisKind.REASONING_DEFICIT
    )
    with pytest.raises(BenchmarkError, match="no scaffold rows"):
        compose(Recipe.SCAFFOLD, gaps, gaps.config)


def test_more_of_v1s_data_is_written_anew_and_holds_no_patch(material: Material) -> None:
    mixture = mixture_of(Recipe.MORE, material)
    assert {row.role for row in mixture.rows} == {Role.REPLAY, Role.GENERAL}
    known = {row.example_id for row in load_examples(material.store, material.examples_id)}
    fresh = [row for row in mixture.rows if row.role is Role.REPLAY and row.example.example_id not in known]
    assert len(fresh) > 0.3 * len(mixture.rows)


def test_every_recipe_has_the_rows_that_a_round_has_and_tenfold_ten_times_as_many(material: Material) -> None:
    rows = {
        recipe: len(mixture_of(recipe, material).rows)
        for recipe in (Recipe.DIAGNOSED, Recipe.MORE, Recipe.TENFOLD)
    }
    assert rows[Recipe.DIAGNOSED] <= rows[Recipe.MORE] == material.config.mixture.rows
    assert rows[Recipe.TENFOLD] == 10 * material.config.mixture.rows


def test_a_changed_artifact_is_not_copied_into_a_bench(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path / "sessions")
    found = first_round(reading_host(folder))
    with (folder.store.path("examples", found.examples_id) / "examples.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(ArtifactError, match=r"examples\.jsonl"):
        found.copied(tmp_path / "bench")


def test_a_session_without_a_diagnosis_of_v1_says_what_to_do(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = session_at(to_mixture, bench, finished_session.folder, tmp_path)
    with pytest.raises(ToolError, match="proda resume"):
        first_round(reading_host(folder))


def test_trials_leave_the_session_as_it_is_and_a_second_bench_finds_them_done(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    before, told = tree(finished_session.folder.root), []

    def run() -> dict[str, Any]:
        return asyncio.run(
            bench_repair(
                [finished_session.folder],
                ["diagnosed", "more"],
                {"training": {"max_steps": 2}},
                out=tmp_path,
                tell=lambda what, _progress: told.append(what),
            )
        )

    figures = run()
    assert figures["basis"] == {}  # of changed settings: no report may refer to them
    assert all(row["roles"]["general"] for row in figures["recipes"])
    training = finished_session.folder.config.training
    ours = ArtifactStore(tmp_path / finished_session.folder.name / "artifacts")
    made = [
        ours.manifest("adapter", key) for key in ours.list("adapter") if key != adapters(finished_session)[0]
    ]
    assert len(made) == 2
    for trained in made:
        assert trained.inputs["incumbent"] == adapters(finished_session)[0]
        assert trained.meta["config"]["learning_rate"] == training.round_learning_rate
    assert tree(finished_session.folder.root) == before
    assert told[0].startswith("1 of 2, ")
    written = tree(tmp_path)
    assert run() == figures
    assert {name for name in tree(tmp_path) if name.endswith("result.json")} == {
        name for name in written if name.endswith("result.json")
    }


def test_figures_at_a_sessions_own_settings_name_what_they_rest_on(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = finished_session.folder
    figures = asyncio.run(bench_repair([folder], [], {}, out=tmp_path, tell=lambda *_: None))
    assert figures["basis"] == basis_of(folder.config, folder.corpus_digest)
    fresh = {"training": {"continue_incumbent": False, "epochs": 2}}  # from the base: epochs is read again
    changed = asyncio.run(bench_repair([folder], [], fresh, out=tmp_path, tell=lambda *_: None))
    assert changed["basis"] == {} and changed["settings"] == fresh


@pytest.mark.parametrize(
    ("recipes", "overrides", "said"),
    [
        (["lucky"], {}, "choose from diagnosed"),
        (["more"], {"benchmark": {"max_items": 3}}, "V1 stays as it is"),
        (["more"], {"training": {"epochs": 2}}, r"do not read training\.epochs"),
        (["more"], {"training": {"rank": 8}}, r"do not read training\.rank"),
    ],
)
def test_what_a_bench_cannot_do_is_refused_before_anything_runs(
    finished_session: FinishedSession,
    tmp_path: Path,
    recipes: list[str],
    overrides: dict[str, object],
    said: str,
) -> None:
    with pytest.raises(ConfigError, match=said):
        asyncio.run(
            bench_repair(
                [finished_session.folder], recipes, overrides, out=tmp_path / "out", tell=lambda *_: None
            )
        )
    assert not (tmp_path / "out").exists()


def adapters(session: FinishedSession) -> list[str]:
    """V1's adapter and those of later rounds."""
    return [made["artifacts"]["adapter"] for made in outcomes_of(session.folder, "train_adapter")]


def test_a_round_goes_on_from_v1_at_its_own_rate_and_length(finished_session: FinishedSession) -> None:
    folder = finished_session.folder
    v1, v2 = (folder.store.manifest("adapter", key) for key in adapters(finished_session))
    training = folder.config.training
    assert "incumbent" not in v1.inputs and v2.inputs["incumbent"] == adapters(finished_session)[0]
    wanted = [(made.meta["config"]["learning_rate"], made.meta["config"]["epochs"]) for made in (v1, v2)]
    assert wanted == [
        (training.learning_rate, training.epochs),
        (training.round_learning_rate, training.round_epochs),
    ]


def trial(material: Material, recipe: Recipe, right: int, session: str) -> Trial:
    """A trial whose model answers the first ``right`` dev items rightly, and nothing else."""

    def marked(scores: tuple[Score, ...], count: int) -> tuple[Score, ...]:
        return tuple(replace(s, value=float(place < count)) for place, s in enumerate(scores))

    report = material.report
    first = replace(
        report, **{name: marked(getattr(report, name), 0) for name in ("dev", "sealed", "general")}
    )
    own = replace(material, session=session)
    own.__dict__["report"] = first
    return Trial(recipe, {"patch": 10}, 1.0, own, replace(first, dev=marked(first.dev, right)))


def test_figures_pool_sessions_and_take_the_control_from_the_diagnosed_patch(material: Material) -> None:
    n = len(material.report.dev)
    trials = [
        trial(material, Recipe.DIAGNOSED, n, "one"),
        trial(material, Recipe.DIAGNOSED, n, "two"),
        trial(material, Recipe.RANDOM, n, "one"),
        trial(material, Recipe.RANDOM, 0, "two"),
    ]
    base = load_report(material.store, material.base_report_id)
    figures = figures_of(trials, [base, base])
    diagnosed, control = figures.recipes
    assert figures.before["V1"]["dev"] == 0.0
    assert (diagnosed.gain["dev"].value, diagnosed.gain["dev"].n) == (1.0, 2 * n)
    assert control.gain["dev"].value == pytest.approx(0.5)
    assert diagnosed.sessions == ("one", "two")
    assert diagnosed.p_dev == (pytest.approx(2 * 0.5**n),) * 2
    assert control.p_dev[1] == 1.0
    (comparison,) = figures.comparisons
    assert comparison.control is Recipe.RANDOM
    assert comparison.gain["dev"].value == pytest.approx(0.5)
    assert comparison.gain["sealed"].value == 0.0


def test_the_bench_of_several_recipes_numbers_its_trials(material: Material, tmp_path: Path) -> None:
    told: list[str] = []
    few = material.config.model_copy(
        update={"training": material.config.training.model_copy(update={"max_steps": 1})}
    )
    bench = RepairBench(tmp_path / "b", lambda what, _: told.append(what))
    (found,) = asyncio.run(bench.run([material], [Recipe.PATCH], lambda _: few))
    assert found.rows == sum(found.roles.values())
    assert [what.rpartition(": ")[2] for what in dict.fromkeys(told)] == ["composing", "training", "scoring"]
