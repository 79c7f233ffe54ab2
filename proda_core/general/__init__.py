"""General skill: deterministic in-context tasks over made-up names, in two families that share no name and no wording."""

from proda_core.general.names import Family, NameSource, family_of
from proda_core.general.questions import Kind, NoQuestionError
from proda_core.general.tasks import (
    ALL_KINDS,
    PRACTISED_KINDS,
    GeneralTask,
    generate_tasks,
    regenerate_task,
    reply_is_right,
)

__all__ = [
    "ALL_KINDS",
    "PRACTISED_KINDS",
    "Family",
    "GeneralTask",
    "Kind",
    "NameSource",
    "NoQuestionError",
    "family_of",
    "generate_tasks",
    "regenerate_task",
    "reply_is_right",
]
