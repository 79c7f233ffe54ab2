"""Whether a log is the one that was signed, and the one that was witnessed elsewhere: its checkpoints against its records.

A log names its signing keys in the records of its openings; who verifies names the keys to believe. From the record that names a
key on, a checkpoint must follow every record after which one is due, so that signatures cannot be taken away unseen but from the
end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from proda_core.errors import LedgerError
from proda_core.log.checkpoint import CheckpointFolder, origin_of, session_of
from proda_core.log.keys import PublicKey, fingerprint_of
from proda_core.log.merkle import MerkleTree
from proda_core.log.problem import Problem
from proda_core.log.record import Record, RecordKind
from proda_core.log.signer import is_due, sink_folder


class Standing(StrEnum):
    """What is known of a log's signatures (authenticity) or of its witness (anchoring)."""

    NOT_SIGNED = "not signed"
    SIGNED = "signed"
    UNVOUCHED = "signed by a key that nobody vouched for"
    NOT_ANCHORED = "not anchored"
    ANCHORED = "anchored"
    CONTRADICTED = "contradicted"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What an audit believes besides the log: ``trusted`` fingerprints (none: any that the log names) and, to anchor it, a sink.

    ``demanded``: the keys were named by who audits, so a log that is not signed fails.
    """

    checkpoints: Path
    trusted: frozenset[str] = frozenset()
    demanded: bool = False
    sink: Path | None = None

    def folders(self, records: Sequence[Record]) -> tuple[CheckpointFolder, CheckpointFolder | None]:
        """Where the checkpoints of this log lie: beside it, and in the sink if there is one."""
        beside = CheckpointFolder(self.checkpoints)
        if self.sink is None or not records:
            return beside, None
        return beside, CheckpointFolder(sink_folder(self.sink, _origin(records)))


@dataclass(frozen=True, slots=True)
class Sighting:
    """Sizes there were before the log was read for good: one that is being written may have grown since, and never shrinks."""

    beside: tuple[int, ...] = ()
    in_sink: tuple[int, ...] = ()

    @classmethod
    def of(cls, records: Sequence[Record], witnesses: Witnesses) -> Sighting:
        beside, sink = witnesses.folders(records)
        return cls(_sizes(beside), () if sink is None else _sizes(sink))


@dataclass(frozen=True, slots=True)
class Finding:
    """``upto``: the last record vouched for; ``keys``: fingerprints of the signers."""

    standing: Standing
    upto: int = 0
    keys: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Log:
    """The records that hold together, the roots at the sizes that matter, and the keys that they name."""

    records: Sequence[Record]
    whole: bool
    named: dict[str, tuple[PublicKey, int]] = field(
        default_factory=dict
    )  # fingerprint -> key, record that names it
    roots: dict[int, bytes] = field(default_factory=dict)


def _origin(records: Sequence[Record]) -> str:
    return origin_of(next(filter(None, map(session_of, records)), ""), records[0].hash)


def _sizes(folder: CheckpointFolder) -> tuple[int, ...]:
    """The sizes that there are; none for a folder that cannot be listed, which is a finding of its own later."""
    try:
        return tuple(folder.sizes())
    except LedgerError:
        return ()


def _now(folder: CheckpointFolder, before: Sequence[int], count: int) -> list[int]:
    """Sizes to judge a log of ``count`` records by: those there now, but beyond its end only those that were there before."""
    return sorted({*(s for s in folder.sizes() if s <= count), *(s for s in before if s > count)})


def judge_signatures(records: Sequence[Record], whole: bool, witnesses: Witnesses, seen: Sighting) -> Finding:
    """Authenticity. ``whole``: ``records`` are all that the file holds; else what stands behind them is not judged."""
    if not records:
        return Finding(Standing.NOT_JUDGED)
    folder, _ = witnesses.folders(records)
    try:
        sizes = _now(folder, seen.beside, len(records))
    except LedgerError as error:
        return Finding(Standing.CONTRADICTED, problems=(Problem(str(error)),))
    log = _read(records, whole, sizes)
    if not sizes and not log.named:
        asked = "the log is not signed, and a key was named that it should be signed by"
        return Finding(Standing.NOT_SIGNED, problems=(Problem(asked),) if witnesses.demanded else ())
    found = _against(folder, sizes, log, witnesses.trusted)
    problems = (*found.problems, *_missing(log, sizes))
    if problems:
        return Finding(Standing.CONTRADICTED, found.upto, found.keys, problems)
    return Finding(Standing.SIGNED if witnesses.trusted else Standing.UNVOUCHED, found.upto, found.keys)


def judge_anchoring(records: Sequence[Record], whole: bool, witnesses: Witnesses, seen: Sighting) -> Finding:
    """Anchoring: the same comparison with the checkpoints that lie in the sink."""
    if witnesses.sink is None:
        return Finding(Standing.NOT_ANCHORED)
    _, folder = witnesses.folders(records)
    if folder is None:
        return Finding(Standing.NOT_JUDGED)
    if not witnesses.sink.is_dir():
        away = Problem(f"the sink {witnesses.sink} is not there; mount it, or name where it is with --sink")
        return Finding(Standing.NOT_ANCHORED, problems=(away,))
    try:
        sizes = _now(folder, seen.in_sink, len(records))
    except LedgerError as error:
        return Finding(Standing.NOT_ANCHORED, problems=(Problem(str(error)),))
    if not sizes:
        text = f"the sink has no checkpoint of this log ({folder.path.name}): it is another one, or it was never anchored"
        return Finding(Standing.NOT_ANCHORED, problems=(Problem(text),))
    found = _against(folder, sizes, _read(records, whole, sizes), witnesses.trusted)
    standing = Standing.CONTRADICTED if found.problems else Standing.ANCHORED
    return Finding(standing, found.upto, found.keys, found.problems)


def _read(records: Sequence[Record], whole: bool, sizes: Sequence[int]) -> _Log:
    log, tree, wanted = _Log(records, whole), MerkleTree(), set(sizes)
    for record in records:
        tree.add(record.line()[:-1])
        if tree.size in wanted:
            log.roots[tree.size] = tree.root()
        key = _key_of(record)
        if key is not None:
            log.named.setdefault(key.fingerprint, (key, record.seq))
    return log


def named_keys(records: Sequence[Record]) -> dict[str, PublicKey]:
    """The keys that a log's openings name, by fingerprint. Whether they are to be believed is another question."""
    return {key.fingerprint: key for key in map(_key_of, records) if key is not None}


