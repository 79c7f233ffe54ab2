"""The knowledge graph: frozen snapshots of it that jobs and the guard read, and the Kùzu store that only the host opens.

``store`` and ``queries`` are imported by name where they are needed, so that importing this package never loads Kùzu.
"""

from proda_core.knowledge.adjacency import Adjacency, Step, Walk
from proda_core.knowledge.snapshot import (
    component_sizes,
    find_orphans,
    load_snapshot,
    make_snapshot,
    neighbours,
    save_snapshot,
    snapshot_digest,
    snapshot_id,
)

__all__ = [
    "Adjacency",
    "Step",
    "Walk",
    "component_sizes",
    "find_orphans",
    "load_snapshot",
    "make_snapshot",
    "neighbours",
    "save_snapshot",
    "snapshot_digest",
    "snapshot_id",
]
