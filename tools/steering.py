"""What operators asked for, as far as it is in the log: the one place that says what holds now.

Pause and stop hold until they are taken back (or, for a stop, until it was decided on); wishes are of the next decision alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proda_core.log import Record
from proda_core.session import Inbox, SteerKind, SteerRequest
from proda_core.types import DecisionKind, Wish


@dataclass(slots=True)
class Steering:
    """The state after some records: ``applied`` are IDs of requests that are in the log."""

    paused: str = ""  # by whom and why
    stop: str = ""
    wishes: list[Wish] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)

    def take(self, body: Mapping[str, Any]) -> None:
        """Change as a request's plain form says."""
        said = f"{body['by']}: {body['why']}"
        kind = SteerKind(body["kind"])
        if kind is SteerKind.PAUSE:
            self.paused = said
        elif kind is SteerKind.RESUME:
            self.paused = self.stop = ""
        elif kind is SteerKind.STOP:
            self.paused, self.stop = "", said
        elif kind in (SteerKind.VETO, SteerKind.PREFER):
            self.wishes.append(Wish(kind.value, DecisionKind(body["option"]), body["by"], body["why"]))

    def waiting(self, inbox: Inbox) -> list[SteerRequest]:
        """The requests that are not in the log yet, in the order written."""
        return [request for request in inbox.requests() if request.id not in self.applied]


def read_steering(records: Iterable[Record]) -> Steering:
    """Fold the log's records, in order."""
    state = Steering()
    for record in records:
        if record.kind == "decision":
            state.stop, state.wishes = "", []
        elif record.kind == "steering":
            state.applied.add(record.key)
            state.take(record.body)
    return state
