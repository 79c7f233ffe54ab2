"""What a rule sees: the rows with their roles, each read once by the lineage index, and the frozen benchmark.

A reading takes nothing from a row's labels but its kind, and a kind can only make it count for more. ``l2_ids`` and ``pairs``
of a reading are what the row counts as for disjointness and the seal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from proda_core.guard.lineage import DerivedLineage, LineageIndex
from proda_core.types import Benchmark, Example, ExampleKind, Mixture, MixtureRow, Role

Pair = tuple[str, str]
TAUGHT = frozenset({Role.PATCH, Role.CARRIED, Role.SCAFFOLD})


@dataclass(frozen=True, slots=True)
class Reading:
    """A row as the guard reads it. ``derived`` is empty for a general row, whose text is checked by regeneration."""

    role: Role
    example: Example
    derived: DerivedLineage
    pairs: frozenset[Pair]

    @property
    def row_id(self) -> str:
        return self.example.example_id


class Case:
    """One question to the guard. ``mixture`` is None when rows are checked before any mixture is composed."""

    def __init__(
        self,
        rows: Iterable[MixtureRow],
        index: LineageIndex,
        benchmark: Benchmark,
        mixture: Mixture | None = None,
    ) -> None:
        self.rows = tuple(rows)
        self.index, self.benchmark, self.mixture = index, benchmark, mixture

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        return tuple(self._read(row) for row in self.rows)

    def _read(self, row: MixtureRow) -> Reading:
        derived = read_lineage(row.example, self.index)
        return Reading(row.role, row.example, derived, self.index.pairs(derived.l2_ids))


def read_lineage(example: Example, index: LineageIndex) -> DerivedLineage:
    """The lineage of an example by its text; what G1 compares with the declared one."""
    if example.kind is ExampleKind.GENERAL:
        return DerivedLineage((), ())
    if example.kind is ExampleKind.DEFINITION:
        declared = example.lineage.l1_ids
        if len(declared) == 1 and declared[0] in index.snapshot.concepts:
            return index.derive_definition(declared[0], example.text)
    return index.derive(example.text)
