"""The general suite: fresh in-context tasks over made-up names, of the family that no training row may come from.

It measures what a base could do before the session and an adapter may have forgotten. The same seed and count give the same
tasks for every model. Each is scored by its kind; an unreadable reply is a format error, an engine failure is unscored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proda_core.answering import FORMAT_ERROR, Reply, generate_replies
from proda_core.general import GeneralTask, Kind, generate_tasks, reply_is_right
from proda_core.general.chains import HOPS
from proda_core.layout import LETTERS, parse_cot_name, parse_true_false
from proda_core.types import Score

if TYPE_CHECKING:
    from proda_core.students import Student

STEP = 128


def suite(*, seed: int, count: int) -> tuple[GeneralTask, ...]:
    """``count`` held-out tasks less the rare repeats: a task asked twice would count twice."""
    tasks = generate_tasks(seed=seed, count=count, family="heldout")
    return tuple({task.task_id: task for task in tasks}.values())


def score_suite(
    student: Student,
    tasks: tuple[GeneralTask, ...],
    *,
    max_new_tokens: int,
    tick: Callable[[int], None] = lambda _: None,
) -> tuple[Score, ...]:
    """One Score a task, in order, sliced by kind."""
    scores: list[Score] = []
    for start in range(0, len(tasks), STEP):
        batch = tasks[start : start + STEP]
        replies = generate_replies(student, [task.prompt for task in batch], max_new_tokens=max_new_tokens)
        scores += [score_reply(task, reply) for task, reply in zip(batch, replies, strict=True)]
        tick(len(batch))
    return tuple(scores)


def score_reply(task: GeneralTask, reply: Reply) -> Score:
    """A reply against the task's gold, by its kind. A task without lettered options has one answer: gold 0."""
    gold = LETTERS.index(task.gold) if task.options else 0
    slices = {"kind": str(task.kind)}
    if reply.failure:
        return Score(task.task_id, None, None, gold, reply.failure, "", slices)
    right = reply_is_right(task, reply.text)
    reason = "" if right or _readable(task, reply.text) else FORMAT_ERROR
    return Score(task.task_id, float(right), None, gold, reason, reply.text, slices)


def _readable(task: GeneralTask, text: str) -> bool:
    """Whether a reply has the form its kind asks for; where any text will do, an empty one will not."""
    if task.kind is Kind.TRUEFALSE:
        return parse_true_false(text) is not None
    if task.options or task.kind in HOPS:
        return parse_cot_name(text) is not None
    return bool(text.strip())
