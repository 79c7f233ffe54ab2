"""General rows: how a general task becomes an Example that names its generator, seed and settings, and is checked by them.

Writer and guard share ``general_example``: the guard builds the row again from what its lineage says and compares it whole.
Only the train family makes rows; the heldout family is the general suite and is never trained on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from proda_core.general import GeneralTask, Kind, NoQuestionError, generate_tasks, regenerate_task
from proda_core.ids import canonical_json, make_id
from proda_core.types import Example, ExampleKind, Format, Lineage, Message, example_parts

GENERATOR = "general/2"  # counted up when the same seed and index make another row
FAMILY: Final = "train"
_DIFFICULTIES = range(100)


def example_id(kind: ExampleKind, format: Format, messages: tuple[Message, ...]) -> str:
    """The content ID of an Example; its lineage is no part of it."""
    return make_id("x", *example_parts(kind, format, messages))


def general_example(task: GeneralTask, *, kinds: Sequence[str] | None = None) -> Example:
    """The row of a train task; ``kinds`` is what its generator was called with. ValueError for a heldout task."""
    if task.family != FAMILY:
        raise ValueError(f"general rows come from the {FAMILY} family, not from {task.family!r}")
    messages = (Message("user", task.prompt), Message("assistant", task.answer))
    template = canonical_json(
        {"difficulty": task.difficulty, "kinds": None if kinds is None else [str(kind) for kind in kinds]}
    ).decode()
    lineage = Lineage(template=template, generator=GENERATOR, seed=task.seed, index=task.index)
    kind, format = ExampleKind.GENERAL, _format(task)
    return Example(example_id(kind, format, messages), kind, format, messages, lineage)


def general_examples(
    *, seed: int, count: int, kinds: Sequence[str] | None = None, difficulty: int = 2
) -> tuple[Example, ...]:
    """General rows 0 to count - 1 of a seed."""
    tasks = generate_tasks(seed=seed, count=count, family=FAMILY, kinds=kinds, difficulty=difficulty)
    return tuple(general_example(task, kinds=kinds) for task in tasks)


def regenerated(lineage: Lineage) -> Example | None:
    """The row that ``lineage`` names, or None where it names none (another generator, unknown settings)."""
    if lineage.generator != GENERATOR:
        return None
    try:
        settings = json.loads(lineage.template)
        kinds, difficulty = settings["kinds"], settings["difficulty"]
        if difficulty not in _DIFFICULTIES or not isinstance(difficulty, int):
            return None
        task = regenerate_task(
            seed=lineage.seed, index=lineage.index, family=FAMILY, kinds=kinds, difficulty=difficulty
        )
    except (ValueError, TypeError, KeyError, NoQuestionError):
        return None
    return general_example(task, kinds=kinds)


def source_of(example: Example) -> str:
    """Generator, seed and settings of a general row: what the mixture's manifest names."""
    lineage = example.lineage
    return f"{lineage.generator}:{lineage.seed}:{lineage.template}"


def _format(task: GeneralTask) -> Format:
    if task.kind is Kind.TRUEFALSE:
        return Format.TRUE_FALSE
    return Format.CHOICE if task.options else Format.QA
