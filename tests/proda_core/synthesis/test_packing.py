"""Packing and split: properties over any set of chains."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proda_core.errors import TooFewGroups
from proda_core.synthesis.packing import (
    MAX_GROUP,
    Packable,
    Wanted,
    pack_chains,
    split_groups,
)
from proda_core.types import Split

NODES = [f"c{n:02d}" for n in range(14)]


@st.composite
def chains(draw: st.DrawFn) -> list[Packable]:
    walks = draw(st.lists(st.lists(st.sampled_from(NODES), min_size=3, max_size=4, unique=True), max_size=30))
    made = {}
    for walk in walks:
        pairs = frozenset((min(a, b), max(a, b)) for a, b in pairwise(walk))
        key = "-".join(walk)
        made[key] = Packable(
            key, pairs, len(walk) - 1, draw(st.sampled_from(["006", "011"])), draw(st.integers(1, 2))
        )
    return list(made.values())


def wanted(items: int = 10_000) -> Wanted:
    return Wanted(items=items, least_items=items, graph_pairs=100)


@given(chains(), st.integers(0, 5))
@settings(max_examples=120, deadline=None)
def test_no_pair_is_in_two_groups_and_every_chain_is_packed_or_left_out_with_a_reason(
    pool: list[Packable], seed: int
) -> None:
    packing = pack_chains(pool, wanted(), seed=seed)
    owners = Counter(pair for g in packing.groups for pair in {p for c in g.chains for p in c.pairs})
    assert all(count == 1 for count in owners.values())
    packed = [c.chain_id for g in packing.groups for c in g.chains]
    left = [one.chain_id for one in packing.left_out]
    assert sorted(packed + left) == sorted(c.chain_id for c in pool)
    assert all(one.reason for one in packing.left_out)


@given(chains(), st.integers(0, 5))
@settings(max_examples=120, deadline=None)
def test_a_group_is_small_and_hangs_together_by_shared_pairs(pool: list[Packable], seed: int) -> None:
    for group in pack_chains(pool, wanted(), seed=seed).groups:
        assert len(group.chains) <= MAX_GROUP
        joined, rest = set(group.chains[0].pairs), list(group.chains[1:])
        while fitting := [c for c in rest if c.pairs & joined]:
            joined |= {p for c in fitting for p in c.pairs}
            rest = [c for c in rest if c not in fitting]
        assert not rest


@given(chains(), st.integers(0, 5), st.floats(0.2, 0.8))
@settings(max_examples=80, deadline=None)
def test_groups_go_whole_to_one_split_and_no_pair_straddles(
    pool: list[Packable], seed: int, share: float
) -> None:
    packing = pack_chains(pool, wanted(), seed=seed)
    splits = split_groups(packing.groups, min_groups=0, sealed_share=share, seed=seed)
    assert set(splits) == {g.group_id for g in packing.groups}
    sides = {
        s: {p for g in packing.groups if splits[g.group_id] is s for c in g.chains for p in c.pairs}
        for s in Split
    }
    assert not sides[Split.DEV] & sides[Split.SEALED]


@given(chains(), st.integers(0, 5), st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_chains_does_not_matter(pool: list[Packable], seed: int, rng: Random) -> None:
    shuffled = list(pool)
    rng.shuffle(shuffled)
    assert pack_chains(pool, wanted(), seed=seed) == pack_chains(shuffled, wanted(), seed=seed)


def _apart(count: int, discipline: str = "006") -> list[Packable]:
    return [_chain(f"{discipline}-{n}", discipline) for n in range(count)]


def _chain(name: str, discipline: str) -> Packable:
    return Packable(name, frozenset({(f"{name}a", f"{name}b"), (f"{name}b", f"{name}c")}), 2, discipline, 2)


def test_strata_are_split_evenly() -> None:
    packing = pack_chains([*_apart(20, "006"), *_apart(10, "011")], wanted(), seed=1)
    splits = split_groups(packing.groups, min_groups=2, sealed_share=0.5, seed=1)
    counts = Counter((splits[g.group_id], g.chains[0].discipline) for g in packing.groups)
    assert counts == {
        (Split.DEV, "006"): 10,
        (Split.SEALED, "006"): 10,
        (Split.DEV, "011"): 5,
        (Split.SEALED, "011"): 5,
    }


def test_too_few_groups_is_a_typed_error_that_says_how_many() -> None:
    packing = pack_chains(_apart(3), wanted(), seed=0)
    with pytest.raises(TooFewGroups, match="3 independent chain groups, 20 needed"):
        split_groups(packing.groups, min_groups=20, sealed_share=0.5, seed=0)


def test_a_chain_that_would_make_a_group_too_large_is_left_out_with_that_reason() -> None:
    hub = [Packable(f"g{n}", frozenset({("hub", "rim"), ("rim", f"end{n}")}), 2, "006", 2) for n in range(6)]
    packing = pack_chains(hub, wanted(), seed=0)
    assert [len(g.chains) for g in packing.groups] == [MAX_GROUP]
    assert {one.reason for one in packing.left_out} == {"group_too_large"}


def test_once_the_items_needed_are_there_half_of_the_graph_is_left_for_scaffold() -> None:
    packing = pack_chains(_apart(20), Wanted(items=40, least_items=10, graph_pairs=40), seed=0)
    assert sum(len(g.chains) for g in packing.groups) == 10
    assert {one.reason for one in packing.left_out} == {"room_for_scaffold"}


def test_long_chains_give_way_when_the_items_needed_would_not_be_reached() -> None:
    short = [
        Packable(f"s{n}", frozenset({(f"a{n}", f"b{n}"), (f"b{n}", f"c{n}")}), 2, "006", 2) for n in range(4)
    ]
    long = [Packable("l0", frozenset({("a0", "b0"), ("a1", "b1"), ("a2", "b2")}), 3, "006", 2)]
    packing = pack_chains([*short, *long], Wanted(items=8, least_items=8, graph_pairs=8), seed=0)
    assert packing.items == 8
