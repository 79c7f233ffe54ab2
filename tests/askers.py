"""Models at the paid edge, for tests: Askers that answer from a function of the task, and an honest one made of the patterns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from proda_core.teachers import Proposition, Reading, RulesTeacher
from proda_core.teachers.llm import LlmTeacher, Task
from proda_core.types import Chunk

T = TypeVar("T", bound=BaseModel)
Given = dict[str, Any]
Answering = Callable[[str, Given], Given]


@dataclass
class FunctionAsker:
    """Answers each task with what ``answer(kind, content)`` gives, validated as a client would; exceptions are raised.

    ``turns`` says how often a task lets others go first, so that answers come in another order than they were asked in.
    """

    answer: Answering
    turns: Callable[[int], int] = lambda number: 0
    name: str = "test:function"
    tasks: list[Task[Any]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    closed: int = 0

    async def ask(self, task: Task[T]) -> T:
        self.tasks.append(task)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            for _ in range(self.turns(len(self.tasks))):
                await asyncio.sleep(0)
            return task.output.model_validate_json(
                json.dumps(self.answer(task.kind, json.loads(task.content)))
            )
        finally:
            self.open -= 1

    async def __aenter__(self) -> FunctionAsker:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.closed += 1

    def kinds(self) -> list[str]:
        return [task.kind for task in self.tasks]


def teacher_of(asker: FunctionAsker, *, at_once: int = 5) -> LlmTeacher:
    return LlmTeacher(lambda: asker, model=asker.name, at_once=at_once)


def chunk_of(text: str, chunk_id: str = "k_0000000000000001", discipline: str = "001") -> Chunk:
    return Chunk(chunk_id, "d_0000000000000001", 0, len(text), text, discipline, "T")


class PatternModel:
    """A model that reads as the patterns do and answers in a model's shape: honest, and good for a whole corpus."""

    def __init__(self) -> None:
        self._rules = RulesTeacher()
        self._read: dict[str, Reading] = {}

    def __call__(self, kind: str, given: Given) -> Given:
        return {"chains": self.chains, "relations": self.relations, "concepts": self.concepts}[kind](given)

    def reading(self, document: str) -> Reading:
        if document not in self._read:
            self._read[document] = self._rules.read_chains(chunk_of(document))
        return self._read[document]

    def read(self, document: str) -> tuple[Proposition, ...]:
        return self.reading(document).propositions

    def chains(self, given: Given) -> Given:
        steps = [
            {
                "subject": p.subject,
                "predicate": p.verb_phrase,
                "object": p.object,
                "quote": given["document"][p.start : p.end],
            }
            for p in self.read(given["document"])
        ]
        return {"chains": [{"steps": [step]} for step in steps]}

    def relations(self, given: Given) -> Given:
        types = {(p.subject.lower(), p.object.lower()): p.type for p in self.read(given["document"])}
        return {
            "relations": [
                {
                    "step": step["step"],
                    "type": types.get((step["subject"].lower(), step["object"].lower()), "NONE"),
                    "turned": False,
                }
                for step in given["steps"]
            ]
        }

    def concepts(self, given: Given) -> Given:
        reading = self.reading(given["document"])
        defined = [
            {
                "term": d.term,
                "definition": d.text,
                "quote": given["document"][d.start : d.end],
                "aliases": [],
            }
            for d in reading.definitions
            if d.term in given["terms"]
        ]
        return {"concepts": defined}


def step(subject: str, predicate: str, object_: str, quote: str) -> Given:
    return {"subject": subject, "predicate": predicate, "object": object_, "quote": quote}


def model_saying(
    steps: Sequence[Given], types: Sequence[tuple[int, str, bool]] = (), concepts: Sequence[Given] = ()
) -> Answering:
    """A model that says these things whatever it is given; every step CAUSAL unless ``types`` says otherwise."""

    def answer(kind: str, given: Given) -> Given:
        if kind == "chains":
            return {"chains": [{"steps": list(steps)}]}
        if kind == "relations":
            said = types or [(one["step"], "CAUSAL", False) for one in given["steps"]]
            return {"relations": [{"step": n, "type": t, "turned": turned} for n, t, turned in said]}
        return {"concepts": list(concepts)}

    return answer
