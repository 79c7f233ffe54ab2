"""What a named attack is: who cheats for what, the guard that stops it, and ``act``, which carries it out for real.

``act`` is given a Ground: copies of one small session that was really run, brought to a stage, and hosts of them to call tools
on. It says whether the cheater got what it wanted, judged by what was wanted and never by what the guard says, and where the
attempt is written down. An attack that nothing stops says so in ``open_because`` and is listed as that, not left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

from proda_core.session import SessionFolder

By = Literal["writer", "controller", "client", "insider"]
"""Who cheats: a writer of rows (a teacher, a worker), the controller, a client of the server, or who writes to the folder."""


class Stage(StrEnum):
    """How far a session has come; the tool named is the next one."""

    WRITING = "synthesise_examples"
    PATCHING = "write_patch"
    SCORING = "evaluate_model"
    JUDGING = "judge_candidate"
    ENDED = "nothing: the session has ended"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answered: its result, or its typed error."""

    ok: bool
    body: dict[str, Any]

    @property
    def error(self) -> str:
        """The error's type; "" for none."""
        return "" if self.ok else str(self.body.get("error", {}).get("type", "error"))


class Calls(Protocol):
    """Tools of a hosted session, as a client calls them."""

    async def __call__(self, tool: str, **arguments: Any) -> Answer:
        """Call a tool and return what it answers at once."""

    async def done(self, tool: str, **arguments: Any) -> Answer:
        """Call a tool that starts a job and wait for its end; the last handle, whatever its state."""


class Ground(Protocol):
    """Where attacks are carried out. Every session given is a copy of its own."""

    @property
    def scratch(self) -> Path:
        """A new empty folder."""

    async def session(self, stage: Stage) -> SessionFolder:
        """A copy of the session at a stage."""

    def hosted(self, folder: SessionFolder) -> AbstractAsyncContextManager[Calls]:
        """A host that owns the session, and the tools as its controller has them."""

    def served(self, folder: SessionFolder) -> AbstractAsyncContextManager[Calls]:
        """The same over HTTP, for who holds the token that reads."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How it went. ``saw``: what the cheater got or not; ``stopped``: where the refusal or finding is written, "" nowhere."""

    won: bool
    saw: str
    stopped: str


Act = Callable[[Ground], Awaitable[Attempt]]


@dataclass(frozen=True, slots=True)
class Attack:
    """``guard`` is what stops it, in words; ``success`` how it is known that the cheater got it."""

    name: str
    family: str
    by: By
    wants: str
    guard: str
    success: str
    act: Act
    open_because: str = ""

    async def try_it(self, ground: Ground) -> Attempt:
        """Carry it out on copies of a real session."""
        return await self.act(ground)
