"""Questions of the operator's own as general skill: JSONL files, and tasks of lm-evaluation-harness by name.

Each has options of which one is right, and a subject by which figures are told apart before and after. They are asked as the
student was taught to be asked, and the likeliest option is its answer: figures compare rounds with the base, and no
leaderboard. A file that cannot be read as such is a ConfigError that names the line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from proda_core.answering import Answer, ChoiceQuestion, answer_choices
from proda_core.artifacts import file_digest
from proda_core.config import GeneralConfig
from proda_core.errors import ConfigError
from proda_core.ids import make_id
from proda_core.layout import LETTERS
from proda_core.types import Score, Scoring

if TYPE_CHECKING:
    from proda_core.students import Student

STEP = 64
_HINT = (
    "each line is an object with question, options, answer (a letter, a place from 0, or the option) "
    "and, if you like, subject"
)


@dataclass(frozen=True, slots=True)
class Question:
    """``gold`` is the right option's place; ``source`` the file or task that it is from."""

    question_id: str
    prompt: str
    options: tuple[str, ...]
    gold: int
    subject: str
    source: str

    @classmethod
    def of(cls, prompt: str, options: Sequence[str], gold: int, *, subject: str, source: str) -> Question:
        """Under an ID made from what is asked."""
        key = make_id("t", "question", prompt, list(options), gold)
        return cls(key, prompt, tuple(options), gold, subject, source)


def general_params(config: GeneralConfig) -> dict[str, Any]:
    """What a score job is told of general skill: the settings, and what the files of questions hash to.

    ConfigError when one is not there.
    """
    digests = {}
    for name in config.questions:
        try:
            digests[name] = file_digest(Path(name))
        except OSError as error:
            raise ConfigError(f"general.questions: cannot read {name} ({error.strerror})") from error
    return {"general": config.model_dump(mode="json"), "questions": digests}


def questions_of(config: GeneralConfig, *, seed: int) -> tuple[Question, ...]:
    """All questions of the settings, each once; the same for every model of a session."""
    found: list[Question] = []
    for name in config.questions:
        found += drawn(read_questions(Path(name)), config.items_per_source, key=f"{seed}:{Path(name).name}")
    if config.tasks:
        from evals.harness import harness_questions

        for source, questions in harness_questions(config.tasks, folder=config.task_folder).items():
            found += drawn(questions, config.items_per_source, key=f"{seed}:{source}")
    return tuple({question.question_id: question for question in found}.values())


def drawn(questions: Sequence[Question], most: int, *, key: str) -> list[Question]:
    """``most`` of them at most, in their order."""
    if len(questions) <= most:
        return list(questions)
    places = Random(f"questions:{key}").sample(range(len(questions)), most)
    return [questions[place] for place in sorted(places)]


def read_questions(path: Path) -> list[Question]:
    """The questions of a JSONL file; empty lines are passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"general.questions: cannot read {path}: {error}") from error
    found = [
        _parsed(line, f"{path}, line {number}", subject=path.stem, source=path.name)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not found:
        raise ConfigError(f"general.questions: {path} holds no question; {_HINT}")
    return found


def _parsed(line: str, where: str, *, subject: str, source: str) -> Question:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{where} is not JSON ({error}); {_HINT}") from error
    if not isinstance(row, dict):
        raise ConfigError(f"{where} is no object; {_HINT}")
    prompt, options = row.get("question"), row.get("options", row.get("choices"))
    if not isinstance(prompt, str) or not prompt.strip():
        raise ConfigError(f"{where} has no question; {_HINT}")
    texts = _texts(options)
    if texts is None:
        raise ConfigError(f"{where} needs two different options or more, each a text; {_HINT}")
    gold = _place(row.get("answer"), texts)
    if gold is None:
        raise ConfigError(f"{where}: answer {row.get('answer')!r} names none of its options; {_HINT}")
    named = row.get("subject")
    return Question.of(
        prompt.strip(),
        texts,
        gold,
        subject=named if isinstance(named, str) and named else subject,
        source=source,
    )


def _texts(options: object) -> list[str] | None:
    if not isinstance(options, list) or not all(isinstance(o, str) and o.strip() for o in options):
        return None
    texts = [option.strip() for option in options]
    return texts if len(texts) > 1 and len(set(texts)) == len(texts) else None


def _place(answer: object, options: Sequence[str]) -> int | None:
    """A place from 0, an option's own text, or its letter; a text comes before a letter."""
    if isinstance(answer, int) and not isinstance(answer, bool):
        return answer if 0 <= answer < len(options) else None
    if not isinstance(answer, str):
        return None
    said = answer.strip()
    if said in options:
        return options.index(said)
    place = LETTERS.find(said.upper()) if len(said) == 1 else -1
    return place if 0 <= place < len(options) else None


def score_questions(
    student: Student, questions: Sequence[Question], *, tick: Callable[[int], None] = lambda _: None
) -> tuple[Score, ...]:
    """One Score a question, in order: the likeliest option against the right one."""
    scores: list[Score] = []
    for start in range(0, len(questions), STEP):
        batch = questions[start : start + STEP]
        asked = [ChoiceQuestion(q.question_id, q.prompt, q.options) for q in batch]
        answers = answer_choices(student, asked, scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=0)
        scores += [_score(question, answer) for question, answer in zip(batch, answers, strict=True)]
        tick(len(batch))
    return tuple(scores)


def _score(question: Question, answer: Answer) -> Score:
    slices = {"kind": question.subject, "source": question.source}
    if answer.failure or answer.choice is None:
        return Score(question.question_id, None, None, question.gold, answer.failure, "", slices)
    value = float(answer.choice == question.gold)
    return Score(question.question_id, value, answer.choice, question.gold, "", answer.output, slices)


def find_question(config: GeneralConfig, key: str, *, seed: int) -> Question | None:
    """The question of an ID among those of the files; tasks of the harness are not read again for it."""
    files = config.model_copy(update={"tasks": ()})
    return next((q for q in _readable(files, seed) if q.question_id == key), None)


def _readable(config: GeneralConfig, seed: int) -> Iterable[Question]:
    try:
        return questions_of(config, seed=seed)
    except ConfigError:  # the file is gone or another: what was asked cannot be shown any more
        return ()