def _signing(record: Record) -> dict[str, Any] | None:
    """What an opening says of its signing: None for any other record, {} for an opening that does not sign."""
    if record.kind != RecordKind.SESSION or record.body.get("event") != "opened":
        return None
    said = record.body.get("signing")
    return said if isinstance(said, dict) else {}


def _key_of(record: Record) -> PublicKey | None:
    said = _signing(record) or {}
    try:
        raw = bytes.fromhex(str(said.get("public_key", "")))
    except ValueError:
        return None
    return PublicKey(raw) if len(raw) == 32 and fingerprint_of(raw) == said.get("key") else None


def _against(folder: CheckpointFolder, sizes: Sequence[int], log: _Log, trusted: frozenset[str]) -> Finding:
    """Each checkpoint against the log, smallest first, up to the first whose records are not the log's."""
    upto, keys, problems = 0, dict[str, None](), list[Problem]()
    have = len(log.records)
    for size in sizes:
        if size > have and not log.whole:
            break  # about records that cannot be read
        if size > have:
            problems.append(Problem(f"records {have + 1} to {size} were signed and are gone", have + 1))
            break
        found = folder.read(size)
        if found is None or found.checkpoint.origin != _origin(log.records):
            problems.append(Problem(f"checkpoint {size} is none of this log, or was changed", size))
            continue
        if found.checkpoint.root != log.roots[size]:
            text = f"records {upto + 1} to {size} are not those that were signed; one of them was changed"
            problems.append(Problem(text, upto + 1))
            break
        key, seq = log.named.get(found.checkpoint.key, (None, size + 1))
        if key is None or seq > size or not found.signed_by(key):
            problems.append(Problem(f"checkpoint {size} is not signed by a key that the log names", size))
            continue
        keys[key.fingerprint] = None
        if trusted and key.fingerprint not in trusted:
            continue
        upto = size
    for stranger in [key for key in keys if trusted and key not in trusted]:
        text = (
            f"signed by {stranger}, which is not the key to be believed; if it should be, name it with --key"
        )
        problems.append(Problem(text))
    return Finding(Standing.NOT_JUDGED, upto, tuple(keys), tuple(problems))


def _missing(log: _Log, sizes: Sequence[int]) -> Iterator[Problem]:
    """Records that a checkpoint must have followed before anything else was written, and did not."""
    signed, every, there = 0, 0, set(sizes)
    for record in log.records:
        said = _signing(record)
        if said == {} and every:
            yield Problem("the session was opened without signing what it signed before", record.seq)
            return
        if said:
            signed = signed if every else record.seq - 1  # an older log was not signed before
            every = int(said["every"]) if isinstance(said.get("every"), int) else 1
        if record.seq in there:
            signed = record.seq
        elif every and is_due(record, record.seq - signed, every) and record.seq < len(log.records):
            yield Problem(f"checkpoint {record.seq}, which was due after this record, is gone", record.seq)
            return
