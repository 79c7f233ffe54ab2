"""An asker for a job of a session: its journal, its limits and its way of asking are the session's own.

How calls are made and what they may cost is read from the session folder and the ledger, not from the job's request: it may
change when a session is resumed, and the job is still the same job.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from proda_core.config import TeacherConfig
from proda_core.ledger import CallJournal, read_budget
from proda_core.session import SessionFolder
from proda_core.teachers.llm.asker import Means, ModelAsker


@asynccontextmanager
async def open_asker(
    session: Path, config: TeacherConfig, should_stop: Callable[[], bool] = lambda: False
) -> AsyncIterator[ModelAsker]:
    """``async with open_asker(context.session, config, context.should_stop) as asker``."""
    folder = SessionFolder.open(session)
    means = Means(limit=lambda: read_budget(folder.ledger).money.limit, should_stop=should_stop)
    with closing(CallJournal(folder.calls)) as journal:
        async with ModelAsker(journal, config, folder.config.calls, means) as asker:
            yield asker
