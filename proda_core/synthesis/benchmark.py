"""Building the Benchmark: chains of the graph asked both ways, packed into groups, split, balanced, checked and frozen.

Only chains of the snapshot are asked, because the guard seals relations by chain. A chain that carries no item is kept with
its reason. Distractors are chosen over the whole of a split so that guesses from the options alone stay at chance; while one
does not, an item that feeds it is left out. Same snapshot, configuration and seed: same digest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proda_core.config import BenchmarkConfig
from proda_core.errors import BenchmarkError
from proda_core.ids import digest, make_id, pair_key
from proda_core.records import benchmark_digest
from proda_core.synthesis.balance import SetChooser
from proda_core.synthesis.drafts import ChainDrafts, Draft, Drafter, Layout, compose_item, move_gold
from proda_core.synthesis.guesses import (
    CHANCE,
    FITTED,
    GUESS_NAMES,
    Floats,
    Guess,
    OptionFeatures,
    all_guesses,
    fitted_points,
    item_points,
)
from proda_core.synthesis.item_checks import OPTIONS, gold_positions_balanced, item_failure
from proda_core.synthesis.packing import Packable, Wanted, pack_chains, split_groups
from proda_core.synthesis.truths import Truths
from proda_core.types import Benchmark, Item, KnowledgeSnapshot, LeftOut, Scoring, Split

MAX_TRIMMED = 0.2  # share of a split's items that may be left out for balance

SPARE = 1.15  # packed for each item wanted, since some are left out for balance


@dataclass(frozen=True, slots=True)
class Placed:
    """A draft with the group that its chain was packed into."""

    group_id: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class Trimmed:
    items: tuple[Item, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class BenchmarkBuild:
    """The frozen benchmark with what the data report says of it."""

    benchmark: Benchmark
    groups: int
    guesses: dict[str, tuple[Guess, ...]]  # split -> guesses
    shortage: str  # "" when both splits hold benchmark.min_items

    def figures(self) -> dict[str, object]:
        """Counts for a manifest: nothing of an item's text."""
        items = self.benchmark.items
        return {
            "items": {split.value: len(self.benchmark.of(split)) for split in Split},
            "groups": self.groups,
            "hops": _counts(str(item.hops) for item in items),
            "disciplines": _counts(item.discipline for item in items),
            "templates": _counts(item.template for item in items),
            "operators": _counts(operator for item in items for operator in item.operators),
            "left_out": _counts(left.reason for left in self.benchmark.left_out),
            "guesses": {
                name: {g.name: round(g.rate, 4) for g in found} for name, found in self.guesses.items()
            },
            "shortage": self.shortage,
        }


def build_benchmark(snapshot: KnowledgeSnapshot, config: BenchmarkConfig, *, seed: int) -> BenchmarkBuild:
    """Build and freeze. TooFewGroups when no honest split is possible; BenchmarkError when a set check cannot be met."""
    truths = Truths(snapshot)
    features = OptionFeatures(truths)
    asked, left = _ask_chains(truths, config, seed)
    wanted = Wanted(
        items=2 * config.max_items,
        least_items=int(2 * SPARE * config.min_items),
        graph_pairs=len({pair_key(r.subject_id, r.object_id) for r in snapshot.relations.values()}),
    )
    packing = pack_chains((_packable(found, truths) for found in asked.values()), wanted, seed=seed)
    left += packing.left_out
    splits = split_groups(
        packing.groups, min_groups=config.min_groups, sealed_share=config.sealed_share, seed=seed
    )
    items: list[Item] = []
    for split in Split:
        placed = [
            Placed(group.group_id, draft)
            for group in packing.groups
            if splits[group.group_id] is split
            for chain in group.chains
            for draft in asked[chain.chain_id].drafts
        ]
        trimmed = _split_items(placed, split, truths=truths, features=features)
        items += trimmed.items
        left += trimmed.left_out
    benchmark = _freeze(items, left, snapshot, config)
    guesses = {split.value: all_guesses(benchmark.of(split), features) for split in Split}
    _check_set(benchmark, guesses)
    short = [s.value for s in Split if len(benchmark.of(s)) < config.min_items]
    shortage = f"fewer than {config.min_items} items in {' and '.join(short)}" if short else ""
    return BenchmarkBuild(benchmark, len({item.group_id for item in items}), guesses, shortage)


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _ask_chains(
    truths: Truths, config: BenchmarkConfig, seed: int
) -> tuple[dict[str, ChainDrafts], list[LeftOut]]:
    drafter = Drafter(truths, seed=seed)
    asked: dict[str, ChainDrafts] = {}
    left: list[LeftOut] = []
    for key, chain in sorted(truths.snapshot.chains.items()):
        if chain.hops > config.max_hops:
            left.append(LeftOut(key, "too_many_hops"))
            continue
        found = drafter.draft_chain(chain, limit=config.items_per_chain)
        if found.drafts:
            asked[key] = found
        else:
            left.append(LeftOut(key, found.reason))
    return asked, left


