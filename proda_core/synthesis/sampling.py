"""A balanced sample of rows: every concept pair gets its row before any gets a second, formats in turn.

Pairs that are to come first (those of lost items) are served twice a turn. Deterministic for a given Random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random

from proda_core.types import Example

Pair = tuple[str, str]


def sample_balanced(
    rows: Sequence[Example],
    count: int,
    *,
    pairs_of: Callable[[Example], frozenset[Pair]],
    first: frozenset[Pair],
    rng: Random,
) -> list[Example]:
    """At most ``count`` of ``rows``, each once. A row without pairs stands for its first concept."""
    queues: dict[tuple[str, ...], list[Example]] = defaultdict(list)
    shuffled = sorted(rows, key=lambda row: row.example_id)
    rng.shuffle(shuffled)
    for row in shuffled:
        keys: list[tuple[str, ...]] = [*sorted(pairs_of(row))]
        for key in keys or [row.lineage.l1_ids[:1]]:
            queues[key].append(row)
    for queue in queues.values():
        _formats_in_turn(queue)
    turns = sorted(queues)
    rng.shuffle(turns)
    turns.sort(key=lambda key: key not in first)
    chosen: dict[str, Example] = {}
    while turns and len(chosen) < count:
        turns = [key for key in turns if _serve(queues[key], chosen, count, 2 if key in first else 1)]
    return list(chosen.values())


def _serve(queue: list[Example], chosen: dict[str, Example], count: int, portions: int) -> bool:
    """Take the queue's next rows not chosen yet; whether it holds more."""
    while queue and portions and len(chosen) < count:
        row = queue.pop()
        if row.example_id not in chosen:
            chosen[row.example_id] = row
            portions -= 1
    return bool(queue)


def _formats_in_turn(queue: list[Example]) -> None:
    """Order a queue, served from its end, so that its formats alternate."""
    seen: dict[str, int] = defaultdict(int)
    turn: dict[str, int] = {}
    for row in reversed(queue):
        turn[row.example_id] = seen[row.format.value]
        seen[row.format.value] += 1
    queue.sort(key=lambda row: -turn[row.example_id])
