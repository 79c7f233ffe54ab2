"""Multiple-choice tasks of lm-evaluation-harness as questions: the library knows their data, wording, options and golds.

Nothing is downloaded: a task's data is in the local cache of ``datasets`` or a file that the task names. What cannot be had is
a ConfigError that says so. Tasks that are generated answers or perplexities are refused: a question here has options.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evals.questions import Question
from proda_core.errors import ConfigError

if TYPE_CHECKING:
    from lm_eval.tasks import TaskManager

_KIND = "multiple_choice"
_ASKED_BY = ("Answer:", "Question:")  # what a student's plain form puts around a text by itself


def harness_questions(names: Sequence[str], *, folder: str | None) -> dict[str, list[Question]]:
    """By task, a group's tasks each under its own name."""
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise ConfigError(
            "general.tasks needs lm-evaluation-harness: pip install 'proda-agent[lm-eval]'"
        ) from error
    found: dict[str, list[Question]] = {}
    manager: TaskManager | None = None
    for name in names:
        if manager is None or name not in manager.all_tasks:
            manager = _manager(TaskManager, name, folder)
        for task_name, task in _loaded(manager, name).items():
            found[task_name] = _questions(task_name, task)
    return found


def _manager(make: type[TaskManager], name: str, folder: str | None) -> TaskManager:
    """One that knows the task: of the folder alone, which is read at once, or with the library's own, which takes a while."""
    own = make(include_path=folder, include_defaults=False) if folder else None
    if own is not None and name in own.all_tasks:
        return own
    whole = make(include_path=folder)
    if name not in whole.all_tasks:
        near = [known for known in whole.all_tasks if name.lower() in known.lower()][:5]
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise ConfigError(f"general.tasks: lm-evaluation-harness has no task {name!r}{hint}")
    return whole


def _loaded(manager: TaskManager, name: str) -> dict[str, Any]:
    from datasets.exceptions import DatasetsError

    try:
        tasks: dict[str, Any] = manager.load(name)["tasks"]
    except (DatasetsError, OSError, ValueError) as error:  # what offline datasets raise
        raise ConfigError(
            f"general.tasks: the data of {name!r} is not at hand ({_short(error)}); load it once into the cache of "
            "`datasets` on a machine with a network, or name a JSONL file in general.questions"
        ) from error
    return tasks


def _questions(name: str, task: Any) -> list[Question]:
    if task.OUTPUT_TYPE != _KIND:
        raise ConfigError(
            f"general.tasks: {name!r} is a {task.OUTPUT_TYPE} task; only {_KIND} tasks are asked here"
        )
    if task.multiple_input:
        raise ConfigError(f"general.tasks: {name!r} varies its question and not its options; leave it out")
    return [_question(name, task, doc) for doc in task.eval_docs]


def _question(name: str, task: Any, doc: Any) -> Question:
    options = [str(option) for option in task.doc_to_choice(doc)]
    gold = _gold(task.doc_to_target(doc), options)
    if gold is None:
        raise ConfigError(
            f"general.tasks: {name!r} has a question whose answer is none of its options; leave it out"
        )
    text = str(task.doc_to_text(doc)).strip()
    text = text.removesuffix(_ASKED_BY[0]).removeprefix(_ASKED_BY[1]).strip()
    return Question.of(text, options, gold, subject=name, source=name)


def _gold(target: Any, options: Sequence[str]) -> int | None:
    """A place, or an option's own text."""
    if isinstance(target, int):
        return target if 0 <= target < len(options) else None
    return options.index(str(target)) if str(target) in options else None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
