"""The guard: invariants G1 to G6 inside whatever commits data; they fail closed and take no bypass argument."""

from proda_core.guard.lineage import DerivedLineage, LineageIndex

__all__ = ["DerivedLineage", "LineageIndex"]
