"""Snapshot rows as Parquet and back. List columns stay lists, evidence is a JSON string: both load into Kùzu by COPY.

Rows are written in ID order with a fixed schema, so the same snapshot gives the same columns and order everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from proda_core.errors import ArtifactError
from proda_core.serialize import from_plain, to_plain
from proda_core.types import Chain, Concept, KnowledgeSnapshot, Relation

_TEXT, _LIST = pa.string(), pa.list_(pa.string())
CONCEPTS = pa.schema(
    [
        ("concept_id", _TEXT),
        ("term", _TEXT),
        ("aliases", _LIST),
        ("type", _TEXT),
        ("definition", _TEXT),
        ("definition_evidence", _TEXT),
        ("sources", _LIST),
        ("discipline", _TEXT),
        ("sense", _TEXT),
    ]
)
RELATIONS = pa.schema(
    [
        ("relation_id", _TEXT),
        ("subject_id", _TEXT),
        ("type", _TEXT),
        ("object_id", _TEXT),
        ("verb_phrase", _TEXT),
        ("evidence", _TEXT),
        ("discipline", _TEXT),
    ]
)
CHAINS = pa.schema(
    [
        ("chain_id", _TEXT),
        ("relation_ids", _LIST),
        ("concept_ids", _LIST),
        ("chunk_ids", _LIST),
        ("discipline", _TEXT),
    ]
)
_JSON_COLUMNS = ("definition_evidence", "evidence")


def write_tables(folder: Path, snapshot: KnowledgeSnapshot) -> None:
    """Write ``concepts.parquet``, ``relations.parquet`` and ``chains.parquet`` into ``folder``."""
    _write(folder / "concepts.parquet", CONCEPTS, snapshot.concepts.values())
    _write(folder / "relations.parquet", RELATIONS, snapshot.relations.values())
    _write(folder / "chains.parquet", CHAINS, snapshot.chains.values())


def read_concepts(path: Path) -> list[Concept]:
    return [from_plain(Concept, row) for row in _read(path, CONCEPTS)]


def read_relations(path: Path) -> list[Relation]:
    return [from_plain(Relation, row) for row in _read(path, RELATIONS)]


def read_chains(path: Path) -> list[Chain]:
    return [from_plain(Chain, row) for row in _read(path, CHAINS)]


def _write(path: Path, schema: pa.Schema, rows: Iterable[Any]) -> None:
    plain = [to_plain(row) for row in rows]
    for row in plain:
        for name in _JSON_COLUMNS:
            if name in row:
                row[name] = json.dumps(row[name], ensure_ascii=False, sort_keys=True)
    pq.write_table(pa.Table.from_pylist(plain, schema=schema), path)


def _read(path: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path.name} is not readable Parquet: {error}") from error
    if not table.schema.equals(schema):
        raise ArtifactError(f"{path.name} has other columns than a snapshot's: {table.schema.names}")
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name in _JSON_COLUMNS:
            if name in row:
                row[name] = _from_json(path, row[name])
    return rows


def _from_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"{path.name} holds evidence that is not JSON: {error}") from error
