"""The decision log, ``decisions.jsonl``: write-ahead, hash-chained, signed as it grows, appended by the session host alone.

An *intent* is written before a consequential call and an *outcome* after it, each once for its key, so that a call repeated
after a kill leaves one pair. Every append is on disk before it returns. ``open`` cuts off a last line that a kill left
incomplete and records that it did; any other damage is refused with the first bad record.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proda_core.artifacts import write_atomic
from proda_core.clock import Clock, SystemClock, stamp
from proda_core.errors import LedgerError
from proda_core.ids import make_id
from proda_core.locks import FileLock
from proda_core.log.chain import read_chain
from proda_core.log.record import Record, RecordKind, chained
from proda_core.log.signer import Signer, SigningPlan

_ONCE = (RecordKind.INTENT, RecordKind.OUTCOME)


class DecisionLog:
    """The one writer. Opening it takes a lock; ``close`` gives it back. Safe to share between threads."""

    def __init__(self, path: Path, *, clock: Clock | None = None, signing: SigningPlan | None = None) -> None:
        """Open or begin the log. LedgerError when another writer has it, a record is bad or is not the one that was signed."""
        self._path, self._clock = path, clock or SystemClock()
        self._guard = threading.RLock()
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        with _typed(path):
            free = self._lock.acquire(wait=False)
        if not free:
            raise LedgerError(
                f"{path.name} is being written by another process; only the session host writes it"
            )
        self._handle: int | None = None
        with contextlib.ExitStack() as undo:
            undo.callback(self._lock.release)
            with _typed(path):
                self._records = self._repaired()
            self._signer = None if signing is None else Signer(signing, clock=self._clock)
            if self._signer is not None:
                self._signer.begin(self._records)
            with _typed(path):
                self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            undo.pop_all()
        self._index = {(record.kind, record.key): record for record in reversed(self._records)}

    @property
    def records(self) -> tuple[Record, ...]:
        """Every record so far, in order."""
        with self._guard:
            return tuple(self._records)

    def append(
        self, kind: str, key: str, body: Mapping[str, Any], *, budget: Mapping[str, Any] | None = None
    ) -> Record:
        """Write one record and return it once it is on disk.

        LedgerError when an intent or outcome of that key is there already, for an outcome without its intent, or when the
        disk refuses: then nothing was written, unless it is only the checkpoint after the record that could not be: that is
        made up for before anything else is written.
        """
        with self._guard:
            if kind in _ONCE and (kind, key) in self._index:
                raise LedgerError(f"{kind} {key!r} is logged already; append_once leaves it as it is")
            if kind == RecordKind.OUTCOME and (RecordKind.INTENT, key) not in self._index:
                raise LedgerError(f"outcome {key!r} has no intent: log the intent before the call")
            if self._signer is not None:
                self._signer.settle()
            last = self._records[-1] if self._records else None
            record = chained(kind, key, body=body, budget=budget, after=last, at=stamp(self._clock))
            self._write(record.line())
            self._records.append(record)
            self._index.setdefault((record.kind, record.key), record)
            self._have_signed(record)
            return record

    def _have_signed(self, record: Record) -> None:
        outage = "" if self._signer is None else self._signer.see(record)
        if outage:
            said = {"event": "sink_unreachable", "reason": outage}
            self.append(RecordKind.NOTE, make_id("n", "sink", record.seq), said)

    def append_once(
        self, kind: str, key: str, body: Mapping[str, Any], *, budget: Mapping[str, Any] | None = None
    ) -> Record:
        """``append``, unless a record of that kind and key is there: then that one is returned and nothing is written."""
        with self._guard:
            return self.find(kind, key) or self.append(kind, key, body, budget=budget)

    def find(self, kind: str, key: str) -> Record | None:
        """The first record of that kind and key."""
        with self._guard:
            return self._index.get((kind, key))

    def find_job(self, job_id: str) -> Record | None:
        """The intent whose body names this job."""
        with self._guard:
            intents = (record for record in self._records if record.kind == RecordKind.INTENT)
            return next((record for record in intents if record.body.get("job_id") == job_id), None)

    def open_intents(self) -> tuple[Record, ...]:
        """Intents without an outcome, oldest first: the calls a resumed host has to look after."""
        with self._guard:
            return tuple(
                record
                for record in self._records
                if record.kind == RecordKind.INTENT and (RecordKind.OUTCOME, record.key) not in self._index
            )

    def close(self) -> None:
        with self._guard:
            try:
                if self._handle is not None and self._signer is not None:
                    self._signer.finish()
            finally:
                if self._handle is not None:
                    os.close(self._handle)
                    self._handle = None
                self._lock.release()

    def __enter__(self) -> DecisionLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _repaired(self) -> list[Record]:
        if not self._path.exists():
            write_atomic(self._path, b"")
        chain = read_chain(self._path)
        if chain.broken is None:
            return list(chain.records)
        if not chain.broken.torn:
            raise LedgerError(
                f"{self._path.name} cannot be trusted: {chain.broken}; restore it from a backup, nothing was changed"
            )
        data = self._path.read_bytes()
        cut = data[chain.size :]
        sha = hashlib.sha256(cut).hexdigest()
        last = chain.records[-1] if chain.records else None
        note = chained(
            RecordKind.NOTE,
            make_id("n", "torn_tail", chain.broken.line, sha),
            body={"repair": "torn_tail", "cut_bytes": len(cut), "cut_sha256": sha},
            budget=None,
            after=last,
            at=stamp(self._clock),
        )
        write_atomic(
            self._path, data[: chain.size] + note.line()
        )  # cut and recorded in one rename, or neither
        return [*chain.records, note]

    def _write(self, line: bytes) -> None:
        if self._handle is None:
            raise LedgerError(f"{self._path.name} is closed; open it again to write")
        size = os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, line)
            if written == len(line):
                os.fsync(self._handle)
                return
            reason = f"{written} of {len(line)} bytes fitted"
        except OSError as error:
            reason = str(error.strerror)
        self._take_back(size)
        raise LedgerError(f"{self._path.name} could not be written ({reason}); free some disk and resume")

    def _take_back(self, size: int) -> None:
        """Cut off a record that was not written whole, and write no more: what the disk holds is known again at the next open."""
        if self._handle is not None:
            with contextlib.suppress(OSError):  # then it is a torn tail, which the next open cuts off
                os.ftruncate(self._handle, size)
            os.close(self._handle)
            self._handle = None


@contextlib.contextmanager
def _typed(path: Path) -> Iterator[None]:
    """What the disk refuses, as a LedgerError."""
    try:
        yield
    except OSError as error:
        raise LedgerError(
            f"{path.name} could not be opened for writing ({error.strerror}); mend the disk or free some, and resume"
        ) from error
