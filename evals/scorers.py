"""Scores of benchmark items under the three scorings: option log-likelihood, letter, chain of thought then answer.

A reply that names no option is a wrong answer (value 0.0, no answer, reason "format_error" or "off_options"), counted apart. A
question on which the engine failed is unscored with the reason, and never 0. Which scoring is used is the frozen benchmark's
and no caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proda_core.answering import Answer, ChoiceQuestion, answer_choices
from proda_core.types import Item, Score, Scoring

if TYPE_CHECKING:
    from proda_core.students import Student


def score_items(
    student: Student, items: Sequence[Item], *, scoring: Scoring, max_new_tokens: int
) -> list[Score]:
    """One Score an item, in order."""
    questions = [question_of(item) for item in items]
    answers = answer_choices(student, questions, scoring=scoring, max_new_tokens=max_new_tokens)
    return [score_answer(item, answer) for item, answer in zip(items, answers, strict=True)]


def question_of(item: Item) -> ChoiceQuestion:
    """What a student sees of an item."""
    return ChoiceQuestion(item.item_id, item.stem, item.options)


def score_answer(item: Item, answer: Answer) -> Score:
    """An answer against the item's gold."""
    slices = slices_of(item)
    if answer.failure:
        return Score(item.item_id, None, None, item.gold_index, answer.failure, "", slices)
    if answer.choice is None:
        return Score(item.item_id, 0.0, None, item.gold_index, answer.reason, answer.output, slices)
    value = float(answer.choice == item.gold_index)
    return Score(item.item_id, value, answer.choice, item.gold_index, "", answer.output, slices)


def slices_of(item: Item) -> dict[str, str]:
    """What an item's score can be grouped by."""
    return {
        "discipline": item.discipline,
        "group": item.group_id,
        "hops": str(item.hops),
        "template": item.template,
    }
