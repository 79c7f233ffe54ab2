"""The statistics against published examples, scipy, and what they promise over many sessions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from evals.statistics import (
    clustered_mcnemar,
    gain_interval,
    holm,
    mcnemar,
    next_share,
    wilson,
)
from proda_core.errors import BenchmarkError


def test_mcnemar_gives_the_p_of_the_textbook_examples() -> None:
    # Agresti, Categorical Data Analysis: approval ratings, 150 against 86 discordant; z squared 17.36.
    assert mcnemar(150, 86).two_sided == pytest.approx(3.7e-5, rel=0.05)
    # Sign test on 9 against 1 discordant pairs: 2 * 11 / 1024.
    assert mcnemar(9, 1).two_sided == pytest.approx(22 / 1024)
    assert mcnemar(9, 1).improved == pytest.approx(11 / 1024)
    assert mcnemar(1, 9).improved == pytest.approx(1023 / 1024)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_scipys_exact_binomial_test(fixed: int, broken: int) -> None:
    found = mcnemar(fixed, broken)
    if fixed + broken == 0:
        assert (found.two_sided, found.improved) == (1.0, 1.0)
        return
    assert found.two_sided == pytest.approx(binomtest(fixed, fixed + broken).pvalue, abs=1e-12)
    greater = binomtest(fixed, fixed + broken, alternative="greater").pvalue
    assert found.improved == pytest.approx(greater, abs=1e-12)


@given(st.lists(st.sampled_from([-1, 0, 1]), max_size=40))
def test_clustered_mcnemar_is_mcnemar_when_every_group_has_one_item(differences: list[int]) -> None:
    groups = {str(place): [value] for place, value in enumerate(differences)}
    plain = mcnemar(differences.count(1), differences.count(-1)).improved
    assert clustered_mcnemar(groups) == pytest.approx(plain, abs=1e-9)


def test_clustered_mcnemar_counts_a_group_once_however_many_items_it_has() -> None:
    # Four groups of three items, all fixed together: 12 items, but only 2 ** -4.
    groups = {str(place): [1, 1, 1] for place in range(4)}
    assert clustered_mcnemar(groups) == pytest.approx(1 / 16)
    assert mcnemar(12, 0).improved == pytest.approx(2**-12)


def test_clustered_mcnemar_equals_the_enumeration_of_all_sign_flips() -> None:
    groups = {"a": [1, 1], "b": [1, 0], "c": [-1], "d": [1, 1, 1], "e": [-1, 1], "f": [1, -1, -1]}
    sums = [sum(values) for values in groups.values()]
    observed = sum(sums)
    flips = np.array(np.meshgrid(*[[-1, 1]] * len(sums))).reshape(len(sums), -1)
    share = float(np.mean(np.abs(sums) @ flips >= observed))
    assert clustered_mcnemar(groups) == pytest.approx(share)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_published_limits(right: int, n: int, low: float, high: float) -> None:
    found = wilson(right, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert (found.value, found.n) == (right / n, n)


@given(st.integers(1, 300), st.data())
def test_wilson_equals_scipys_interval(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n))
    found, other = wilson(right, n), binomtest(right, n).proportion_ci(method="wilson")
    assert found.low == pytest.approx(other.low, abs=1e-9)
    assert found.high == pytest.approx(other.high, abs=1e-9)
    assert found.low <= found.value <= found.high


def test_wilson_of_nothing_knows_nothing_and_of_the_impossible_is_refused() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high, wilson(0, 0).n) == (0.0, 1.0, 0)
    with pytest.raises(BenchmarkError, match="5 right of 4"):
        wilson(5, 4)


def test_a_gain_interval_is_seeded_and_wider_when_items_come_in_groups() -> None:
    rng = np.random.default_rng(3)
    per_group = rng.choice([-1, 0, 1], size=40, p=[0.2, 0.5, 0.3])
    single = {f"{g}.{k}": [int(per_group[g])] for g in range(40) for k in range(3)}
    grouped = {str(g): [int(per_group[g])] * 3 for g in range(40)}
    narrow, wide = gain_interval(single, seed=1), gain_interval(grouped, seed=1)
    assert gain_interval(grouped, seed=1) == wide
    assert narrow.value == pytest.approx(wide.value)
    assert (wide.high - wide.low) > 1.4 * (narrow.high - narrow.low)
    assert (narrow.n, wide.n) == (120, 120)


def test_no_discordant_pairs_do_not_look_certain() -> None:
    few = gain_interval({str(place): [0] for place in range(12)}, seed=0)
    many = gain_interval({str(place): [0] for place in range(400)}, seed=0)
    assert few.low < -0.1 < many.low < 0


def test_a_gain_interval_of_no_pairs_spans_everything() -> None:
    found = gain_interval({}, seed=0)
    assert (found.low, found.high, found.n) == (-1.0, 1.0, 0)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=3),
        st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=4),
        min_size=1,
        max_size=12,
    )
)
def test_a_gain_interval_holds_its_point_and_stays_in_range(groups: dict[str, list[int]]) -> None:
    found = gain_interval(groups, seed=2, resamples=200)
    assert -1 <= found.low <= found.value <= found.high <= 1


def test_a_gain_interval_covers_the_true_gain() -> None:
    rng = np.random.default_rng(11)
    true, hits, trials = 0.1, 0, 200
    for trial in range(trials):
        values = rng.choice([-1, 0, 1], size=(50, 1), p=[0.1, 0.7, 0.2]).repeat(2, axis=1)
        groups = {str(g): [int(v) for v in row] for g, row in enumerate(values)}
        found = gain_interval(groups, seed=trial, resamples=500)
        hits += found.low <= true <= found.high
    assert hits / trials >= 0.90


def test_holm_rejects_step_by_step() -> None:
    # Holm 1979: the smallest against alpha / m, the next against alpha / (m - 1), until one fails.
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}
    assert holm(p, 0.05) == ("d", "a")
    assert holm({"a": 0.013, "b": 0.02, "c": 0.9, "d": 0.9}, 0.05) == ()
    assert holm({}, 0.05) == ()


def test_an_error_rate_is_spent_once_over_all_looks() -> None:
    shares = [next_share([False] * before, 4) for before in range(7)]
    assert shares == [0.25] * 4 + [0.0] * 3
    with pytest.raises(BenchmarkError, match="over 0 verdicts"):
        next_share([], 0)


def test_a_verdict_that_accepts_hands_on_what_it_had() -> None:
    assert next_share([True], 4) == pytest.approx(0.5)
    assert next_share([True, True], 4) == pytest.approx(0.75)
    assert next_share([True, False], 4) == pytest.approx(0.25)
    assert next_share([False, False, False, True], 4) == pytest.approx(
        0.25
    )  # beyond the last part of its own


@given(st.lists(st.booleans(), max_size=9), st.integers(1, 5))
def test_what_the_rejections_spent_and_what_is_left_never_exceed_the_whole(
    before: list[bool], looks: int
) -> None:
    spent = sum(next_share(before[:n], looks) for n, accepted in enumerate(before) if not accepted)
    assert spent + next_share(before, looks) <= 1 + 1e-9
