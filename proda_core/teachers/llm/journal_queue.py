"""The call journal behind one queue: what many calls want written at once is one transaction in one thread, forced to disk once.

So the event loop never waits for a disk, and a server of many slots is kept busy whatever a forced write costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

from proda_core.errors import BudgetExhausted, LedgerError
from proda_core.ledger import CallJournal

T = TypeVar("T")


class JournalQueue:
    """``await queue.do(lambda: journal.begin(...))``: done, on disk, when it returns."""

    def __init__(self, journal: CallJournal) -> None:
        self._journal = journal
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._drain_task: asyncio.Task[None] | None = None

    async def do(self, act: Callable[[], T]) -> T:
        """What ``act`` gives, or the BudgetExhausted or LedgerError that it raises."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((act, future))
        if self._drain_task is None or self._drain_task.done():
            self._drain_task = asyncio.create_task(self._drain())
        return cast(T, await future)

    async def close(self) -> None:
        """Wait until everything is written."""
        if self._drain_task is not None:
            await self._drain_task

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            done: list[Any] = []
            try:
                done = await asyncio.to_thread(self._journal.together, [act for act, _ in batch])
            except LedgerError as error:
                done = [error] * len(batch)
            finally:
                _tell([future for _, future in batch], done)


def _tell(waiting: list[asyncio.Future[Any]], done: list[Any]) -> None:
    """Each its result or its error. A defect leaves nothing done: then they are cancelled, and nobody waits for ever."""
    for place, future in enumerate(waiting):
        if future.done():
            continue  # whoever asked was cancelled; what was written stands
        if not done:
            future.cancel()
        elif isinstance(done[place], BudgetExhausted | LedgerError):
            future.set_exception(done[place])
        else:
            future.set_result(done[place])
