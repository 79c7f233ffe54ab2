"""The ledger, ``ledger.sqlite``: what the session may spend, has reserved and has spent, and the jobs it submitted.

Reserved before a call and settled after, each by a key made from content, so that a call repeated after a kill is paid for once.
Wall time is added by ticks while a host runs: a dead night costs nothing, and a kill loses at most one tick. Every change is one
transaction in a rollback journal, forced to disk. A reservation past the budget raises BudgetExhausted and holds nothing.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proda_core.clock import Clock, SystemClock, stamp
from proda_core.config import BudgetConfig
from proda_core.errors import BudgetExhausted, LedgerError
from proda_core.ledger.budget import METERED, Budget, Meter, Resource, resource_named
from proda_core.ledger.files import typed
from proda_core.serialize import to_plain

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meters (resource TEXT PRIMARY KEY, cap REAL, used REAL NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservations (
  resource TEXT NOT NULL, key TEXT NOT NULL, reserved REAL NOT NULL, actual REAL,
  wall_before REAL NOT NULL, wall_after REAL, PRIMARY KEY (resource, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
  job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  first_submitted TEXT NOT NULL, last_submitted TEXT NOT NULL) WITHOUT ROWID;
"""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class JobEntry:
    """A job as the ledger knows it; the times are UTC."""

    job_id: str
    kind: str
    state: str
    attempts: int
    first_submitted: str
    last_submitted: str


