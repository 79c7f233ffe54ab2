"""Composing Mixtures: which rows one training run sees, in which roles, under one digest.

V1 takes every initial Example and general rows. A patch mixture takes patch, carried and scaffold rows, the initial Examples of
exactly the relations those touch (or the model would forget the single facts), replay that shares no concept pair with
any of them (G2), and general rows. Too little replay makes a smaller mixture, noted, or ReplayTooSmall; nothing tops it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from proda_core.config import MixtureConfig
from proda_core.errors import ReplayTooSmall
from proda_core.general import ALL_KINDS, PRACTISED_KINDS
from proda_core.guard.general_rows import general_examples
from proda_core.guard.lineage import LineageIndex
from proda_core.guard.sealed import sealed_pairs
from proda_core.ids import make_id
from proda_core.records import mixture_digest
from proda_core.synthesis.sampling import Pair, sample_balanced
from proda_core.types import Benchmark, Example, Mixture, MixtureRow, Role

CORE_SHARE = 0.6  # of the taught rows may be patch, carried and scaffold rows as written; the rest reteaches their facts
_ROOM = {Role.PATCH: 0.5, Role.CARRIED: 0.6, Role.SCAFFOLD: 1.0}  # of what is left, in this order
GENERAL_DIFFICULTY = 1  # short contexts: more rows in the same time, and what a small base can still follow
GENERAL_SEED = (
    7919  # general rows of a session: its seed plus this, the same rows first in every round's mixture
)
REPLAY_ROUND_PATCH = 0.5  # a replay round carries half the patch share ...
REPLAY_ROUND_GENERAL = 1.5  # ... and half as many general rows again, to half of all


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a mixture is composed of. ``general`` holds at least as many rows as are wanted; ``carried`` rows keep no role."""

    examples: Sequence[Example]
    general: Sequence[Example]
    patch: Sequence[MixtureRow] = ()
    carried: Sequence[MixtureRow] = ()
    lost_items: Sequence[str] = field(default_factory=tuple)  # dev item IDs once right and now wrong


@dataclass(frozen=True, slots=True)
class Shares:
    """Rows wanted of each part."""

    taught: int
    general: int
    replay: int


def compose_v1(
    examples: Iterable[Example],
    general: Iterable[Example],
    *,
    benchmark: Benchmark,
    seed: int,
) -> Mixture:
    """Every initial Example as replay, and the general rows."""
    rows = [MixtureRow(Role.REPLAY, row) for row in examples]
    rows += [MixtureRow(Role.GENERAL, row) for row in general]
    return _mixed(rows, benchmark, seed, {"composed": "v1"})


def compose_again(
    examples: Sequence[Example],
    general: Iterable[Example],
    *,
    rows: int,
    index: LineageIndex,
    benchmark: Benchmark,
    seed: int,
) -> Mixture:
    """A balanced sample of ``rows`` Examples as replay, and the general rows: a round without any patch."""
    chosen = sample_balanced(
        examples,
        rows,
        pairs_of=lambda row: index.pairs(row.lineage.l2_ids),
        first=frozenset(),
        rng=Random(f"{seed}:again"),
    )
    taught = [MixtureRow(Role.REPLAY, row) for row in chosen]
    return _mixed(
        [*taught, *(MixtureRow(Role.GENERAL, row) for row in general)], benchmark, seed, {"composed": "again"}
    )


def compose_patch(
    parts: Ingredients, config: MixtureConfig, *, index: LineageIndex, benchmark: Benchmark, seed: int
) -> Mixture:
    """The mixture of a patch round. ReplayTooSmall when too little is left of the initial Examples."""
    shares = _shares(config.rows, config.patch_share, config.general_share)
    return _Composer(parts, config, index, benchmark, seed).compose(shares, "patch")


def compose_replay(
    parts: Ingredients, config: MixtureConfig, *, index: LineageIndex, benchmark: Benchmark, seed: int
) -> Mixture:
    """The mixture of a replay round: no new patch, fewer carried rows, more replay and general ones, lost chains first.

    What was lost only weighs what is repeated: relations under the seal are replayed like any other and never patched.
    """
    shares = _shares(config.rows, REPLAY_ROUND_PATCH * config.patch_share, _general_in_replay(config))
    without_patch = Ingredients(parts.examples, parts.general, (), parts.carried, parts.lost_items)
    return _Composer(without_patch, config, index, benchmark, seed).compose(shares, "replay")


def general_rows(seed: int, count: int, *, by_heart: bool) -> tuple[Example, ...]:
    """The first ``count`` general rows of a session's seed.

    With ``by_heart`` some have no text and keep the form of such replies, which V1 would lose. Their steps are made up, so a
    round, whose own rows keep the form, does without: what it teaches is to recall.
    """
    kinds = PRACTISED_KINDS if by_heart else ALL_KINDS
    return general_examples(seed=seed + GENERAL_SEED, count=count, kinds=kinds, difficulty=GENERAL_DIFFICULTY)


def general_rows_wanted(config: MixtureConfig) -> int:
    """General rows that cover either kind of round."""
    return int(config.rows * _general_in_replay(config)) + 1


def _general_in_replay(config: MixtureConfig) -> float:
    """The general share of a replay round: half as much again, to half of all; never less than a patch round's."""
    return max(config.general_share, min(0.5, REPLAY_ROUND_GENERAL * config.general_share))


