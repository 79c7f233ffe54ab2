"""The journal of paid calls, ``calls.sqlite``: each reserved before it is sent and settled with its answer, none made twice.

A call is one attempt at one task. It is reserved with the most it may cost before each sending; its answer, what it really cost
and its end are then one transaction, so no kill can part the money from what it bought. A sending whose end nobody knows (a kill,
a hang, a cut connection) stays spent at its reservation: once for a server that charges a key once, else once a sending. Amounts
are whole nano-units of the currency, so that sums are exact. Answers that sessions beside this one paid for are taken from them.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proda_core.errors import BudgetExhausted, LedgerError
from proda_core.ids import digest
from proda_core.ledger.files import typed

T = TypeVar("T")
NANO = 1_000_000_000
ANSWERED = "answered"
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (nonce TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS totals (spent INTEGER NOT NULL, held INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS answers (task TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
  task TEXT NOT NULL, attempt INTEGER NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL, most INTEGER NOT NULL,
  once INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0, under_way INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0, input_tokens INTEGER, output_tokens INTEGER, cost INTEGER, ending TEXT,
  PRIMARY KEY (task, attempt)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at a task. ``most`` is what one sending may cost; ``once``: sent again, it is not charged again."""

    task: str
    attempt: int
    kind: str
    model: str
    most: int
    once: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """How a call ended: ``ending`` is ANSWERED or the reason the answer was no good; ``cost`` in nano-units."""

    ending: str
    input_tokens: int
    output_tokens: int
    cost: int
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the journal says: ``spent`` and ``held`` (under way, at its most) in the currency; ``unknown``: sendings whose end
    nobody knows."""

    spent: float = 0.0
    held: float = 0.0
    calls: int = 0
    sent: int = 0
    unknown: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class CallJournal:
    """Kept by whoever asks, in a worker; the host reads it with ``read_spent``. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with typed(path), ExitStack() as undo:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
            undo.callback(self._db.close)
            self._prepare()
            undo.pop_all()
        self._beside: list[sqlite3.Connection] | None = (
            None  # journals of other sessions, opened when first wanted
        )

    def key(self, call: Call) -> str:
        """The call's idempotency key: the same each time it is sent, and no other session's."""
        return "proda-" + digest([self._nonce, call.task, call.attempt])[:40]

    def together(self, acts: list[Callable[[], T]]) -> list[T | BudgetExhausted]:
        """Do several changes as one transaction, forced to disk once; of each its result, or that the budget refuses it."""
        done: list[T | BudgetExhausted] = []
        with self._whole():
            for act in acts:
                try:
                    done.append(act())
                except BudgetExhausted as refused:  # it changed nothing
                    done.append(refused)
        return done

    def begin(self, call: Call, limit: float | None) -> None:
        """Reserve one sending. BudgetExhausted when it would pass ``limit`` (in the currency); then nothing has changed."""
        with self._whole():
            before = self._row(call)
            known = before or {"sent": 0, "under_way": 0, "unknown": 0, "cost": None}
            after = {**known, "most": call.most, "once": call.once}
            after["unknown"] += after["under_way"]  # whoever sent it before is gone without a word
            after |= {"under_way": 1, "sent": after["sent"] + 1}
            spent, held = self._totals(before, after)
            if limit is not None and spent + held > round(limit * NANO):
                others = spent + held - sum(_charge(after))
                raise BudgetExhausted("money", sum(_charge(after)) / NANO, max(0.0, limit - others / NANO))
            self._db.execute(
                "INSERT INTO calls (task, attempt, kind, model, most, once, sent, under_way, unknown) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT (task, attempt) DO UPDATE SET most = excluded.most, "
                "once = excluded.once, sent = excluded.sent, under_way = 1, unknown = excluded.unknown",
                (*_named(call), call.kind, call.model, call.most, call.once, after["sent"], after["unknown"]),
            )
            self._db.execute("UPDATE totals SET spent = ?, held = ?", (spent, held))

    def land(self, call: Call, *, charged: bool) -> None:
        """A sending came back without an answer: certainly not charged, or nobody knows."""
        with self._whole():
            before = self._known(call)
            self._store(before, {"unknown": before["unknown"] + int(charged)})

    def settle(self, call: Call, how: Settled) -> None:
        """The call's end, its cost and its answer, at once."""
        tokens = {"input_tokens": how.input_tokens, "output_tokens": how.output_tokens}
        with self._whole():
            self._store(self._known(call), {"cost": how.cost, "ending": how.ending, **tokens})
            if how.ending == ANSWERED:
                self._keep(call.task, how.answer)

    def answer(self, task: str) -> str | None:
        """The answer to a task: this session's own, or one that a session beside it paid for."""
        found = _answer_in(self._db, task)
        if found is not None:
            return found
        for beside in self._others():
            try:
                found = _answer_in(beside, task)
            except (
                sqlite3.Error
            ):  # busy, or left half written by a kill: then this session asks and pays itself
                continue
            if found is not None:
                self._keep(task, found)
                return found
        return None

    def ending(self, task: str, attempt: int) -> str | None:
        """How an attempt ended; None when it has not."""
        row = self._db.execute(
            "SELECT ending FROM calls WHERE task = ? AND attempt = ?", (task, attempt)
        ).fetchone()
        return None if row is None else row["ending"]

    def close(self) -> None:
        for db in (self._db, *(self._beside or ())):
            db.close()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """One transaction, or a part of the one that is open."""
        if self._db.in_transaction:
            yield
            return
        with typed(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _keep(self, task: str, answer: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?)", (task, answer))

    def _others(self) -> list[sqlite3.Connection]:
        if self._beside is None:
            folder = self._path.parent
            found = [path for path in folder.parent.glob(f"*/{self._path.name}") if path.parent != folder]
            self._beside = [_beside(path) for path in sorted(found)]
        return self._beside

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA synchronous = EXTRA")
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version not in (0, _VERSION):
            raise LedgerError(
                f"{self._path.name} has format {version}, this is {_VERSION}; use the version that made it"
            )
        nonce = secrets.token_hex(16)
        self._db.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION};"
            f"INSERT INTO about SELECT '{nonce}' WHERE NOT EXISTS (SELECT * FROM about);"
            "INSERT INTO totals SELECT 0, 0 WHERE NOT EXISTS (SELECT * FROM totals); COMMIT;"
        )
        self._nonce = str(self._db.execute("SELECT nonce FROM about").fetchone()[0])

    def _row(self, call: Call) -> dict[str, Any] | None:
        row = self._db.execute("SELECT * FROM calls WHERE task = ? AND attempt = ?", _named(call)).fetchone()
        return None if row is None else dict(row)

    def _known(self, call: Call) -> dict[str, Any]:
        row = self._row(call)
        if row is None:
            raise LedgerError(f"call {call.task[:12]} was never reserved; reserve before sending")
        return row

    def _store(self, before: dict[str, Any], changed: dict[str, Any]) -> None:
        after = {**before, "under_way": 0, **changed}
        self._db.execute(
            "UPDATE calls SET under_way = 0, unknown = :unknown, input_tokens = :input_tokens, "
            "output_tokens = :output_tokens, cost = :cost, ending = :ending WHERE task = :task AND attempt = :attempt",
            after,
        )
        self._db.execute("UPDATE totals SET spent = ?, held = ?", self._totals(before, after))

    def _totals(self, before: dict[str, Any] | None, after: dict[str, Any]) -> tuple[int, int]:
        """What is spent and held in all, with one call's share changed."""
        totals = self._db.execute("SELECT spent, held FROM totals").fetchone()
        was, now = _charge(before), _charge(after)
        return totals["spent"] - was[0] + now[0], totals["held"] - was[1] + now[1]


