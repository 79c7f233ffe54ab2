"""The guard: invariants G1 to G6 inside whatever commits data; they fail closed and take no bypass argument."""

from proda_core.guard.commit import (
    check_examples,
    check_mixture,
    check_patch,
    commit_mixture,
    recheck_for_training,
)
from proda_core.guard.general_rows import example_id, general_example, general_examples
from proda_core.guard.lineage import DerivedLineage, LineageIndex
from proda_core.guard.sealed import sealed_pairs

__all__ = [
    "DerivedLineage",
    "LineageIndex",
    "check_examples",
    "check_mixture",
    "check_patch",
    "commit_mixture",
    "example_id",
    "general_example",
    "general_examples",
    "recheck_for_training",
    "sealed_pairs",
]
