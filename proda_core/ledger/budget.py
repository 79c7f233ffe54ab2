"""What a session may spend and has spent: one Meter a resource, four resources, plain enough for the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from proda_core.errors import LedgerError


class Resource(StrEnum):
    """``wall_s``: seconds a host was running. ``rounds``: rounds after V1. ``disk_bytes``: bytes in the session folder.
    ``money``: what calls to a teacher model cost, in the currency of its prices."""

    WALL_S = "wall_s"
    ROUNDS = "rounds"
    DISK_BYTES = "disk_bytes"
    MONEY = "money"


def resource_named(name: str) -> Resource:
    """The resource of that name; LedgerError lists those there are."""
    try:
        return Resource(name)
    except ValueError as error:
        raise LedgerError(f"no resource {name!r}; there are {', '.join(Resource)}") from error


METERED = (Resource.WALL_S, Resource.DISK_BYTES, Resource.MONEY)
"""Resources measured as they are used. Settling their reservations frees what was held and adds nothing: the meter has it."""


@dataclass(frozen=True, slots=True)
class Meter:
    """``used`` so far, ``held`` by reservations not settled, under ``limit`` (None: unlimited); in the resource's unit."""

    limit: float | None
    used: float = 0.0
    held: float = 0.0

    @property
    def left(self) -> float | None:
        """What may still be reserved, never below 0; None when unlimited."""
        return None if self.limit is None else max(0.0, self.limit - self.used - self.held)


@dataclass(frozen=True, slots=True)
class Budget:
    """A snapshot of the meters, for the log's *before* and *after*."""

    wall_s: Meter
    rounds: Meter
    disk_bytes: Meter
    money: Meter = field(default_factory=lambda: Meter(None))  # older logs know of none

    def of(self, resource: str) -> Meter:
        """One meter; LedgerError for a resource there is not."""
        meter: Meter = getattr(self, resource_named(resource).value)
        return meter

    def exhausted(self) -> Resource | None:
        """The first resource whose use has reached its limit, or None. What is held does not count: it is not spent yet."""
        for resource in Resource:
            meter = self.of(resource)
            if meter.limit is not None and meter.used >= meter.limit:
                return resource
        return None
