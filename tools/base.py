"""What a tool is: a name, typed arguments, a typed result and one coroutine over the session's Host.

Arguments are strict: an unknown name is refused and nothing is coerced. Results are pydantic models, so that a server can
publish their schema. Expected failures are raised as ProdaError and reported by the server as typed errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.host import Host

Scope = Literal["read", "steer", "work"]
Tell = Callable[[float, float, str], Awaitable[None]]
"""Hears how far a call has come: units done, units in all, a short note."""
ID = Annotated[str, Field(pattern=r"^[a-z]_[0-9a-f]{16}$")]


class ToolModel(BaseModel):
    """Base of every argument and result model."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoArguments(ToolModel):
    """The tool takes no arguments."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One verb. Tools of scope ``read`` never change the session; of scope ``steer`` they put a request where its host finds it.

    A reader without the host lock gets these two and not ``work``. One that ``waits`` changes nothing; its ``run`` takes a Tell
    as a third argument.
    """

    name: str
    description: str
    arguments: type[ToolModel]
    result: type[ToolModel]
    run: Callable[Concatenate[Host, Any, ...], Awaitable[ToolModel]]
    scope: Scope = "work"
    waits: bool = False
