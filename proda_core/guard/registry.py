"""The one list of rules. Whatever is checked is checked by all of them, in this order; there is no way to leave one out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from proda_core.errors import Refusal
from proda_core.guard.case import Case
from proda_core.guard.disjointness import refuse_shared_relations
from proda_core.guard.freeze import refuse_changed_mixture, refuse_thawed_benchmark
from proda_core.guard.lineage_rule import refuse_false_lineage
from proda_core.guard.orthogonality import refuse_repeated_items
from proda_core.guard.sealed import refuse_sealed_relations

Rule = Callable[[Case], Iterator[Refusal]]

RULES: tuple[Rule, ...] = (
    refuse_false_lineage,  # G1
    refuse_shared_relations,  # G2
    refuse_sealed_relations,  # G3
    refuse_repeated_items,  # G4
    refuse_thawed_benchmark,  # G5
    refuse_changed_mixture,  # G6
)


def check(case: Case) -> tuple[Refusal, ...]:
    """Every refusal of every rule."""
    return tuple(refusal for rule in RULES for refusal in rule(case))
