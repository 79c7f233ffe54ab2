"""Texts: a Document as loaded and repaired, the Chunks it was curated into, and what was dropped and why."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Document:
    """A source text. ``discipline`` is a ProDa-16 code ("001" to "016") or "000" when unknown."""

    doc_id: str
    path: str
    title: str
    text: str
    discipline: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A curated span: ``text == document.text[start:end]`` (character offsets in the repaired text)."""

    chunk_id: str
    doc_id: str
    start: int
    end: int
    text: str
    discipline: str
    title: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was left out: a file or chunk at ``stage`` load, filter or dedup, or what a teacher said of a chunk
    (``source`` its ID); ``reason`` one word; ``sample`` its first characters."""

    source: str
    stage: str
    reason: str
    detail: str = ""
    sample: str = ""
