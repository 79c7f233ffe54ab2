"""Training data and what it compiles to: Example rows with lineage, Mixtures with roles, Adapters."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ExampleKind(StrEnum):
    DEFINITION = "definition"  # one concept
    RELATION = "relation"  # one or several single facts
    CONTRAST = "contrast"  # a concept against its neighbours (concept_gap patches)
    CHAIN = "chain"  # chain of thought along a chain or a walk (reasoning_deficit patches, scaffold)
    GENERAL = "general"  # general skill, regenerated from generator and seed


class Format(StrEnum):
    QA = "qa"
    CHOICE = "choice"
    TRUE_FALSE = "true_false"


class Role(StrEnum):
    PATCH = "patch"
    CARRIED = "carried"
    SCAFFOLD = "scaffold"
    REPLAY = "replay"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Message:
    role: str  # "user" or "assistant"
    content: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a row teaches. ``l1_ids``/``l2_ids`` are sorted; ``origin`` says what asked for it (diagnosis or item-free source)."""

    l1_ids: tuple[str, ...] = ()
    l2_ids: tuple[str, ...] = ()
    chain_id: str = ""
    template: str = ""
    generator: str = ""  # general rows: name of the generator, with seed and index
    seed: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """One training row. ``example_id`` is made from kind, format and messages (not from lineage, which it must justify)."""

    example_id: str
    kind: ExampleKind
    format: Format
    messages: tuple[Message, ...]
    lineage: Lineage
    discipline: str = "000"

    @property
    def text(self) -> str:
        return "\n".join(m.content for m in self.messages)


@dataclass(frozen=True, slots=True)
class MixtureRow:
    role: Role
    example: Example


@dataclass(frozen=True, slots=True)
class Mixture:
    """The exact rows of one training run, in order. ``mixture_id`` comes from ``digest``: rows, roles and names."""

    mixture_id: str
    digest: str
    benchmark_digest: str
    snapshot_digest: str
    rows: tuple[MixtureRow, ...]
    seed: int
    notes: dict[str, str] = field(default_factory=dict)  # e.g. replay shortage


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA weights a mixture compiled to; ``path`` is relative to the session folder, ``final_loss`` the last steps' mean."""

    adapter_id: str
    mixture_id: str
    base: str
    base_digest: str
    path: str
    steps: int
    tokens: int
    wall_s: float
    final_loss: float


def example_parts(kind: ExampleKind, format: Format, messages: tuple[Message, ...]) -> list[object]:
    """What an example's ID is made of."""
    return [kind.value, format.value, [[m.role, m.content] for m in messages]]
