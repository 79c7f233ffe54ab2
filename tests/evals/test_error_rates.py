"""Simulated sessions: what they are drawn from, that nothing better is hardly ever accepted, and that true gains are found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.error_rates import (
    MEASURED,
    Look,
    Noise,
    Plan,
    Population,
    SetNoise,
    benchmark_like_the_demos,
    found_of,
    noise_of,
    null_of,
    simulate,
)
from evals.error_rates.study import share
from evals.error_rates.trainings import spread
from evals.pairing import pair_split
from evals.summary import accuracy
from mcp_server.benching_verdict import bench_verdict
from proda_core.config import config_from
from proda_core.errors import BenchmarkError, ConfigError
from proda_core.types import Split
from tests.sessions import FinishedSession, tree

DEMO = Population.of(benchmark_like_the_demos(), 120)


def quiet(_what: str, _progress: object) -> None:
    return None


def plan(
    gain: float = 0.0, *, noise: Noise = MEASURED, population: Population = DEMO, **sections: Any
) -> Plan:
    wanted = {"dev": gain, "sealed": gain} if gain else {}
    return Plan(population, noise, config_from(sections), wanted)


def looks_of(one: Plan, seed: int = 0) -> tuple[Look, ...]:
    return simulate(one, np.random.default_rng(seed))


def test_simulated_models_are_as_often_right_and_differ_as_often_as_the_noise_says() -> None:
    large = Population.of(benchmark_like_the_demos(8000, 20), 20)
    lucks = large.draw(MEASURED, 2, np.random.default_rng(1))
    one, other = (lucks.report(model, f"a_{model}", {}) for model in (0, 1))
    pairing = pair_split(one, other, large.benchmark, Split.DEV)
    assert accuracy(one.dev).value == pytest.approx(MEASURED.dev.accuracy, abs=0.02)
    assert (pairing.fixed + pairing.broken) / 8000 == pytest.approx(MEASURED.dev.differ, abs=0.02)


def test_a_true_gain_is_what_the_accuracy_rises_by() -> None:
    large = Population.of(benchmark_like_the_demos(8000, 20), 20)
    lucks = large.draw(MEASURED, 1, np.random.default_rng(2))
    easier = lucks.report(0, "a_1", {"dev": MEASURED.dev.shift(0.10)})
    assert accuracy(easier.dev).value - accuracy(lucks.report(0, "a_0", {}).dev).value == pytest.approx(
        0.10, abs=0.02
    )


def test_items_of_a_group_come_right_together_where_the_noise_says_so() -> None:
    large = Population.of(benchmark_like_the_demos(4000, 20), 20)

    def moved(together: float) -> float:
        lucks = large.draw(MEASURED.together(together), 2, np.random.default_rng(3))
        pairing = pair_split(
            lucks.report(0, "a_0", {}), lucks.report(1, "a_1", {}), large.benchmark, Split.DEV
        )
        first, second = np.array(list(pairing.by_group().values())).T
        return float(np.corrcoef(first, second)[0, 1])

    assert moved(0.0) == pytest.approx(0.0, abs=0.06)
    assert moved(0.8) > 0.3


@pytest.mark.parametrize("wrong", [(0.3, 0.5, 0.0), (0.3, 0.0, 0.0), (0.3, 0.2, 1.0)])
def test_a_noise_that_cannot_be_is_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(BenchmarkError, match="cannot differ"):
        SetNoise(*wrong)


def test_the_noise_of_a_sessions_models_is_read_from_their_reports() -> None:
    large = Population.of(benchmark_like_the_demos(3000, 3000), 3000)
    truth = Noise(SetNoise(0.6, 0.25, 0.5), SetNoise(0.4, 0.30, 0.5), SetNoise(0.8, 0.20))
    lucks = large.draw(truth, 2, np.random.default_rng(4))
    found = noise_of(large.benchmark, [lucks.report(model, f"a_{model}", {}) for model in (0, 1)])
    for name in ("dev", "sealed", "general"):
        assert getattr(found, name).accuracy == pytest.approx(getattr(truth, name).accuracy, abs=0.03)
        assert getattr(found, name).differ == pytest.approx(getattr(truth, name).differ, abs=0.04)
    assert found.dev.together > 0.3
    assert found.general.together == 0.0


def test_one_model_alone_gives_its_accuracy_and_the_noise_as_measured() -> None:
    lucks = DEMO.draw(MEASURED, 1, np.random.default_rng(5))
    found = noise_of(DEMO.benchmark, [lucks.report(0, "a_0", {})])
    right = found.dev.accuracy
    measured = MEASURED.dev.differ / (2 * MEASURED.dev.accuracy * (1 - MEASURED.dev.accuracy))
    assert found.dev.differ == pytest.approx(measured * 2 * right * (1 - right))


def test_a_simulated_session_ends_when_the_policy_says_so() -> None:
    hopeless = {"verdict": {"alpha": 1e-9}, "budget": {"rounds": 6}}
    assert len(looks_of(plan(policy={"max_rejections": 2}, **hopeless))) == 2
    assert (
        len(looks_of(plan(policy={"max_rejections": 9, "min_patchable": 1}, **hopeless))) == 3
    )  # of max_verdicts
    assert (
        len(looks_of(plan(policy={"max_rejections": 9}, verdict={"alpha": 1e-9}, budget={"rounds": 1}))) == 1
    )


def test_once_a_better_candidate_was_accepted_nothing_more_is_better() -> None:
    found = looks_of(plan(0.40, policy={"max_rejections": 9}), seed=1)
    assert [look.better for look in found] == [True, False, False]
    assert found[0].accepted


def test_the_same_seed_gives_the_same_session_and_another_one_another() -> None:
    several = [looks_of(plan(0.12), seed) for seed in range(6)]
    assert several == [looks_of(plan(0.12), seed) for seed in range(6)]
    assert len(set(several)) > 1


MANY_LOOKS: Mapping[str, Any] = {
    "verdict": {"max_verdicts": 8, "sealed_margin": 0.99, "general_margin": 0.99},  # dev alone decides
    "policy": {"max_rejections": 99, "min_patchable": 1},
    "budget": {"rounds": 8},
}


def test_sessions_of_many_looks_at_nothing_better_accept_hardly_ever() -> None:
    """With all of alpha at every look one in eight of these sessions accepts something."""
    small = Population.of(benchmark_like_the_demos(115, 12), 12)
    found = null_of("", plan(population=small, **MANY_LOOKS), 60, seed=7, tell=quiet)
    assert found.looks > 6
    assert found.false_accepts.value <= 0.05


@pytest.mark.slow
def test_whole_sessions_at_the_demos_size_keep_the_error_rate_in_whatever_groups_items_move() -> None:
    patient = {"policy": {"max_rejections": 9}}
    for together in (0.15, 0.9):
        one = plan(noise=MEASURED.together(together), **patient)
        found = null_of("", one, 400, seed=8, tell=quiet)
        assert found.false_accepts.value <= 0.03


def test_a_large_true_gain_is_found_and_a_small_one_seldom() -> None:
    assert found_of(plan(0.30), 20, seed=9, tell=quiet).first_round.value >= 0.85
    assert found_of(plan(0.02), 20, seed=9, tell=quiet).first_round.value <= 0.15


def test_a_share_has_clopper_and_pearsons_interval() -> None:
    none, all_ = share(0, 2000), share(20, 20)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 2000))
    assert (none.value, none.low, all_.high) == (0.0, 0.0, 1.0)


def test_a_study_gives_every_figure_and_writes_it(tmp_path: Path) -> None:
    told: list[str] = []

    def run(out: Path) -> dict[str, Any]:
        work = bench_verdict(
            None,
            simulated=3,
            trainings=0,
            seed=1,
            overrides={},
            out=out,
            tell=lambda what, _progress: told.append(what),
        )
        return asyncio.run(work)

    found = run(tmp_path)
    assert json.loads((tmp_path / "verdict.json").read_text()) == json.loads(json.dumps(found))
    simulated = found["simulated"]
    assert len(simulated["nulls"]) == len({row["name"] for row in simulated["nulls"]}) == 6
    assert [row["gain"] for row in simulated["power"]][-1] == 0.20
    assert simulated["at_needed"]["items"] == simulated["needed"] > 115
    assert {row["name"] for row in simulated["nulls"]} < set(told)
    assert run(tmp_path / "again") == found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trainings": 2}, "trainings need a session"),
        ({"simulated": 0}, "ask for simulated sessions"),
        ({"overrides": {"training": {"epochs": 2}}}, "not 'training'"),
    ],
)
def test_what_the_bench_cannot_do_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"simulated": 2, "trainings": 0, "seed": 0, "overrides": {}, **changes}
    with pytest.raises(ConfigError, match=said):
        asyncio.run(bench_verdict(None, out=tmp_path, tell=quiet, **asked))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_trainings_of_v1_under_other_seeds_are_judged_and_found_done_again(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder, before = finished_session.folder, tree(finished_session.folder.root)

    def run() -> dict[str, Any]:
        work = bench_verdict(folder, simulated=2, trainings=2, seed=0, overrides={}, out=tmp_path, tell=quiet)
        return asyncio.run(work)

    found = run()
    made = found["trainings"]["trainings"]
    assert len({one["adapter_id"] for one in made}) == len({one["seed"] for one in made}) == 2
    assert found["trainings"]["false_accepts"]["n"] == 2
    assert found["simulated"]["noise"]["dev"]["accuracy"] > 0
    assert tree(folder.root) == before
    results = {name: at for name, at in tree(tmp_path).items() if name.endswith("result.json")}
    assert len(results) == 4
    assert run() == found
    assert {name: at for name, at in tree(tmp_path).items() if name.endswith("result.json")} == results


def test_trainings_that_differ_as_a_whole_spread_more_than_their_groups_explain() -> None:
    lucks = DEMO.draw(MEASURED.together(0.0), 12, np.random.default_rng(6))
    alike = [lucks.report(model, f"a_{model}", {}) for model in range(12)]
    uneven = [
        lucks.report(model, f"a_{model}", {"dev": MEASURED.dev.shift(0.04 * model)}) for model in range(12)
    ]
    assert spread(DEMO.benchmark, alike) == pytest.approx(1.0, abs=0.8)
    assert (spread(DEMO.benchmark, uneven) or 0) > 3
    assert spread(DEMO.benchmark, alike[:1]) is None
