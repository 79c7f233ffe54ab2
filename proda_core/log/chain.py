"""Reading the log's file: the longest prefix that holds, and the first thing that does not.

Nothing is repaired here. A last line without its line end is a torn tail, which a kill can leave; anything else that is wrong
cannot come from a kill.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proda_core.errors import LedgerError
from proda_core.log.record import GENESIS, BadLine, Record, RecordKind, parse_line


@dataclass(frozen=True, slots=True)
class Broken:
    """The first bad record: its line, the sequence number that belongs there, and why it is bad. ``torn``: only unfinished."""

    line: int
    reason: str
    torn: bool = False

    def __str__(self) -> str:
        return f"record {self.line} (line {self.line}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Chain:
    """``records`` hold together from the first; ``size`` is their bytes; ``broken`` says what follows them, if bad."""

    records: tuple[Record, ...]
    size: int
    broken: Broken | None


def read_chain(path: Path) -> Chain:
    """Read a log as far as it holds. LedgerError when the file cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LedgerError(f"cannot read {path.name}: {error.strerror}; restore it from a backup") from error
    records: list[Record] = []
    size = 0
    *lines, tail = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        found = _next(line, records)
        if isinstance(found, BadLine):
            return Chain(tuple(records), size, Broken(number, found.reason))
        records.append(found)
        size += len(line) + 1
    broken = Broken(len(lines) + 1, "it is incomplete: no line end", torn=True) if tail else None
    return Chain(tuple(records), size, broken)


def read_records(path: Path) -> tuple[Record, ...]:
    """Every record, for a reader beside a running host. LedgerError names the first bad one; a torn tail is left out."""
    chain = read_chain(path)
    if chain.broken is not None and not chain.broken.torn:
        raise LedgerError(f"{path.name} cannot be trusted: {chain.broken}; restore it from a backup")
    return chain.records


def _next(line: bytes, before: list[Record]) -> Record | BadLine:
    record = parse_line(line)
    if isinstance(record, BadLine):
        return record
    if record.seq != len(before) + 1 or isinstance(record.seq, bool):
        return BadLine(f"it carries number {record.seq}: records are missing, repeated or out of order")
    if record.prev != (before[-1].hash if before else GENESIS):
        return BadLine("it does not follow the record before it")
    if record.kind not in list(RecordKind) or not isinstance(record.body, dict):
        return BadLine("it is of no known kind or has no body")
    return record
