"""What a probe is: one question about one node, its format, what counts as right, and how often a guess is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProbeFormat(StrEnum):
    """How a node is asked. ``IN_CHAIN`` is the next step of a chain of thought; it is reported apart and never counted."""

    CHOICE = "choice"
    INVERSE = "inverse"  # a choice as well, asked from the other end
    RECALL = "recall"
    IN_CHAIN = "in_chain"

    @property
    def counted(self) -> bool:
        return self is not ProbeFormat.IN_CHAIN


@dataclass(frozen=True, slots=True)
class Probe:
    """``options`` are the replies compared (none for recall), ``gold`` the right one's place among them.

    For recall ``accepted`` are the terms of which the reply must say one, and ``given`` those that the question itself says,
    so that repeating the question is no answer. ``chance`` is the share that guessing gets right.
    """

    node_id: str
    format: ProbeFormat
    prompt: str
    options: tuple[str, ...] = ()
    gold: int = 0
    accepted: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def chance(self) -> float:
        return 1 / len(self.options) if self.options else 0.0
