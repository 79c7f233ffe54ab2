"""The session host's state: the open folder, store, graph, ledger, log and executor that tools act on.

An owner holds the host lock and may change the session. A reader holds nothing and gets read-only tools alone: it starts no job
and asks a copy of the graph of its own, so it can look into a session that another process is running.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar

from proda_core.artifacts import ArtifactStore
from proda_core.clock import Clock, SystemClock
from proda_core.config import Config
from proda_core.errors import SessionError
from proda_core.guard.lineage import LineageIndex
from proda_core.jobs import Executor
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.knowledge.store import KnowledgeStore
from proda_core.ledger import Budget, Ledger, read_budget
from proda_core.log import DecisionLog, Record, read_records
from proda_core.records import load_benchmark
from proda_core.session import Inbox, SessionFolder
from proda_core.types import Benchmark, KnowledgeSnapshot

T = TypeVar("T")


@dataclass(slots=True)
class Owner:
    """What only the process that holds the host lock has."""

    executor: Executor
    ledger: Ledger
    log: DecisionLog
    knowledge: KnowledgeStore


class GraphCopy:
    """A reader's Kùzu: made from the snapshot when it is first asked for, in a folder that goes with it.

    ``with GraphCopy() as copy:``; the owner's graph is open in another process and is never touched.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._making = Lock()
        self._store: KnowledgeStore | None = None

    def __enter__(self) -> GraphCopy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def of(self, store: ArtifactStore, snapshot_id: str) -> KnowledgeStore:
        """The copy, holding this snapshot."""
        with self._making:
            if self._store is None:
                folder = self._open.enter_context(TemporaryDirectory(prefix="proda-graph-"))
                self._store = self._open.enter_context(KnowledgeStore(Path(folder) / "knowledge.kuzu"))
            if self._store.snapshot_id != snapshot_id:
                self._store.load(store.checked("snapshot", snapshot_id), snapshot_id)
            return self._store


class Turns:
    """Calls that change the session: one at a time and each to its end, whether or not its caller waits for it."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._turn: asyncio.Future[Any] | None = None  # held here: asyncio forgets a task that nobody holds

    async def take(self, act: Callable[[], Awaitable[T]]) -> T:
        """What ``act`` gives when its turn has come. A caller that goes before that leaves nothing behind."""
        await self._lock.acquire()
        self._turn = turn = asyncio.create_task(self._to_its_end(act))
        return await asyncio.shield(turn)

    async def close(self) -> None:
        """Wait for the turn under way; there is none after it."""
        await self._lock.acquire()

    async def _to_its_end(self, act: Callable[[], Awaitable[T]]) -> T:
        try:
            return await act()
        finally:
            self._lock.release()


@dataclass(slots=True)
class Host:
    """A session opened for work (``owner`` set) or for reading (``owner`` None)."""

    folder: SessionFolder
    config: Config
    corpus_path: Path
    corpus_digest: str
    store: ArtifactStore
    owner: Owner | None
    copy: GraphCopy | None = None
    tools_digest: str = ""  # of the tools that this process knows
    turns: Turns = field(default_factory=Turns)  # of the tools that change the session
    clock: Clock = field(default_factory=SystemClock)
    _making: dict[str, Lock] = field(default_factory=dict)
    _cache: dict[str, Any] = field(default_factory=dict)

    @property
    def own(self) -> Owner:
        """The owner's parts; SessionError for a reader."""
        if self.owner is None:
            raise SessionError(
                f"session {self.folder.name} is open for reading only; start it with proda run or proda resume to change it"
            )
        return self.owner

    def records(self) -> tuple[Record, ...]:
        """The decision log so far: the owner's own, or as it is on disk for a reader, read again once the file has changed.

        Nothing before the session has one.
        """
        if self.owner is not None:
            return self.owner.log.records
        path = self.folder.decisions
        try:
            found = path.stat()
        except FileNotFoundError:
            return ()
        except OSError:
            return read_records(path)  # says what is wrong with it
        mark = (found.st_ino, found.st_size, found.st_mtime_ns)
        known = self._cache.get("records")
        if known is None or known[0] != mark:
            known = self._cache["records"] = (mark, read_records(path))
        records: tuple[Record, ...] = known[1]
        return records

    def at_head(self, name: str, make: Callable[[], T], *, lasting_s: float = math.inf) -> T:
        """What ``make`` gives, made anew when the log has grown or after ``lasting_s``; of many who ask at once, one makes it.

        For views of the log and of the artifacts it names, which never change; of what changes beside the log, with a time after
        which it is old. Not to be changed by who gets it.
        """
        with self._making.setdefault(name, Lock()):
            head, now = self.records()[-1:], self.clock.monotonic()
            known = self._cache.get("at_head:" + name)
            if known is None or known[0] != head or now - known[1] >= lasting_s:
                known = self._cache["at_head:" + name] = (head, now, make())
            made: T = known[2]
            return made

    @property
    def inbox(self) -> Inbox:
        """The session's inbox, kept."""
        found: Inbox = self._cache.setdefault("inbox", self.folder.steering)
        return found

    def budget(self) -> Budget:
        """The budget now, or as last written for a reader."""
        return self.owner.ledger.budget() if self.owner is not None else read_budget(self.folder.ledger)

    def snapshot(self, snapshot_id: str) -> KnowledgeSnapshot:
        """The graph snapshot, loaded once a process."""
        if snapshot_id not in self._cache:
            self._cache[snapshot_id] = load_snapshot(self.store, snapshot_id)
        found: KnowledgeSnapshot = self._cache[snapshot_id]
        return found

    def lineage(self, snapshot_id: str) -> LineageIndex:
        """The guard's index over a snapshot, built once a process."""
        key = "lineage:" + snapshot_id
        if key not in self._cache:
            self._cache[key] = LineageIndex(self.snapshot(snapshot_id))
        found: LineageIndex = self._cache[key]
        return found

    def benchmark(self, benchmark_id: str) -> Benchmark:
        """The frozen benchmark, read and checked anew at each call (G5: it must still have its digest)."""
        return load_benchmark(self.store, benchmark_id)
