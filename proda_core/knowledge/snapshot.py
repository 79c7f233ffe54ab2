"""The snapshot artifact: concepts, relations and chains as Parquet, named by a digest over their canonical rows.

``save_snapshot`` and ``load_snapshot`` run the same checks: every ID is recomputed from its parts, every reference
resolves, every chain is joined end to end. The first bad row is named in a KnowledgeError; nothing is mended silently.
The Parquet columns are those the Kùzu store takes by COPY.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from proda_core.artifacts import ArtifactStore
from proda_core.errors import KnowledgeError
from proda_core.ids import digest, make_id
from proda_core.knowledge.adjacency import Adjacency
from proda_core.knowledge.checks import check_chain, check_concept, check_relation
from proda_core.phi import PHI, RelationType
from proda_core.serialize import to_plain
from proda_core.types import Chain, Concept, KnowledgeSnapshot, Relation

Row = TypeVar("Row", Concept, Relation, Chain)


def snapshot_digest(
    concepts: Iterable[Concept], relations: Iterable[Relation], chains: Iterable[Chain]
) -> str:
    """SHA-256 over the canonical rows of the three levels, each sorted by ID: the order given does not matter."""
    return digest(
        [
            [to_plain(row) for row in sorted(concepts, key=lambda c: c.concept_id)],
            [to_plain(row) for row in sorted(relations, key=lambda r: r.relation_id)],
            [to_plain(row) for row in sorted(chains, key=lambda g: g.chain_id)],
        ]
    )


def snapshot_id(snapshot_digest: str) -> str:
    """The artifact ID of the snapshot with this digest."""
    return make_id("s", snapshot_digest)


def make_snapshot(
    concepts: Iterable[Concept],
    relations: Iterable[Relation],
    chains: Iterable[Chain],
    *,
    phi: Mapping[str, RelationType] = PHI,
) -> KnowledgeSnapshot:
    """Check the rows and freeze them, sorted by ID; KnowledgeError names the first row that breaks an invariant."""
    by_concept = _by_id("concept", concepts)
    by_relation = _by_id("relation", relations)
    by_chain = _by_id("chain", chains)
    for concept in by_concept.values():
        check_concept(concept)
    for relation in by_relation.values():
        check_relation(relation, by_concept, phi)
    for chain in by_chain.values():
        check_chain(chain, by_concept, by_relation, phi=phi)
    found = snapshot_digest(by_concept.values(), by_relation.values(), by_chain.values())
    return KnowledgeSnapshot(
        found, MappingProxyType(by_concept), MappingProxyType(by_relation), MappingProxyType(by_chain)
    )


def save_snapshot(
    store: ArtifactStore,
    concepts: Iterable[Concept],
    relations: Iterable[Relation],
    chains: Iterable[Chain],
    meta: Mapping[str, Any] | None = None,
    *,
    inputs: Mapping[str, str] | None = None,
) -> KnowledgeSnapshot:
    """Check, freeze and write a snapshot; its artifact ID is ``snapshot_id(result.digest)``. Existing: a no-op."""
    from proda_core.knowledge.tables import write_tables

    snapshot = make_snapshot(concepts, relations, chains)
    counts = {
        "digest": snapshot.digest,
        "concepts": len(snapshot.concepts),
        "relations": len(snapshot.relations),
        "chains": len(snapshot.chains),
    }
    store.make(
        "snapshot",
        snapshot_id(snapshot.digest),
        lambda folder: write_tables(folder, snapshot),
        inputs=dict(inputs or {}),
        meta={**(meta or {}), **counts},
    )
    return snapshot


def load_snapshot(
    store: ArtifactStore, artifact_id: str, *, phi: Mapping[str, RelationType] = PHI
) -> KnowledgeSnapshot:
    """Load and check a snapshot. ArtifactError: files changed; KnowledgeError: a bad row, or another digest than its ID's."""
    from proda_core.knowledge.tables import read_chains, read_concepts, read_relations

    def file(level: str) -> Any:
        return store.file("snapshot", artifact_id, f"{level}.parquet")

    snapshot = make_snapshot(
        read_concepts(file("concepts")),
        read_relations(file("relations")),
        read_chains(file("chains")),
        phi=phi,
    )
    if snapshot_id(snapshot.digest) != artifact_id:
        raise KnowledgeError(
            f"snapshot {artifact_id} holds rows of digest {snapshot.digest[:16]}, which is not its own; extract it again"
        )
    return snapshot


def neighbours(snapshot: KnowledgeSnapshot, concept_id: str) -> tuple[str, ...]:
    """N(e): IDs of the concepts one relation away in either direction, sorted. In hot loops use ``Adjacency``."""
    return Adjacency(snapshot).neighbours(concept_id)


def find_orphans(snapshot: KnowledgeSnapshot) -> tuple[str, ...]:
    """IDs of the concepts and relations that lie on no chain, sorted; top-down extraction leaves none."""
    used: set[str] = set()
    for chain in snapshot.chains.values():
        used.update(chain.concept_ids)
        used.update(chain.relation_ids)
    return tuple(sorted((set(snapshot.concepts) | set(snapshot.relations)) - used))


def component_sizes(snapshot: KnowledgeSnapshot) -> tuple[int, ...]:
    """Concepts in each connected component, largest first (direction and type ignored)."""
    return tuple(len(part) for part in Adjacency(snapshot).components())


def _by_id(level: str, rows: Iterable[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        key = _row_id(row)
        if key in found:
            raise KnowledgeError(f"{level} {key} is there twice; merge its rows before saving the snapshot")
        found[key] = row
    return dict(sorted(found.items()))


def _row_id(row: Concept | Relation | Chain) -> str:
    if isinstance(row, Concept):
        return row.concept_id
    return row.relation_id if isinstance(row, Relation) else row.chain_id
