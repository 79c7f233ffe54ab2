"""The clock, passed in wherever time is read: UTC for records, monotonic seconds for budgets and hang detection.

No identity, key or decision depends on it. ``FakeClock`` is the shipped fake: it moves only when told to.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back, and stands still while the machine is suspended."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(slots=True)
class FakeClock:
    """A clock for tests: starts at ``start`` and moves by ``advance`` only."""

    start: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    elapsed: float = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.elapsed += seconds


def stamp(clock: Clock) -> str:
    """``clock.now()`` as it is written into records: ISO 8601, milliseconds, Z."""
    return written(clock.now())


def written(moment: datetime) -> str:
    """A moment as records and results have it: ISO 8601 in UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
