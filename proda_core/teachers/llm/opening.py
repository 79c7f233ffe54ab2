"""The asker of a session's job: its journal, its limits and its way of asking are the session's own.

How calls are made and what they may cost is read from the session folder and the ledger, not from the job's request: it may
change when a session is resumed, and the job is still the same job.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic_ai.models import Model

from proda_core.config import TeacherConfig
from proda_core.ledger import CallJournal, read_budget
from proda_core.session import SessionFolder
from proda_core.teachers.llm.asker import Means, ModelAsker


def session_asker(
    session: Path,
    config: TeacherConfig,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    model: Model | None = None,
) -> ModelAsker:
    """``session_asker(context.session, config, context.should_stop)``; ``async with`` it, or let it end with the worker.

    ``model`` stands in the place of the one that ``config`` names."""
    folder = SessionFolder.open(session)
    means = Means(limit=lambda: read_budget(folder.ledger).money.limit, should_stop=should_stop, model=model)
    return ModelAsker(CallJournal(folder.calls), config, folder.config.calls, means)
