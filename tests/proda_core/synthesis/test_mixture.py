"""Mixtures: roles, shares, disjoint replay, facts retaught, and what happens when replay runs short."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proda_core.config import MixtureConfig
from proda_core.errors import ReplayTooSmall
from proda_core.guard import LineageIndex, check_mixture, general_examples, sealed_pairs
from proda_core.synthesis.benchmark import BenchmarkBuild
from proda_core.synthesis.examples import ExampleSet
from proda_core.synthesis.mixture import (
    Ingredients,
    compose_patch,
    compose_replay,
    compose_v1,
    general_rows,
    general_rows_wanted,
)
from proda_core.synthesis.patches import PatchSet
from proda_core.types import Example, ExampleKind, Mixture, Role, Split
from tests.proda_core.synthesis.conftest import MIXTURE

TAUGHT = (Role.PATCH, Role.CARRIED, Role.SCAFFOLD)


@pytest.fixture(scope="module")
def general() -> tuple[Example, ...]:
    return general_examples(seed=1, count=general_rows_wanted(MIXTURE))


@pytest.fixture(scope="module")
def parts(examples: ExampleSet, general: tuple[Example, ...], patch: PatchSet) -> Ingredients:
    return Ingredients(examples.rows, general, patch.rows)


@pytest.fixture(scope="module")
def mixture(parts: Ingredients, index: LineageIndex, build: BenchmarkBuild) -> Mixture:
    return compose_patch(parts, MIXTURE, index=index, benchmark=build.benchmark, seed=5)


def pairs(mixture: Mixture, index: LineageIndex, *roles: Role) -> frozenset[tuple[str, str]]:
    return index.pairs(r for row in mixture.rows if row.role in roles for r in row.example.lineage.l2_ids)


def roles(mixture: Mixture) -> Counter[Role]:
    return Counter(row.role for row in mixture.rows)


def test_v1_holds_every_initial_example_and_the_general_rows(
    examples: ExampleSet, general: tuple[Example, ...], index: LineageIndex, build: BenchmarkBuild
) -> None:
    made = compose_v1(examples.rows, general, benchmark=build.benchmark, seed=0)
    held = {row.example.example_id: row.role for row in made.rows}
    assert all(held[row.example_id] is Role.REPLAY for row in examples.rows)
    assert set(held.values()) == {Role.REPLAY, Role.GENERAL}
    assert check_mixture(made, index, build.benchmark) == ()


def test_general_rows_of_a_round_are_none_by_heart_and_some_of_v1s_are() -> None:
    def unfounded(*, by_heart: bool) -> int:
        """Rows with neither a text to answer from nor the words to repeat."""
        asked = [row.messages for row in general_rows(3, 150, by_heart=by_heart)]
        return sum("\n\n" not in q.content and a.content not in q.content for q, a in asked)

    assert unfounded(by_heart=True) > 10
    assert unfounded(by_heart=False) == 0


def test_a_patch_mixture_passes_the_guard_and_keeps_its_shares(
    mixture: Mixture, index: LineageIndex, build: BenchmarkBuild
) -> None:
    assert check_mixture(mixture, index, build.benchmark) == ()
    counts = roles(mixture)
    taught = sum(counts[role] for role in TAUGHT)
    assert taught <= MIXTURE.patch_share * len(mixture.rows) + 1
    assert counts[Role.GENERAL] == int(MIXTURE.rows * MIXTURE.general_share)
    assert counts[Role.PATCH] and counts[Role.SCAFFOLD]


def test_replay_shares_no_pair_with_what_is_taught(mixture: Mixture, index: LineageIndex) -> None:
    assert not pairs(mixture, index, Role.REPLAY) & pairs(mixture, index, *TAUGHT)


def test_taught_relations_are_retaught_as_single_facts_with_them(
    mixture: Mixture, index: LineageIndex
) -> None:
    told = [r.example for r in mixture.rows if r.role in TAUGHT and r.example.kind is ExampleKind.RELATION]
    assert told
    facts = index.pairs(r for row in told for r in row.lineage.l2_ids)
    taught = pairs(mixture, index, *TAUGHT)
    assert facts <= taught
    assert len(facts) > 0.5 * len(taught)


def test_replay_is_spread_over_the_relations_left(
    mixture: Mixture, index: LineageIndex, examples: ExampleSet
) -> None:
    taught = pairs(mixture, index, *TAUGHT)
    free = {
        p
        for row in examples.rows
        for p in index.pairs(row.lineage.l2_ids)
        if not index.pairs(row.lineage.l2_ids) & taught
    }
    assert pairs(mixture, index, Role.REPLAY) == free


def test_carried_rows_lose_their_role_and_come_again(
    parts: Ingredients, patch: PatchSet, index: LineageIndex, build: BenchmarkBuild
) -> None:
    with_carried = Ingredients(parts.examples, parts.general, patch.rows[:40], patch.rows[40:])
    made = compose_patch(with_carried, MIXTURE, index=index, benchmark=build.benchmark, seed=5)
    assert roles(made)[Role.CARRIED]
    assert check_mixture(made, index, build.benchmark) == ()


def test_a_replay_round_has_no_new_patch_and_more_replay_and_general_rows(
    parts: Ingredients, patch: PatchSet, mixture: Mixture, index: LineageIndex, build: BenchmarkBuild
) -> None:
    carried = Ingredients(parts.examples, parts.general, patch.rows, patch.rows)
    made = compose_replay(carried, MIXTURE, index=index, benchmark=build.benchmark, seed=5)
    counts, before = roles(made), roles(mixture)
    assert counts[Role.PATCH] == counts[Role.SCAFFOLD] == 0
    assert counts[Role.REPLAY] > before[Role.REPLAY]
    assert counts[Role.GENERAL] > before[Role.GENERAL]
    assert check_mixture(made, index, build.benchmark) == ()


def test_a_replay_round_repeats_what_was_lost_more_often(
    parts: Ingredients, index: LineageIndex, build: BenchmarkBuild
) -> None:
    item = build.benchmark.of(Split.DEV)[0]
    lost_pairs = index.pairs(item.l2_ids)

    def often(lost: tuple[str, ...]) -> int:
        held = Ingredients(parts.examples, parts.general, lost_items=lost)
        made = compose_replay(held, MixtureConfig(rows=300), index=index, benchmark=build.benchmark, seed=5)
        return sum(bool(index.pairs(row.example.lineage.l2_ids) & lost_pairs) for row in made.rows)

    assert often((item.item_id,)) > often(())


def test_lost_sealed_items_weigh_nothing(
    parts: Ingredients, index: LineageIndex, build: BenchmarkBuild
) -> None:
    sealed = build.benchmark.of(Split.SEALED)[0]
    made = [
        compose_replay(
            Ingredients(parts.examples, parts.general, lost_items=lost),
            MIXTURE,
            index=index,
            benchmark=build.benchmark,
            seed=5,
        )
        for lost in ((), (sealed.item_id,))
    ]
    assert made[0].digest == made[1].digest


def test_short_replay_makes_a_smaller_mixture_that_says_so(
    parts: Ingredients, index: LineageIndex, build: BenchmarkBuild
) -> None:
    few = Ingredients(parts.examples, parts.general, parts.patch)
    config = MixtureConfig(rows=4000, min_replay_share=0.1)
    made = compose_patch(few, config, index=index, benchmark=build.benchmark, seed=5)
    assert len(made.rows) < 4000
    assert "wanted" in made.notes["replay_short"]
    assert check_mixture(made, index, build.benchmark) == ()


def test_too_little_replay_is_refused_and_never_topped_up(
    parts: Ingredients, index: LineageIndex, build: BenchmarkBuild, mixture: Mixture
) -> None:
    taught = pairs(mixture, index, *TAUGHT)
    overlapping = [row for row in parts.examples if index.pairs(row.lineage.l2_ids) & taught]
    only = Ingredients(overlapping[:120], parts.general, parts.patch)
    config = MixtureConfig(rows=400, min_replay_share=0.6)
    with pytest.raises(ReplayTooSmall, match="concept pairs"):
        compose_patch(only, config, index=index, benchmark=build.benchmark, seed=5)


def test_no_taught_row_is_under_the_seal_even_if_a_carried_one_was(
    parts: Ingredients, index: LineageIndex, build: BenchmarkBuild, mixture: Mixture
) -> None:
    sealed = sealed_pairs(build.benchmark, index.snapshot)
    assert not pairs(mixture, index, *TAUGHT) & sealed
    assert pairs(mixture, index, Role.REPLAY) & sealed  # taught like any other knowledge


def test_the_digest_is_the_same_for_the_same_parts_in_any_order(
    parts: Ingredients, index: LineageIndex, build: BenchmarkBuild, mixture: Mixture
) -> None:
    turned = Ingredients(tuple(reversed(parts.examples)), parts.general, tuple(reversed(parts.patch)))
    again = compose_patch(turned, MIXTURE, index=index, benchmark=build.benchmark, seed=5)
    assert (again.mixture_id, again.digest) == (mixture.mixture_id, mixture.digest)
    other = compose_patch(parts, MIXTURE, index=index, benchmark=build.benchmark, seed=6)
    assert other.digest != mixture.digest


@given(st.integers(0, 40), st.integers(40, 800), st.floats(0.05, 0.6))
@settings(max_examples=12, deadline=None)
def test_whatever_the_size_replay_stays_disjoint(
    parts: Ingredients, index: LineageIndex, build: BenchmarkBuild, seed: int, rows: int, share: float
) -> None:
    config = MixtureConfig(rows=rows, patch_share=share, min_replay_share=0.0)
    made = compose_patch(parts, config, index=index, benchmark=build.benchmark, seed=seed)
    assert not pairs(made, index, Role.REPLAY) & pairs(made, index, *TAUGHT)
    assert len({row.example.example_id for row in made.rows}) == len(made.rows)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.45, 0.7])
def test_general_rows_suffice_for_either_kind_of_round(share: float) -> None:
    config = MixtureConfig(rows=1000, general_share=share)
    assert general_rows_wanted(config) > 1000 * share
    assert general_rows_wanted(config) > 1000 * min(0.5, 1.5 * share)
