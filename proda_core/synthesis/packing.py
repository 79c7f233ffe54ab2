"""Choosing chains for the benchmark: a nearly edge-disjoint packing, its groups, and their split into dev and sealed.

A concept pair counts as one relation whatever its direction or type. Chains that share a pair are one group; a chain that
would make a group larger than ``MAX_GROUP`` is left out with its reason. Whole groups go to one split, stratified by
discipline and hops, so no relation is tested in both. TooFewGroups when no honest split is possible.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proda_core.errors import TooFewGroups
from proda_core.ids import digest, make_id
from proda_core.types import LeftOut, Split

MAX_GROUP = 3
SHORT_HOPS = 2
LONG_SHARE = (
    0.25  # of the items from longer chains, each of which takes relations that two short ones could use
)
GRAPH_SHARE = 0.5  # of the pairs may be tested once the items needed are there: scaffold walks need the rest
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Packable:
    """A chain that can carry items. ``cost`` orders equals (branching: how many ways a reader could go astray)."""

    chain_id: str
    pairs: frozenset[Pair]
    hops: int
    discipline: str
    items: int
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Chains that share a concept pair, directly or through another chain of the group."""

    group_id: str
    chains: tuple[Packable, ...]

    @property
    def items(self) -> int:
        return sum(chain.items for chain in self.chains)


@dataclass(frozen=True, slots=True)
class Packing:
    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def items(self) -> int:
        return sum(group.items for group in self.groups)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much to pack: up to ``items``; from ``least_items`` on no more than ``GRAPH_SHARE`` of ``graph_pairs``."""

    items: int
    least_items: int
    graph_pairs: int


def pack_chains(chains: Iterable[Packable], wanted: Wanted, *, seed: int) -> Packing:
    """Pack, ``LONG_SHARE`` of the items from long chains unless the least wanted is then out of reach.

    Chains that few others compete with go first, so that many fit; equals are ordered by cost and then by the seed.
    """
    pool = tuple(chains)
    mixed = _Packer(pool, wanted, seed).pack(LONG_SHARE)
    if mixed.items >= wanted.least_items:
        return mixed
    short = _Packer(pool, wanted, seed).pack(0.0)
    return short if short.items > mixed.items else mixed


class _Packer:
    """One greedy packing: long chains that share nothing, then short ones, then chains that join one small group."""

    def __init__(self, chains: Iterable[Packable], wanted: Wanted, seed: int) -> None:
        pool = sorted(chains, key=lambda c: c.chain_id)
        rivals = Counter(pair for chain in pool for pair in chain.pairs)

        def order(chain: Packable) -> tuple[float, float, str]:
            crowding = sum(rivals[pair] - 1 for pair in chain.pairs)
            return (crowding / chain.items, chain.cost, digest([seed, chain.chain_id]))

        self._queue = sorted(pool, key=order)
        self._wanted = wanted
        self._groups: list[list[Packable]] = []
        self._owner: dict[Pair, int] = {}
        self._reasons: dict[str, str] = {}
        self._items = 0

    def pack(self, long_share: float) -> Packing:
        long_items = int(long_share * self._wanted.least_items)
        self._pass([c for c in self._queue if c.hops > SHORT_HOPS], disjoint=True, limit=long_items)
        self._pass([c for c in self._queue if c.hops <= SHORT_HOPS], disjoint=True)
        for disjoint in (True, False):
            self._pass([c for c in self._queue if self._reasons[c.chain_id]], disjoint=disjoint)
        groups = [Group(make_id("n", *sorted(c.chain_id for c in g)), tuple(g)) for g in self._groups]
        left = tuple(LeftOut(key, reason) for key, reason in sorted(self._reasons.items()) if reason)
        return Packing(tuple(sorted(groups, key=lambda g: g.group_id)), left)

    def _pass(self, queue: Sequence[Packable], *, disjoint: bool, limit: int | None = None) -> None:
        for chain in queue:
            reason = self._enough(limit) or self._refusal(chain, disjoint=disjoint)
            self._reasons[chain.chain_id] = reason
            if not reason:
                self._place(chain)

    def _enough(self, limit: int | None) -> str:
        if self._items >= self._wanted.items or (limit is not None and self._items >= limit):
            return "enough_items"
        full = len(self._owner) >= GRAPH_SHARE * self._wanted.graph_pairs
        return "room_for_scaffold" if full and self._items >= self._wanted.least_items else ""

    def _refusal(self, chain: Packable, *, disjoint: bool) -> str:
        """Why a chain cannot join what is chosen, or ""."""
        touched = {self._owner[pair] for pair in chain.pairs if pair in self._owner}
        if not touched:
            return ""
        if disjoint:
            return "shares_a_relation"
        if len(touched) > 1:
            return "joins_two_groups"
        if len(self._groups[touched.pop()]) >= MAX_GROUP:
            return "group_too_large"
        return "" if chain.pairs - self._owner.keys() else "nothing_new"

    def _place(self, chain: Packable) -> None:
        touched = {self._owner[pair] for pair in chain.pairs if pair in self._owner}
        place = touched.pop() if touched else len(self._groups)
        if place == len(self._groups):
            self._groups.append([])
        self._groups[place].append(chain)
        self._owner.update(dict.fromkeys(chain.pairs, place))
        self._items += chain.items


def split_groups(
    groups: Sequence[Group], *, min_groups: int, sealed_share: float, seed: int
) -> dict[str, Split]:
    """Group ID to split. Within each stratum (discipline, most hops) the split that is behind its share gets the next group."""
    if len(groups) < min_groups:
        raise TooFewGroups(
            f"{len(groups)} independent chain groups, {min_groups} needed for a dev/sealed split; give a larger corpus or "
            f"lower benchmark.min_groups"
        )
    share = {Split.DEV: 1 - sealed_share, Split.SEALED: sealed_share}
    overall: Counter[Split] = Counter()
    strata: dict[tuple[str, int], list[Group]] = defaultdict(list)
    for group in groups:
        strata[group.chains[0].discipline, max(c.hops for c in group.chains)].append(group)
    found: dict[str, Split] = {}
    for _, members in sorted(strata.items()):
        within: Counter[Split] = Counter()
        for group in sorted(members, key=lambda g: (-g.items, digest([seed, g.group_id]))):
            ahead = {
                s: ((within[s] + group.items) / share[s], (overall[s] + group.items) / share[s])
                for s in share
            }
            split = min(share, key=lambda s: (*ahead[s], s.value))
            found[group.group_id] = split
            within[split] += group.items
            overall[split] += group.items
    return found
