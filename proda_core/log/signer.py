"""The signer: follows the log as it grows and puts a signed checkpoint beside it whenever one is due.

Due are every N records, each verdict and decision, and each opening and end of the session. A record is on disk before its
checkpoint is made; a kill in between leaves it unsigned and the next opening signs it. Nothing is written behind a record whose
checkpoint is owed. The sink, a folder elsewhere, gets every checkpoint too; while it cannot be reached the session goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proda_core.clock import Clock, SystemClock, stamp
from proda_core.errors import LedgerError
from proda_core.log.checkpoint import Checkpoint, CheckpointFolder, origin_of, session_of, sign
from proda_core.log.keys import SigningKey
from proda_core.log.merkle import MerkleTree
from proda_core.log.record import Record, RecordKind


@dataclass(frozen=True, slots=True)
class SigningPlan:
    """Who signs a session's log, how often at least, and where the checkpoints go."""

    key: SigningKey
    session: str
    checkpoints: Path
    every: int
    sink: Path | None = None

    def about(self) -> dict[str, object]:
        """What the log's opening record says of it."""
        public = self.key.public
        return {"key": public.fingerprint, "public_key": public.raw.hex(), "every": self.every}


def is_due(record: Record, unsigned: int, every: int) -> bool:
    """Whether a checkpoint follows this record; ``unsigned`` counts the records since the last one, this one included."""
    if unsigned >= every or record.kind in (RecordKind.SESSION, RecordKind.DECISION):
        return True
    made = record.body.get("artifacts")
    return record.kind == RecordKind.OUTCOME and isinstance(made, dict) and "verdict" in made


class Signer:
    """The one that signs for a DecisionLog. LedgerError from any method: the checkpoint could not be made and is still owed."""

    def __init__(self, plan: SigningPlan, *, clock: Clock | None = None) -> None:
        self._plan, self._clock = plan, clock or SystemClock()
        self._kept = CheckpointFolder(plan.checkpoints)
        self._tree = MerkleTree()
        self._first, self._session = "", ""
        self._named = False  # the log says that this key signs it
        self._signed = 0
        self._owed = False
        self._sink_is_away = False

    def begin(self, records: Sequence[Record]) -> None:
        """Hold what was signed against the log as it is, and sign the rest. LedgerError where they differ: nothing is signed."""
        sizes = self._kept.sizes()
        for record in records:
            self._take(record)
            if self._tree.size in sizes:
                self._compare()
        if sizes and sizes[-1] > len(records):
            raise LedgerError(
                f"{sizes[-1]} records of the log were signed and {len(records)} are there; restore it from a backup"
            )
        if self._plan.sink is not None:
            self._check_sink(self._plan.sink)
        self.finish()

    def settle(self) -> None:
        """Make the checkpoint that is owed, if any."""
        if self._owed:
            self._sign()

    def see(self, record: Record) -> str:
        """Take in a record that was written. Returns why the sink cannot be reached where that is news, else ""."""
        self._take(record)
        self._owed = self._named and is_due(record, self._tree.size - self._signed, self._plan.every)
        return self._sign() if self._owed else ""

    def finish(self) -> None:
        """Sign whatever is not signed, in a log that names the key."""
        if self._named and self._tree.size > self._signed:
            self._sign()

    def _take(self, record: Record) -> None:
        self._first = self._first or record.hash
        self._session = self._session or session_of(record)
        signing = record.body.get("signing") if record.kind == RecordKind.SESSION else None
        if isinstance(signing, dict) and signing.get("key") == self._plan.key.public.fingerprint:
            self._named = True
        self._tree.add(record.line()[:-1])

    def _compare(self) -> None:
        size = self._tree.size
        found = self._kept.read(size)
        if found is None or found.checkpoint.root != self._tree.root():
            raise LedgerError(
                f"the log cannot be trusted: its first {size} records are not those of checkpoint {size}; "
                "restore both from a backup, nothing was changed"
            )
        self._signed = size

    def _sign(self) -> str:
        size, origin = self._tree.size, origin_of(self._session or self._plan.session, self._first)
        fingerprint = self._plan.key.public.fingerprint
        made = Checkpoint(origin, size, self._tree.root(), stamp(self._clock), fingerprint)
        try:
            self._kept.keep(size, sign(made, self._plan.key).encode())
        except OSError as error:
            raise LedgerError(
                f"checkpoint {size} of the log could not be written ({error.strerror}); free some disk and resume"
            ) from error
        self._signed, self._owed = size, False
        return self._copy(origin)

    def _copy(self, origin: str) -> str:
        """Bring the sink up to date, with what it missed while it was away."""
        if self._plan.sink is None:
            return ""
        sink = CheckpointFolder(sink_folder(self._plan.sink, origin))
        try:
            if (
                not self._plan.sink.is_dir()
            ):  # a disk that is not mounted: made anew, it would lie on this one
                raise FileNotFoundError(2, "No such folder")
            there = set(sink.sizes())
            for size in self._kept.sizes():
                if size not in there:
                    sink.keep(size, self._kept.note(size))
        except (OSError, LedgerError) as error:
            news, self._sink_is_away = not self._sink_is_away, True
            return f"{error}" if news else ""
        self._sink_is_away = False
        return ""

    @staticmethod
    def _check_sink(sink: Path) -> None:
        if not sink.is_absolute() or not sink.is_dir():
            raise LedgerError(
                f"audit.sink names {sink}, which is no folder by its whole path; make it, or mount its disk"
            )


def sink_folder(sink: Path, origin: str) -> Path:
    """Where a log's checkpoints lie in a sink that keeps those of many."""
    return sink / origin.removeprefix("proda/").replace("/", "-")
