"""What an asker puts to a model: one question, by what it is known in the journal, how it is sent and what an answer is worth.

Two sorts: a Task (typed content, typed answer) and, in conversing.py, one turn of an agent's conversation. ``about`` holds all
that the answer depends on besides the model and its settings, so a question asked again is answered from the journal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters

from proda_core.teachers.llm.asking import T, Task
from proda_core.teachers.llm.judging import judge
from proda_core.teachers.llm.models import most_tokens, put, schema_of

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes to the model."""

    messages: list[ModelMessage]
    parameters: ModelRequestParameters


class Question(ABC, Generic[A]):
    """``kind`` names its sort in the journal."""

    kind: str

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What identifies it."""

    @abstractmethod
    def most_tokens(self) -> int:
        """More tokens than the request can have."""

    @abstractmethod
    def put(self, *, native: bool, rejected: str) -> Sent:
        """The request. ``native``: the server is held to a schema; ``rejected``: why the last answer was no good."""

    @abstractmethod
    def judge(self, response: ModelResponse) -> tuple[str, A | None]:
        """ANSWERED and the answer, or one word for why it is no good."""

    @abstractmethod
    def write(self, answer: A) -> str:
        """The answer as the journal keeps it."""

    @abstractmethod
    def read(self, written: str) -> A:
        """An answer that the journal kept."""


class TaskQuestion(Question[T]):
    """A Task as a question."""

    def __init__(self, task: Task[T]) -> None:
        self._task, self.kind = task, task.kind
        self._schema = schema_of(task.output)

    def about(self) -> dict[str, Any]:
        task = self._task
        return {
            "kind": task.kind,
            "schema": self._schema,
            "instructions": task.instructions,
            "content": task.content,
        }

    def most_tokens(self) -> int:
        return most_tokens(self._task, self._schema)

    def put(self, *, native: bool, rejected: str) -> Sent:
        request, parameters = put(self._task, native=native, rejected=rejected)
        return Sent([request], parameters)

    def judge(self, response: ModelResponse) -> tuple[str, T | None]:
        return judge(response, self._task.output)

    def write(self, answer: T) -> str:
        return answer.model_dump_json()

    def read(self, written: str) -> T:
        return self._task.output.model_validate_json(written)
