"""How a student is asked a four-option question: the three scorings, once, for the scorer and for diagnosis alike.

``loglikelihood`` compares the options as answers to the stem alone; ``letter`` asks for a letter in 15 greedy tokens; ``cot``
asks for steps and then an option. A reply without that form is a format error; one that concludes, in good form, on something
that is no option is off the options: a wrong conclusion and no fault of form. An engine that fails on a question leaves it
unanswered with the reason, and the other questions of its batch are asked again without it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from proda_core.errors import StudentError
from proda_core.layout import (
    COT_SUFFIX,
    LETTERS,
    choice_prompt,
    parse_cot_choice,
    parse_cot_name,
    parse_letter,
)
from proda_core.types import Scoring

if TYPE_CHECKING:
    from proda_core.students import Student

LETTER_TOKENS = 15
FORMAT_ERROR = "format_error"
OFF_OPTIONS = "off_options"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChoiceQuestion:
    """A stem and its options in the order in which they are shown."""

    question_id: str
    stem: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """``choice`` is an option index, or None with the ``reason`` (format_error, off_options) or the engine's ``failure``."""

    question_id: str
    choice: int | None
    output: str
    failure: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One raw reply of the engine, or why there is none."""

    text: str
    failure: str = ""


def answer_choices(
    student: Student, questions: Sequence[ChoiceQuestion], *, scoring: Scoring, max_new_tokens: int
) -> list[Answer]:
    """One Answer a question, in order. ``max_new_tokens`` bounds a chain of thought only."""
    if scoring is Scoring.LOGLIKELIHOOD:
        return _by_loglikelihood(student, questions)
    cot = scoring is Scoring.COT
    prompts = [asked_of(q.stem, q.options, scoring) for q in questions]
    replies = generate_replies(student, prompts, max_new_tokens=max_new_tokens if cot else LETTER_TOKENS)
    return [
        Answer(q.question_id, None, "", reply.failure) if reply.failure else _read(q, reply.text, cot=cot)
        for q, reply in zip(questions, replies, strict=True)
    ]


def asked_of(stem: str, options: Sequence[str], scoring: Scoring) -> str:
    """What a student is shown: the stem alone where options are compared by likelihood, else the stem and lettered options."""
    if scoring is Scoring.LOGLIKELIHOOD:
        return stem
    return choice_prompt(stem, options) + (COT_SUFFIX if scoring is Scoring.COT else "")


def _read(question: ChoiceQuestion, text: str, *, cot: bool) -> Answer:
    """The option that a reply ends on, or what is wrong with it."""
    options = question.options
    letter = parse_cot_choice(text, options) if cot else parse_letter(text, len(options))
    if letter is not None:
        return Answer(question.question_id, LETTERS.index(letter), text)
    concludes = cot and parse_cot_name(text) is not None
    return Answer(question.question_id, None, text, reason=OFF_OPTIONS if concludes else FORMAT_ERROR)


def generate_replies(student: Student, prompts: Sequence[str], *, max_new_tokens: int) -> list[Reply]:
    """Greedy replies, in order; a prompt on which the engine fails gets an empty Reply with the failure."""

    def ask(batch: Sequence[str]) -> list[Reply]:
        return [Reply(text) for text in student.generate(list(batch), max_new_tokens=max_new_tokens)]

    return _survive(prompts, ask, lambda failure: Reply("", failure))


def _by_loglikelihood(student: Student, questions: Sequence[ChoiceQuestion]) -> list[Answer]:
    def ask(batch: Sequence[ChoiceQuestion]) -> list[Reply]:
        stems, options = [q.stem for q in batch], [list(q.options) for q in batch]
        return [_as_reply(values) for values in student.option_loglikelihoods(stems, options)]

    replies = _survive(questions, ask, lambda failure: Reply("", failure))
    return [_most_likely(q, reply) for q, reply in zip(questions, replies, strict=True)]


def _as_reply(values: Sequence[float]) -> Reply:
    plain = [float(value) for value in values]
    if not all(math.isfinite(value) for value in plain):
        return Reply("", f"log-likelihoods are not finite: {plain}")
    return Reply(json.dumps(plain))


def _most_likely(question: ChoiceQuestion, reply: Reply) -> Answer:
    """The first of the greatest, as lm-eval-harness takes it."""
    if reply.failure:
        return Answer(question.question_id, None, "", reply.failure)
    values = json.loads(reply.text)
    return Answer(question.question_id, values.index(max(values)), reply.text)


def _survive(
    batch: Sequence[T], ask: Callable[[Sequence[T]], list[Reply]], failed: Callable[[str], Reply]
) -> list[Reply]:
    """Ask a batch; when the engine fails, halve it until the questions that make it fail stand alone."""
    if not batch:
        return []
    try:
        return ask(batch)
    except StudentError as error:
        if len(batch) == 1:
            return [failed(f"engine: {error}")]
    middle = len(batch) // 2
    return _survive(batch[:middle], ask, failed) + _survive(batch[middle:], ask, failed)
