"""Which teacher a configuration names: the one place where a job gets who reads for it, or words its questions.

What calls a model is imported where a model is asked for, so that the patterns start without it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from proda_core.config import TeacherConfig
from proda_core.errors import ConfigError
from proda_core.jobs.contract import JobContext
from proda_core.session import SessionFolder
from proda_core.teachers.llm.asking import Asker
from proda_core.teachers.llm.teacher import LlmTeacher
from proda_core.teachers.llm.wording import Rewriter
from proda_core.teachers.protocol import Teacher
from proda_core.teachers.rules import RulesTeacher


def teacher_from(config: TeacherConfig, context: JobContext) -> Teacher:
    """The teacher for a job."""
    if config.kind == "rules":
        return RulesTeacher(definitions=config.definitions)
    return LlmTeacher(_opening(config, context), model=config.model or "", at_once=_at_once(context))


def rewriter_from(config: TeacherConfig, context: JobContext) -> Rewriter:
    """Who words questions anew for a job. ConfigError where the teacher is no model."""
    if config.kind == "rules":
        raise ConfigError("synthesis.reworded_rows needs a model: set teacher.kind to llm, or the rows to 0")
    return Rewriter(_opening(config, context), at_once=_at_once(context))


def _opening(config: TeacherConfig, context: JobContext) -> Callable[[], AbstractAsyncContextManager[Asker]]:
    from proda_core.teachers.llm.opening import session_asker

    return lambda: session_asker(context.session, config, context.should_stop)


def _at_once(context: JobContext) -> int:
    """More in hand than calls may be under way, so that no slot waits for the checking of an answer."""
    return 2 * SessionFolder.open(context.session).config.calls.concurrency
