"""G2 disjointness: no replay row states a relation that a patch, carried or scaffold row states.

A pair of concepts counts as one relation whatever its direction or type, so a pair taught with a new type is never replayed
with the old one. Rows too many are never made up for: the guard only refuses.
"""

from __future__ import annotations

from collections.abc import Iterator

from proda_core.errors import Refusal
from proda_core.guard.case import TAUGHT, Case, Pair
from proda_core.types import Role

RULE = "G2"


def refuse_shared_relations(case: Case) -> Iterator[Refusal]:
    """One refusal for each replay row, naming a pair it shares and the row that teaches it."""
    taught: dict[Pair, str] = {}
    for reading in case.readings:
        if reading.role in TAUGHT:
            for pair in reading.pairs:
                taught.setdefault(pair, f"{reading.role.value} row {reading.row_id}")
    for reading in case.readings:
        shared = sorted(reading.pairs & taught.keys()) if reading.role is Role.REPLAY else []
        if shared:
            first, second = shared[0]
            detail = (
                f"replays {len(shared)} pair(s) taught elsewhere, {first}-{second} by {taught[shared[0]]}"
            )
            yield Refusal(RULE, reading.row_id, detail)