class Ledger:
    """Opened by the host alone; anybody may read a Budget with ``read_budget``. Safe to share between threads."""

    def __init__(self, path: Path, budget: BudgetConfig, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._guard = threading.RLock()
        self._path = path
        with typed(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
            with ExitStack() as undo:
                undo.callback(self._db.close)
                self._prepare(budget)
                undo.pop_all()
        self._last_tick = self._clock.monotonic()

    def reserve(self, resource: str, amount: float, key: str) -> None:
        """Hold ``amount`` under ``key`` before a call. A key already known holds what it held: resuming asks again for free.

        BudgetExhausted when less is left. LedgerError for a negative amount.
        """
        _refuse_negative(resource, amount)
        with self._transaction():
            if self._reservation(resource, key) is not None:
                return
            budget = self._snapshot()
            left = budget.of(resource).left
            if left is not None and amount > left:
                raise BudgetExhausted(resource_named(resource).value, amount, left)
            self._db.execute(
                "INSERT INTO reservations (resource, key, reserved, wall_before) VALUES (?, ?, ?, ?)",
                (resource, key, amount, budget.wall_s.used),
            )

    def settle(self, resource: str, key: str, actual: float) -> None:
        """Say what the call took. Settling twice changes nothing. LedgerError for a key that was never reserved."""
        _refuse_negative(resource, actual)
        with self._transaction():
            known = self._reservation(resource, key)
            if known is None:
                raise LedgerError(f"nothing of {resource} is reserved under {key!r}; reserve before the call")
            if known["actual"] is None:
                self._db.execute(
                    "UPDATE reservations SET actual = ?, wall_after = ? WHERE resource = ? AND key = ?",
                    (actual, self._snapshot().wall_s.used, resource, key),
                )

    def release(self, resource: str, key: str) -> None:
        """Give back a reservation whose call was never made; one that was settled stays."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM reservations WHERE resource = ? AND key = ? AND actual IS NULL",
                (resource_named(resource).value, key),
            )

    def tick(self) -> None:
        """Write down the time since the last tick that was written, or since the ledger was opened."""
        with self._guard:
            now = self._clock.monotonic()
            passed = max(0.0, now - self._last_tick)
            with self._transaction():
                self._db.execute(
                    "UPDATE meters SET used = used + ? WHERE resource = ?", (passed, Resource.WALL_S.value)
                )
            self._last_tick = now

    def measure(self, resource: str, amount: float) -> None:
        """Set the meter of a resource that is measured elsewhere: the session's size, what its calls cost."""
        _refuse_negative(resource, amount)
        with self._transaction():
            self._db.execute(
                "UPDATE meters SET used = ? WHERE resource = ?", (amount, resource_named(resource).value)
            )

    def budget(self) -> Budget:
        """The meters now, with the wall time up to this moment."""
        with self._transaction():
            return self._snapshot()

    def budget_view(self) -> dict[str, Any]:
        """The meters as written, in plain form, for a log record: what the log says was spent stays spent.

        The time up to now is written first; where it cannot be, it is left out until it can, and whoever ticks says so.
        """
        with suppress(LedgerError):
            self.tick()
        with self._transaction():
            view: dict[str, Any] = to_plain(_budget(self._db))
        return view

    def set_limits(self, budget: BudgetConfig) -> None:
        """Go by these limits from now on; what is used and held stays."""
        with self._transaction():
            for resource in Resource:
                self._db.execute(
                    "INSERT INTO meters (resource, cap) VALUES (?, ?) ON CONFLICT (resource) DO UPDATE SET cap = excluded.cap",
                    (resource.value, getattr(budget, resource.value)),
                )

    def left(self, resource: str) -> float | None:
        """What may still be reserved of a resource; None when unlimited."""
        return self.budget().of(resource).left

    def round_cost_s(self) -> float:
        """Mean seconds of wall time between the reserving and the settling of the rounds so far; 0 before the first."""
        with self._transaction():
            row = self._db.execute(
                "SELECT AVG(wall_after - wall_before) AS cost FROM reservations WHERE resource = ? AND actual IS NOT NULL",
                (Resource.ROUNDS.value,),
            ).fetchone()
        return float(row["cost"] or 0.0)

    def note_job(self, job_id: str, kind: str, *, state: str, attempts: int) -> None:
        """Write down a job as it stands; the first submission's time stays."""
        at = stamp(self._clock)
        with self._transaction():
            self._db.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job_id) DO UPDATE SET "
                "state = excluded.state, attempts = excluded.attempts, last_submitted = excluded.last_submitted",
                (job_id, kind, state, attempts, at, at),
            )

    def jobs(self) -> tuple[JobEntry, ...]:
        """Every job noted, in the order first submitted."""
        with self._transaction():
            rows = self._db.execute("SELECT * FROM jobs ORDER BY first_submitted, job_id").fetchall()
        return tuple(JobEntry(**dict(row)) for row in rows)

    def close(self) -> None:
        """Add the last piece of wall time and close."""
        try:
            self.tick()
        finally:
            with self._guard:
                self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, budget: BudgetConfig) -> None:
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA synchronous = EXTRA")
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version not in (0, _VERSION):
            raise LedgerError(
                f"{self._path.name} has format {version}, this is {_VERSION}; use the version that made it"
            )
        self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        self.set_limits(budget)

    def _reservation(self, resource: str, key: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM reservations WHERE resource = ? AND key = ?", (resource_named(resource).value, key)
        ).fetchone()
        return row

    def _snapshot(self) -> Budget:
        """What is written, and the wall time since the last tick."""
        budget = _budget(self._db)
        since = max(0.0, self._clock.monotonic() - self._last_tick)
        return replace(budget, wall_s=replace(budget.wall_s, used=budget.wall_s.used + since))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guard, typed(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def read_budget(path: Path) -> Budget:
    """The budget as last written, for a reader beside a running host. LedgerError when there is no ledger."""
    with typed(path):
        if not path.is_file():
            raise LedgerError(f"no ledger in {path.parent.name}: the session has not started yet")
        db = sqlite3.connect(f"file:{path.absolute()}?mode=ro", uri=True, timeout=30.0)
        try:
            db.row_factory = sqlite3.Row
            return _budget(db)
        finally:
            db.close()


def _budget(db: sqlite3.Connection) -> Budget:
    meters = {}
    for resource in Resource:
        row = db.execute("SELECT cap, used FROM meters WHERE resource = ?", (resource.value,)).fetchone()
        if row is None:  # a ledger from before there was this resource, which no host has opened since
            continue
        spent = db.execute(
            "SELECT TOTAL(actual) AS settled, TOTAL(CASE WHEN actual IS NULL THEN reserved END) AS held "
            "FROM reservations WHERE resource = ?",
            (resource.value,),
        ).fetchone()
        used = row["used"] if resource in METERED else row["used"] + spent["settled"]
        meters[resource.value] = Meter(row["cap"], used, spent["held"])
    return Budget(**meters)


def _refuse_negative(resource: str, amount: float) -> None:
    if not amount >= 0:
        raise LedgerError(f"an amount of {resource} cannot be {amount}; it is 0 or more")
