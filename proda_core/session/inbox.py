"""The steering inbox: what people ask of a session, a file a request, kept as it was written.

Anybody may post beside a running host, or where there is none; the host applies what it has not logged yet at its next decision
and logs it with who asked and why. A request's ID is made from its content, so the same file read twice is one request. The
file ``STOP`` is the way in that needs nothing but a shell: the session ends within seconds of its appearing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from proda_core.artifacts import write_atomic
from proda_core.clock import Clock, SystemClock, stamp
from proda_core.errors import ProdaError, SessionError
from proda_core.ids import canonical_json, make_id
from proda_core.serialize import from_plain
from proda_core.types import DecisionKind

LONGEST_TEXT = 500
MOST_ROUNDS = 1_000_000
MOST_REQUESTS = 1000  # in a session's life: they are kept, and read at each decision


class SteerKind(StrEnum):
    """What may be asked. ``stop`` waits for the next decision; ``veto`` and ``prefer`` are of that one decision."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    BUDGET = "budget"
    VETO = "veto"
    PREFER = "prefer"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class SteerRequest:
    """One request. ``option`` is set for veto and prefer, ``limits`` (by resource; None lifts a limit) for budget."""

    kind: SteerKind
    by: str
    why: str
    at: str
    option: DecisionKind | None = None
    limits: dict[str, float | None] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return make_id("h", *asdict(self).values())

    def check(self) -> None:
        """SessionError for a request that nobody could carry out."""
        for name, text in (("by", self.by), ("why", self.why)):
            if not text.strip() or len(text) > LONGEST_TEXT or not text.isprintable():
                raise SessionError(
                    f"{name}: one line of 1 to {LONGEST_TEXT} characters is needed; the log keeps it"
                )
        chosen = self.kind in (SteerKind.VETO, SteerKind.PREFER)
        if chosen != (self.option is not None):
            raise SessionError(
                "veto and prefer name an option (patch, replay or stop), and no other request does"
            )
        if (self.kind is SteerKind.BUDGET) != bool(self.limits):
            raise SessionError("budget names at least one limit, and no other request has any")


class Inbox:
    """The folder of requests of one session. Kept, it reads each file once: what was written stays as it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_before: dict[str, SteerRequest] = {}  # by the file's name, which is made from all it says

    def post(
        self,
        kind: SteerKind,
        *,
        by: str,
        why: str,
        option: DecisionKind | None = None,
        limits: Mapping[str, float | None] | None = None,
        clock: Clock | None = None,
    ) -> SteerRequest:
        """Write a request down. SessionError when it makes no sense or the inbox is full."""
        amounts = {name: None if amount is None else float(amount) for name, amount in (limits or {}).items()}
        request = SteerRequest(kind, by, why, stamp(clock or SystemClock()), option, amounts)
        request.check()
        if len(self._names()) >= MOST_REQUESTS:
            raise SessionError(f"the inbox is full: it keeps {MOST_REQUESTS} requests in a session's life")
        write_atomic(self._folder / f"{request.id}.json", canonical_json(asdict(request)))
        return request

    def requests(self) -> tuple[SteerRequest, ...]:
        """Every request, in the order written. A file that is none, or not the one it is named after, is left out."""
        before = self._read_before
        found = {name: before.get(name) or self._read(self._folder / name) for name in self._names()}
        self._read_before = {name: one for name, one in found.items() if one}
        return tuple(sorted(self._read_before.values(), key=lambda one: (one.at, one.id)))

    def odd(self) -> tuple[str, ...]:
        """Names of the files that were left out, sorted: somebody put there what no request of this project is."""
        return tuple(sorted(set(self._names()) - {f"{one.id}.json" for one in self.requests()}))

    def _names(self) -> list[str]:
        return [path.name for path in self._folder.glob("*.json")]

    @staticmethod
    def _read(path: Path) -> SteerRequest | None:
        try:
            plain: dict[str, Any] = json.loads(path.read_bytes())
            request = from_plain(SteerRequest, plain)
            request.check()
        except (OSError, ValueError, TypeError, LookupError, ProdaError):
            return None
        return request if path.stem == request.id else None
