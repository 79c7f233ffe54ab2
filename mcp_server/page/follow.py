"""Following a session for everybody who looks at its page: asked once, rendered once, whatever the number of viewers.

The status is asked at most once a second; the rest when the log says that something came of a call. A gathering that took t
seconds is not repeated for ``_REST`` times t: looking takes a small, fixed share of one core, and nothing when nobody looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp_server.page.gather import ask, gather
from mcp_server.page.render import Material, Plain, Section, live_now, live_sections
from proda_core.errors import ProdaError
from tools.host import Host

_STATUS_S = 1.0
_REST = 10
_TELLING = frozenset(
    {"outcome", "decision", "steering", "session"}
)  # records that change what the page shows


@dataclass(frozen=True, slots=True)
class _Shown:
    """A gathering: its material, the sections made of it, and how many telling records the log had."""

    material: Material
    sections: Mapping[str, Section]
    telling: int


class Follower:
    """The page's sections as they are now; ``version`` counts the gatherings. ``clock`` gives seconds."""

    def __init__(self, host: Host, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.version = 0
        self._host, self._clock = host, clock
        self._shown: _Shown | None = None
        self._status: Plain = {}
        self._status_until = self._rest_until = float("-inf")
        self._gathering: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()
        self._trouble = ""
        self._rendered: tuple[tuple[Plain, Material, int, str], Section] | None = None

    async def whole(self) -> tuple[Material, dict[str, Section]]:
        """Everything, gathered first if it never was. ProdaError when it cannot be."""
        shown = await self._first()
        return shown.material, {"now": await self._now(shown), **shown.sections}

    async def section(self, name: str) -> Section | None:
        """One section by name; None for a name that none has. ``now`` looks whether the others have to be gathered anew."""
        shown = await self._first()
        if name != "now":
            return shown.sections.get(name)
        self._follow(shown)
        return await self._now(self._shown or shown)

    async def _first(self) -> _Shown:
        if self._shown is None:
            gathering = self._gathering = self._gathering or asyncio.create_task(self._gather())
            try:
                await asyncio.shield(gathering)
            finally:
                if gathering.done():
                    self._gathering = None  # whoever comes next tries again
        if self._shown is None:
            raise ProdaError(self._trouble)
        return self._shown

    async def _now(self, shown: _Shown) -> Section:
        key = (await self._status_now(), shown.material, self.version, self._trouble)
        if self._rendered is None or any(
            new is not old for new, old in zip(key, self._rendered[0], strict=True)
        ):
            status, material, version, trouble = key
            self._rendered = key, live_now(material, status, version=version, trouble=trouble)
        return self._rendered[1]

    async def _status_now(self) -> Plain:
        async with self._asking:
            if self._clock() >= self._status_until:
                self._status = await ask(self._host, "get_status")
                self._status_until = self._clock() + _STATUS_S
            return self._status

    def _follow(self, shown: _Shown) -> None:
        """Begin to gather where the log tells more than what is shown, unless that is under way or was just done."""
        task = self._gathering
        if task is not None and not task.done():
            return
        if task is not None:
            self._gathering = None
            task.result()  # what was not expected is not swallowed, and said once
        if self._telling() != shown.telling and self._clock() >= self._rest_until:
            self._gathering = asyncio.create_task(self._gather())

    async def _gather(self) -> None:
        began = self._clock()
        try:
            telling, status = self._telling(), await self._status_now()
            material = await asyncio.to_thread(asyncio.run, gather(self._host, status))
            self._shown = _Shown(material, live_sections(material), telling)
            self.version += 1
            self._trouble = ""
        except ProdaError as error:
            self._trouble = f"The session's figures cannot be read: {error}"
        finally:
            self._rest_until = self._clock() + _REST * (self._clock() - began)

    def _telling(self) -> int:
        return sum(record.kind in _TELLING for record in self._host.records())
