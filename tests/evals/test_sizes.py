"""How many items a verdict needs: against simulation, a textbook's normal approximation, and what must hold of any power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from evals.sizes import POWER, design_effect, pairs_for_gain, pairs_for_margin, power
from evals.statistics import mcnemar, resampled


def test_the_power_of_a_size_is_how_often_simulated_pairs_are_significant() -> None:
    rng = np.random.default_rng(3)
    fixed, broken, _ = rng.multinomial(115, [0.21, 0.11, 0.68], size=2000).T
    found = np.mean([mcnemar(int(f), int(b)).improved <= 0.0125 for f, b in zip(fixed, broken, strict=True)])
    assert power(115, gain=0.10, differ=0.32, alpha=0.0125) == pytest.approx(float(found), abs=0.03)


def test_the_pairs_needed_are_near_the_textbooks_normal_approximation() -> None:
    # Connor 1987: n = (z_alpha sqrt(d) + z_beta sqrt(d - g^2))^2 / g^2
    gain, differ, alpha = 0.10, 0.32, 0.0167
    z_alpha, z_beta = norm.isf(alpha), norm.isf(1 - POWER)
    wanted = (z_alpha * differ**0.5 + z_beta * (differ - gain**2) ** 0.5) ** 2 / gain**2
    assert pairs_for_gain(gain=gain, differ=differ, alpha=alpha) == pytest.approx(wanted, rel=0.06)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.floats(0.01, 0.6), st.floats(0.01, 1.0), st.floats(1e-4, 0.2))
def test_without_a_gain_the_power_is_at_most_alpha(
    pairs: int, gain: float, differ: float, alpha: float
) -> None:
    assert power(pairs, gain=0.0, differ=differ, alpha=alpha) <= alpha + 1e-12
    found = power(pairs, gain=gain, differ=differ, alpha=alpha)
    assert 0 <= power(pairs, gain=gain / 2, differ=differ, alpha=alpha) <= found + 1e-9 <= 1 + 2e-9


def test_nothing_to_spend_finds_nothing() -> None:
    assert power(500, gain=0.5, differ=0.5, alpha=0.0) == 0


def test_the_pairs_for_a_margin_show_it_as_often_as_they_say() -> None:
    pairs = pairs_for_margin(margin=0.10, differ=0.30, error=0.067)
    rng, shown = np.random.default_rng(5), 0
    for trial in range(300):
        values = rng.choice([-1, 0, 1], size=pairs, p=[0.15, 0.7, 0.15])
        found = resampled({str(k): [int(v)] for k, v in enumerate(values)}, seed=trial, resamples=400)
        shown += found.at(1 - 2 * 0.067).low > -0.10
    assert shown / 300 == pytest.approx(POWER, abs=0.07)


def test_groups_that_move_as_one_count_as_one() -> None:
    assert design_effect({str(k): [1, 1] for k in range(9)}) == pytest.approx(2.0)
    assert design_effect({str(k): [1] for k in range(9)}) == 1.0
    assert design_effect({"a": [1, -1], "b": [1, -1]}) == 1.0
    assert design_effect({}) == 1.0
