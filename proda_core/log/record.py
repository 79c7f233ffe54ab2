"""One record of the decision log and its one byte form: canonical JSON on a line, with a hash over everything in it.

The hash covers the record without itself, and so, by ``prev``, every record before. ``parse_line`` accepts exactly the bytes that
``line`` of the same record gives and nothing else: other spacing, a repeated key or a changed byte is refused with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from proda_core.errors import LedgerError
from proda_core.ids import canonical_json, digest

GENESIS = "0" * 64
"""``prev`` of the first record."""


class RecordKind(StrEnum):
    """``intent`` before a consequential call, ``outcome`` after; both are written once for a key."""

    INTENT = "intent"
    OUTCOME = "outcome"
    DECISION = "decision"
    OBSERVATION = "observation"
    SESSION = "session"
    REFUSAL = "refusal"
    NOTE = "note"
    STEERING = "steering"


@dataclass(frozen=True, slots=True)
class Record:
    """``seq`` counts from 1 and is the line's number; ``key`` is made from content; ``at`` is UTC and part of no identity."""

    seq: int
    kind: str
    key: str
    body: dict[str, Any]
    budget: dict[str, Any] | None
    at: str
    prev: str
    hash: str

    def line(self) -> bytes:
        """The bytes in the file, line end included."""
        return canonical_json(asdict(self)) + b"\n"


def chained(
    kind: str,
    key: str,
    *,
    body: Mapping[str, Any],
    budget: Mapping[str, Any] | None,
    after: Record | None,
    at: str,
) -> Record:
    """The record that follows ``after``. LedgerError for an unknown kind or a body that is not JSON."""
    if kind not in list(RecordKind):
        raise LedgerError(f"no record kind {kind!r}; there are {', '.join(RecordKind)}")
    plain = {
        "seq": 1 if after is None else after.seq + 1,
        "kind": str(kind),
        "key": key,
        "body": dict(body),
        "budget": None if budget is None else dict(budget),
        "at": at,
        "prev": GENESIS if after is None else after.hash,
    }
    try:
        plain = json.loads(canonical_json(plain))  # what is kept in memory is what a reader will find
    except (TypeError, ValueError, RecursionError) as error:
        raise LedgerError(f"{kind} {key!r} cannot be logged: its body is not JSON ({error})") from error
    return Record(**plain, hash=digest(plain))


@dataclass(frozen=True, slots=True)
class BadLine:
    """Why a line is no record."""

    reason: str


def parse_line(line: bytes) -> Record | BadLine:
    """The record in a line without its line end, or what is wrong with it. The chain is the caller's to check."""
    try:
        plain = json.loads(line.decode("utf-8"))
        if not isinstance(plain, dict) or set(plain) != set(Record.__slots__):
            return BadLine("it does not have a record's fields")
        if canonical_json(plain) != line:
            return BadLine("its bytes are not the record's canonical form")
        found = plain.pop("hash")
        if digest(plain) != found:
            return BadLine("its hash does not cover it")
    except UnicodeDecodeError:
        return BadLine("it is not UTF-8")
    except (ValueError, RecursionError):
        return BadLine("it is not JSON")
    return Record(**plain, hash=found)
