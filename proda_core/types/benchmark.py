"""The test suite: Items built from chains, frozen and hashed as a Benchmark, split into dev and sealed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Split(StrEnum):
    DEV = "dev"
    SEALED = "sealed"


class Scoring(StrEnum):
    """How an item is scored; fixed before the freeze and the same for every model of a session."""

    LOGLIKELIHOOD = "loglikelihood"
    LETTER = "letter"
    COT = "cot"


@dataclass(frozen=True, slots=True)
class Item:
    """A four-option question from one chain. ``operators[i]`` names how option i was made ("gold" for the right one).

    ``l1_ids`` are the chain's concepts in order; ``l2_ids`` its ``hops`` relations in order, then every other relation on
    the same concept pairs.
    """

    item_id: str
    chain_id: str
    group_id: str
    split: Split
    stem: str
    options: tuple[str, ...]
    gold_index: int
    operators: tuple[str, ...]
    option_concept_ids: tuple[str, ...]  # "" where an option is not a concept
    discipline: str
    hops: int
    template: str
    l1_ids: tuple[str, ...]
    l2_ids: tuple[str, ...]

    @property
    def gold(self) -> str:
        return self.options[self.gold_index]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A chain left out of the benchmark, and why (kept beside it)."""

    chain_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The frozen set. ``benchmark_id`` is made from ``digest``, which covers every field of every item and the scoring."""

    benchmark_id: str
    digest: str
    snapshot_digest: str
    scoring: Scoring
    items: tuple[Item, ...]
    left_out: tuple[LeftOut, ...]

    def of(self, split: Split) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.split is split)

    def sealed_l2_ids(self) -> frozenset[str]:
        """Every L2 ID on a sealed chain: what no patch, carried or scaffold row may touch (G3)."""
        return frozenset(r for item in self.items if item.split is Split.SEALED for r in item.l2_ids)