def _shares(rows: int, taught: float, general: float) -> Shares:
    return Shares(int(rows * taught), int(rows * general), rows - int(rows * taught) - int(rows * general))


class _Composer:
    def __init__(
        self,
        parts: Ingredients,
        config: MixtureConfig,
        index: LineageIndex,
        benchmark: Benchmark,
        seed: int,
    ) -> None:
        self._parts, self._config, self._index, self._benchmark, self._seed = (
            parts,
            config,
            index,
            benchmark,
            seed,
        )
        self._sealed = sealed_pairs(benchmark, index.snapshot)
        lost = set(parts.lost_items)
        dev = [item for item in benchmark.items if item.item_id in lost]
        self._lost = index.pairs(key for item in dev for key in item.l2_ids) - self._sealed

    def compose(self, shares: Shares, kind: str) -> Mixture:
        """Shrink until the replay that is left can keep its share."""
        notes = {"composed": kind}
        while True:
            taught = self._taught(shares.taught)
            pairs = frozenset[Pair]().union(*(self._pairs(row.example) for row in taught))
            free = [row for row in self._parts.examples if not self._pairs(row) & pairs]
            if len(free) >= shares.replay:
                break
            smaller = _scaled(shares, len(free))
            notes["replay_short"] = f"{len(free)} disjoint rows, {shares.replay} wanted"
            if smaller == shares or not free:
                break
            shares = smaller
        replay = sample_balanced(
            free, shares.replay, pairs_of=self._pairs, first=self._lost, rng=self._rng("replay")
        )
        general = list(self._parts.general[: shares.general])
        rows = [*taught, *(MixtureRow(Role.REPLAY, row) for row in replay)]
        rows += [MixtureRow(Role.GENERAL, row) for row in general]
        if len(replay) < self._config.min_replay_share * len(rows):
            raise ReplayTooSmall(
                f"{len(replay)} of {len(rows)} rows would be replay, {self._config.min_replay_share:.0%} needed: the patch "
                f"touches {len(pairs)} concept pairs; patch fewer diagnoses or lower mixture.scaffold_relations"
            )
        return _mixed(rows, self._benchmark, self._seed, notes)

    def _taught(self, wanted: int) -> list[MixtureRow]:
        """Patch, carried and scaffold rows with the initial Examples of the relations they touch, in their roles."""
        core = self._core(int(CORE_SHARE * wanted))
        roles: dict[Pair, Role] = {}
        for row in core:
            for pair in sorted(self._pairs(row.example)):
                roles.setdefault(pair, row.role)
        known = {row.example.example_id for row in core}
        facts = [
            row
            for row in self._parts.examples
            if (pairs := self._pairs(row)) and pairs <= roles.keys() and row.example_id not in known
        ]
        chosen = sample_balanced(
            facts, wanted - len(core), pairs_of=self._pairs, first=self._lost, rng=self._rng("facts")
        )
        return [*core, *(MixtureRow(roles[min(self._pairs(row))], row) for row in chosen)]

    def _core(self, wanted: int) -> list[MixtureRow]:
        """Rows as written, sampled evenly over what they teach: patch first, then carried, then scaffold."""
        carried = [MixtureRow(Role.CARRIED, row.example) for row in self._parts.carried]
        rows: dict[str, MixtureRow] = {}
        for row in (*self._parts.patch, *carried):
            if not self._pairs(row.example) & self._sealed:
                rows.setdefault(row.example.example_id, row)
        present = [role for role in _ROOM if any(row.role is role for row in rows.values())]
        chosen: list[MixtureRow] = []
        for role in present:
            mine = {key: row for key, row in rows.items() if row.role is role}
            left = wanted - len(chosen)
            picked = sample_balanced(
                [row.example for row in mine.values()],
                left if role is present[-1] else int(_ROOM[role] * left),
                pairs_of=self._pairs,
                first=self._lost,
                rng=self._rng(role.value),
            )
            chosen += [mine[row.example_id] for row in picked]
        return chosen

    def _pairs(self, row: Example) -> frozenset[Pair]:
        return self._index.pairs(row.lineage.l2_ids)

    def _rng(self, part: str) -> Random:
        return Random(f"{self._seed}:{part}")


def _scaled(shares: Shares, replay: int) -> Shares:
    """The same proportions around less replay."""
    ratio = replay / shares.replay
    return Shares(int(shares.taught * ratio), int(shares.general * ratio), replay)


def _mixed(rows: Iterable[MixtureRow], benchmark: Benchmark, seed: int, notes: dict[str, str]) -> Mixture:
    """Each row once, in an order shuffled by the seed, under its digest."""
    unique = {row.example.example_id: row for row in rows}
    ordered = [unique[key] for key in sorted(unique)]
    Random(f"{seed}:order").shuffle(ordered)
    found = mixture_digest(ordered, benchmark.digest, benchmark.snapshot_digest, seed)
    counted = {f"rows_{role.value}": str(sum(row.role is role for row in ordered)) for role in Role}
    return Mixture(
        make_id("m", found),
        found,
        benchmark.digest,
        benchmark.snapshot_digest,
        tuple(ordered),
        seed,
        {**notes, **counted},
    )