def _named(call: Call) -> tuple[str, int]:
    return call.task, call.attempt


def _charge(known: dict[str, Any] | None) -> tuple[int, int]:
    """A call's share of what is spent and of what is held: the one place that says what a sending of unknown end counts."""
    if known is None:
        return 0, 0
    most, unknown, under_way = known["most"], known["unknown"], known["under_way"]
    if not known["once"]:
        return (known["cost"] or 0) + unknown * most, under_way * most
    if known["cost"] is not None:  # charged once, and this is the charge
        return known["cost"], 0
    return (most, 0) if unknown else (0, under_way * most)


def read_spent(path: Path) -> Spent:
    """What was spent so far, for a reader beside the one who asks; nothing where no call was made."""
    with typed(path), closing(_reader(path)) as db:
        if not _made(db):
            return Spent()
        totals = db.execute("SELECT spent, held FROM totals").fetchone()
        sums = db.execute(
            "SELECT COUNT(*), TOTAL(sent), TOTAL(unknown), TOTAL(input_tokens), TOTAL(output_tokens) FROM calls"
        ).fetchone()
        return Spent(totals[0] / NANO, totals[1] / NANO, *(int(amount) for amount in sums))


def read_answers(path: Path, tasks: Iterable[str]) -> dict[str, str]:
    """The answers that this journal has of these tasks, for a reader; the others are left out."""
    if not path.is_file():
        return {}
    with typed(path), closing(_reader(path)) as db:
        if not _made(db):
            return {}
        found = {task: _answer_in(db, task) for task in tasks}
    return {task: answer for task, answer in found.items() if answer is not None}


def read_money(path: Path) -> float:
    """What is spent and held together, in the currency: what a budget has to count. Cheap enough to ask at each poll."""
    if not path.is_file():
        return 0.0
    with typed(path), closing(_reader(path)) as db:
        return float(db.execute("SELECT spent + held FROM totals").fetchone()[0] / NANO) if _made(db) else 0.0


def _reader(path: Path) -> sqlite3.Connection:
    """Reads alone, but may have to undo what a killed writer left half done; a file that is not there is an empty one."""
    where = f"file:{path.absolute()}?mode=rw" if path.is_file() else ":memory:"
    db = sqlite3.connect(where, uri=True, timeout=30.0)
    db.row_factory = sqlite3.Row
    return db


def _made(db: sqlite3.Connection) -> bool:
    """Whether the journal has its tables: made in one transaction, they come with the version."""
    return int(db.execute("PRAGMA user_version").fetchone()[0]) == _VERSION


def _beside(path: Path) -> sqlite3.Connection:
    """Another session's journal, to look into and not to wait for."""
    db = sqlite3.connect(
        f"file:{path.absolute()}?mode=ro",
        uri=True,
        timeout=1.0,
        isolation_level=None,
        check_same_thread=False,
    )
    db.row_factory = sqlite3.Row
    return db


def _answer_in(db: sqlite3.Connection, task: str) -> str | None:
    rows = db.execute("SELECT answer FROM answers WHERE task = ?", (task,)).fetchall()  # all: no lock is kept
    return str(rows[0]["answer"]) if rows else None
