"""One paid question to a model and whoever answers it, so that a teacher knows nothing of providers, retries or money.

A Task holds all that its answer depends on besides the model: asked again, it is answered from the cache and costs nothing.
``instructions`` are ours; ``content`` is corpus text, handed over as data in a labelled field, and obeyed never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """``kind`` names the sort of call in logs and figures ("chains", "relations", …); ``output`` is strict, extra=forbid."""

    kind: str
    output: type[T]
    instructions: str
    content: str


class Asker(Protocol):
    """Answers Tasks, any number at a time.

    ``ask`` raises errors.SetAside where this one task has no good answer after bounded retries (refusal, loop, truncation, wrong
    form: the caller leaves it out and keeps the reason), and another ProdaError where nothing more can be asked (money or
    quota out, server gone: the job ends, and resumes where it stood).
    """

    @property
    def name(self) -> str:
        """The provider and model, part of what an extraction's identity is made of."""
        ...

    async def ask(self, task: Task[T]) -> T: ...
