"""What extraction sees of a teacher: chunks in, a Reading of each out. Two stand behind it: patterns, and a model.

A Reading is what one chunk says, in the text's own words before canonicalisation: propositions with the sentence they
were read from, the chains they join into, definitions and aliases. Offsets are inside the chunk's text. What a teacher was
told and did not believe is in the Reading too, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from proda_core.types import Chunk, Dropped

OnRead = Callable[[int, int], None]
"""``(done, total)`` after each chunk; it may raise to cancel."""


@dataclass(frozen=True, slots=True)
class Proposition:
    """One triple as read. ``type`` is a row of Φ; ``start:end`` is the sentence, ``verb_phrase`` the text's wording."""

    subject: str
    type: str
    object: str
    verb_phrase: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Definition:
    """What the text says a term is, one clause without the term."""

    term: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Alias:
    """Two names of one concept, as the text introduces them ("also called", an abbreviation in brackets)."""

    term: str
    alias: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one chunk says. ``chains`` index ``propositions``; a proposition on no chain may still join across chunks.

    ``spare`` are kinds that a name alone tells ("price floor": floor): used where a concept would else lie on no chain.
    ``dropped`` is by stage: chunk (set aside, nothing read), concepts (its definitions were), relation, definition, alias.
    """

    chunk_id: str
    propositions: tuple[Proposition, ...] = ()
    chains: tuple[tuple[int, ...], ...] = ()
    definitions: tuple[Definition, ...] = ()
    aliases: tuple[Alias, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    spare: tuple[Proposition, ...] = ()


class Teacher(Protocol):
    """Reads chunks. ``name`` is part of what an extraction's identity is made of."""

    @property
    def name(self) -> str: ...

    def read_all(self, chunks: Sequence[Chunk], on_read: OnRead) -> tuple[Reading, ...]:
        """A reading of each chunk, in the chunks' order, whichever was read first."""
        ...
