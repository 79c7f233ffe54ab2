"""The knowledge store: the one file that imports Kùzu, opened by the session host and by nobody else.

A snapshot is loaded whole by COPY in one transaction, its marker last, so a killed load leaves the graph that was there before
(or none) and is simply done again. One Database a path a process: a second one would lose writes silently, and is refused.
Queries are named and parameterised (``queries``) and run under a timeout; every failure is a KnowledgeError.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import kuzu

from proda_core.errors import KnowledgeError
from proda_core.ids import normalise_term
from proda_core.knowledge.queries import COPIES, MARKER, QUERIES, SCHEMA, TABLES
from proda_core.knowledge.views import Components, Fact, Found, Neighbour, Origin, Stats, Triple
from proda_core.phi import PHI
from proda_core.serialize import from_plain
from proda_core.types import Evidence

BUFFER_POOL_BYTES = 256 << 20
MAX_DB_BYTES = 1 << 34  # the default maps 8 TB a database, and the sixteenth one fails
TIMEOUT_MS = 10_000
ROOM_BYTES = 16 << 20  # an empty database and its log take nine millions
ROOM_FOR_ROWS = 10  # times what a snapshot takes as Parquet

_LOCK = threading.RLock()  # one statement at a time in a process: a second writer errors instead of waiting
_OPEN: set[Path] = set()


class KnowledgeStore:
    """``with KnowledgeStore(path) as store:``; close it before the path can be opened again."""

    def __init__(self, path: Path, *, timeout_ms: int = TIMEOUT_MS) -> None:
        self.path = path.resolve()
        self._closed = False
        with _LOCK:
            if self.path in _OPEN:
                raise KnowledgeError(
                    f"{self.path.name} is open in this process already; close that store first"
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                _check_room(self.path.parent, ROOM_BYTES)
            with _kuzu_errors(f"cannot open {self.path.name}"):
                self._database = kuzu.Database(
                    str(self.path), buffer_pool_size=BUFFER_POOL_BYTES, max_db_size=MAX_DB_BYTES
                )
                self._connection = kuzu.Connection(self._database)
                self._connection.set_query_timeout(timeout_ms)
                self._connection.execute(MARKER).close()
            _OPEN.add(self.path)

    def __enter__(self) -> KnowledgeStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; closing twice is nothing."""
        with _LOCK:
            if not self._closed:
                self._closed = True
                self._connection.close()
                self._database.close()
                _OPEN.discard(self.path)

    @property
    def snapshot_id(self) -> str | None:
        """The snapshot loaded, or None."""
        rows = self._ask("loaded")
        return str(rows[0]["snapshot_id"]) if rows else None

    def load(self, snapshot_folder: Path, snapshot_id: str) -> bool:
        """Load a snapshot's Parquet in place of whatever was loaded; False when it is the one loaded already."""
        with _LOCK:
            if self.snapshot_id == snapshot_id:
                return False
            rows = sum(path.stat().st_size for path in snapshot_folder.glob("*.parquet"))
            _check_room(self.path.parent, ROOM_BYTES + ROOM_FOR_ROWS * rows)
            names = {level: _quoted(snapshot_folder, level) for level in ("concepts", "relations", "chains")}
            symmetric = [row.name for row in PHI.values() if row.symmetric]
            loading = kuzu.Connection(self._database)  # a connection of its own: no timeout cuts a load short
            try:
                with _kuzu_errors(f"cannot load snapshot {snapshot_id}"), _transaction(loading):
                    for table in TABLES:
                        loading.execute(f"DROP TABLE IF EXISTS {table}").close()
                    for statement in SCHEMA:
                        loading.execute(statement).close()
                    for statement in COPIES:
                        loading.execute(statement.format(**names, symmetric=symmetric)).close()
                    loading.execute(QUERIES["mark"], {"snapshot_id": snapshot_id}).close()
            finally:
                loading.close()
            return True

    def orphans(self) -> tuple[str, ...]:
        """Concept and relation IDs that lie on no chain, sorted."""
        return tuple(sorted(row["id"] for row in self._ask("orphans", loaded=True)))

    def check_orphans(self) -> None:
        """KnowledgeError naming the first orphan: top-down extraction leaves none."""
        found = self.orphans()
        if found:
            raise KnowledgeError(
                f"{len(found)} concepts or relations lie on no chain, {found[0]} first; extract the graph again"
            )

    def triples(self) -> tuple[Triple, ...]:
        """Every relation by its IDs, sorted: export once, then walk in memory."""
        return tuple(Triple(**row) for row in self._ask("triples", loaded=True))

    def components(self) -> Components:
        """Connected components over all relations, direction ignored."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        ids = [row["id"] for row in self._ask("concepts", loaded=True)]
        if not ids:
            return Components((), 0.0)
        place = {key: at for at, key in enumerate(ids)}
        edges = [(place[t.subject_id], place[t.object_id]) for t in self.triples()]
        ends = tuple(zip(*edges, strict=True)) or ((), ())
        matrix = coo_array(([1] * len(edges), ends), shape=(len(ids), len(ids)))
        labels = connected_components(matrix.tocsr(), directed=False)[1].tolist()
        counts: dict[int, int] = {}
        for label in labels:
            counts[label] = counts.get(label, 0) + 1
        sizes = tuple(sorted(counts.values(), reverse=True))
        return Components(sizes, sizes[0] / len(ids))

    def neighbours(self, name: str) -> tuple[Neighbour, ...]:
        """N(e) of a concept named by ID, term or alias, sorted by term."""
        rows = self._ask("neighbours", loaded=True, id=self.resolve(name))
        return tuple(sorted((Neighbour(**row) for row in rows), key=lambda n: (n.term, n.relation_id)))

    def walk(self, start: str, end: str) -> tuple[Fact, ...]:
        """The shortest chain of at most 6 relations from ``start`` to ``end``; empty where there is none."""
        rows = self._ask("walk", loaded=True, origin=self.resolve(start), goal=self.resolve(end))
        if not rows:
            return ()
        first = min(tuple(row["relation_ids"]) for row in rows)
        return tuple(_fact(self._ask("relation", loaded=True, id=key)[0]) for key in first)

    def lineage(self, id: str) -> Origin:
        """From a concept, relation or chain ID back to the sentences; KnowledgeError when the graph does not hold it."""
        if id.startswith("c_"):
            return self._concept_origin(id)
        name = {"r": "relation", "g": "chain"}.get(id[:1])
        rows = self._ask(name, loaded=True, id=id) if name else []
        if not rows:
            raise KnowledgeError(f"the graph holds no concept, relation or chain {id!r}")
        facts = tuple(_fact(row) for row in rows)
        text = " ; ".join(f"{f.subject} {f.type} {f.object}" for f in facts)
        return Origin(id, text, "", None, facts)

    def search(self, text: str, *, most: int = 20) -> tuple[Found, ...]:
        """Concepts whose term or an alias contains ``text``; exact ones first, then the shortest."""
        part = normalise_term(text)
        rows = self._ask("search", loaded=True, part=part, exact=f"|{part}|", most=most) if part else []
        return tuple(Found(r["concept_id"], r["term"], tuple(r["aliases"]), r["discipline"]) for r in rows)

    def stats(self) -> Stats:
        """Counts of the three levels, and of relations by type and discipline."""
        return Stats(
            concepts=self._ask("count_concepts", loaded=True)[0]["n"],
            relations=self._ask("count_relations", loaded=True)[0]["n"],
            chains=self._ask("count_chains", loaded=True)[0]["n"],
            by_type={row["key"]: row["n"] for row in self._ask("by_type", loaded=True)},
            by_discipline={row["key"]: row["n"] for row in self._ask("by_discipline", loaded=True)},
        )

    def resolve(self, name: str) -> str:
        """The ID of a concept by ID, term or alias; KnowledgeError suggests near terms, or lists several senses."""
        if self._ask("concept", loaded=True, id=name):
            return name
        rows = self._ask("named", loaded=True, exact=f"|{normalise_term(name)}|")
        if len(rows) == 1:
            return str(rows[0]["concept_id"])
        if rows:
            ids = ", ".join(row["concept_id"] for row in rows)
            raise KnowledgeError(f"{name!r} names {len(rows)} concepts: {ids}; ask by ID")
        near = ", ".join(repr(found.term) for found in self.search(name, most=3))
        raise KnowledgeError(f"no concept {name!r} in the graph{'; there is ' + near if near else ''}")

    def _concept_origin(self, concept_id: str) -> Origin:
        rows = self._ask("concept", loaded=True, id=concept_id)
        if not rows:
            raise KnowledgeError(f"the graph holds no concept {concept_id!r}")
        evidence = json.loads(rows[0]["evidence"])
        facts = tuple(_fact(row) for row in self._ask("relations_of", loaded=True, id=concept_id))
        defined = from_plain(Evidence, evidence) if evidence is not None else None
        return Origin(concept_id, rows[0]["term"], rows[0]["definition"], defined, facts)

    def _ask(self, name: str, *, loaded: bool = False, **parameters: Any) -> list[dict[str, Any]]:
        """Run a named query; ``loaded`` asks for a snapshot to be there first."""
        with _LOCK:
            if self._closed:
                raise KnowledgeError(f"{self.path.name} is closed; open the store again")
            if loaded and self.snapshot_id is None:
                raise KnowledgeError(f"{self.path.name} holds no snapshot yet; run the extraction first")
            with _kuzu_errors(f"query {name!r} failed"):
                result = self._connection.execute(QUERIES[name], parameters)
                columns = result.get_column_names()
                rows = [dict(zip(columns, row, strict=True)) for row in result.get_all()]
                result.close()
                return rows


def _fact(row: dict[str, Any]) -> Fact:
    evidence = tuple(from_plain(Evidence, one) for one in json.loads(row["evidence"]))
    return Fact(row["relation_id"], row["subject"], row["type"], row["object"], row["verb_phrase"], evidence)


def _check_room(folder: Path, needed: int) -> None:
    """KnowledgeError where the disk is too full: Kùzu aborts the whole process when it runs out of it while it writes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise KnowledgeError(
            f"the graph needs {needed >> 20} MB of disk and {free >> 20} are left in {folder}; free some disk and resume"
        )


def _quoted(folder: Path, level: str) -> str:
    """A Parquet file's path as a Cypher string; the path comes from the artifact store, the quoting is for odd folders."""
    path = (folder / f"{level}.parquet").resolve()
    if not path.is_file():
        raise KnowledgeError(f"no {path.name} in {folder.name}; it is not a snapshot artifact")
    escaped = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@contextlib.contextmanager
def _transaction(connection: kuzu.Connection) -> Iterator[None]:
    """Commit at the end, roll back on any error; Kùzu may have rolled back itself already."""
    connection.execute("BEGIN TRANSACTION").close()
    with contextlib.ExitStack() as undo:
        undo.callback(_roll_back, connection)
        yield
        undo.pop_all()
    connection.execute("COMMIT").close()


def _roll_back(connection: kuzu.Connection) -> None:
    with contextlib.suppress(RuntimeError):
        connection.execute("ROLLBACK").close()


@contextlib.contextmanager
def _kuzu_errors(what: str) -> Iterator[None]:
    """Kùzu raises RuntimeError for everything: name the boundary, keep the reason."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        reason = "it ran into the timeout" if "Interrupted" in str(error) else str(error).splitlines()[0]
        raise KnowledgeError(f"{what}: {reason}") from error