def _packable(found: ChainDrafts, truths: Truths) -> Packable:
    relations = [truths.snapshot.relations[key] for key in found.chain.relation_ids]
    return Packable(
        chain_id=found.chain.chain_id,
        pairs=frozenset(pair_key(r.subject_id, r.object_id) for r in relations),
        hops=found.chain.hops,
        discipline=found.chain.discipline,
        items=len(found.drafts),
        cost=sum(draft.branching for draft in found.drafts) / len(found.drafts),
    )


def _split_items(
    placed: Sequence[Placed], split: Split, *, truths: Truths, features: OptionFeatures
) -> Trimmed:
    """The items of one split: sets chosen, each item checked, the set trimmed until guesses score at chance, golds placed."""
    trios = SetChooser([p.draft for p in placed], features).choose()
    kept: list[Item] = []
    left: list[LeftOut] = []
    for one, trio in zip(placed, trios, strict=True):
        item = compose_item(one.draft, trio, Layout(one.group_id, split, 0), truths)
        reason = item_failure(item, truths)
        if reason:
            left.append(LeftOut(item.chain_id, reason))
        else:
            kept.append(item)
    for _ in range(int(MAX_TRIMMED * len(kept))):
        failing = [guess for guess in all_guesses(kept, features) if not guess.at_chance]
        if not failing:
            break
        worst = max(failing, key=lambda guess: (abs(guess.rate - CHANCE), guess.name))
        item = kept.pop(_feeder(kept, worst, features))
        left.append(LeftOut(item.chain_id, f"feeds_guess_{worst.name}"))
    return Trimmed(tuple(place_golds(kept)), tuple(left))


def _feeder(items: Sequence[Item], guess: Guess, features: OptionFeatures) -> int:
    """The place of the item that draws a guess furthest from chance, by the lowest ID among equals."""
    points = fitted_points(items, features) if guess.name == FITTED else _single(items, guess.name, features)
    sign = 1 if guess.rate > CHANCE else -1
    return min(range(len(items)), key=lambda n: (-sign * points[n], items[n].item_id))


def _single(items: Sequence[Item], name: str, features: OptionFeatures) -> Floats:
    column: Floats = item_points(items, features)[:, GUESS_NAMES.index(name)]
    return column


def place_golds(items: Sequence[Item]) -> list[Item]:
    """The same items with the gold at each place in turn, in an order that the items' content shuffles."""
    turns = sorted(range(len(items)), key=lambda n: digest([items[n].stem, items[n].options]))
    placed = list(items)
    for turn, n in enumerate(turns):
        placed[n] = move_gold(items[n], turn % OPTIONS)
    return sorted(placed, key=lambda item: item.item_id)


def _freeze(
    items: Sequence[Item], left: Sequence[LeftOut], snapshot: KnowledgeSnapshot, config: BenchmarkConfig
) -> Benchmark:
    kept = tuple(sorted(items, key=lambda item: (item.split.value, item.item_id)))
    out = tuple(sorted(set(left), key=lambda one: (one.chain_id, one.reason)))
    scoring = Scoring(config.scoring)
    found = benchmark_digest(kept, out, scoring, snapshot.digest)
    return Benchmark(make_id("b", found), found, snapshot.digest, scoring, kept, out)


def _check_set(benchmark: Benchmark, guesses: dict[str, tuple[Guess, ...]]) -> None:
    """Set checks of the freeze; a small graph may leave no balanced choice of distractors."""
    for split in Split:
        items = benchmark.of(split)
        if not items:
            raise BenchmarkError(
                f"no item of the {split.value} split passes the checks; give a larger corpus"
            )
        if reason := gold_positions_balanced(items):
            raise BenchmarkError(f"{split.value}: {reason}; rebuild the benchmark with another seed")
        if wrong := [f"{g.name} {g.rate:.2f} of {g.n}" for g in guesses[split.value] if not g.at_chance]:
            raise BenchmarkError(
                f"{split.value}: guesses from the options alone do not score at chance ({', '.join(wrong)}); give a larger "
                f"corpus or another seed"
            )
