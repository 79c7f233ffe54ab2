"""A pydantic-ai model whose every request is a paid call of the asker: reserved, retried, settled and kept in the journal.

An agent runs on it as on any model. A turn is known by what the conversation began with and by its number, and not by what
tools answered in between: a conversation begun again after a kill gets the answers that it had, whatever has changed beside it,
and goes on where it stood. Nothing is streamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from proda_core.ledger.calls import ANSWERED
from proda_core.policy.said import said_in
from proda_core.teachers.llm.asker import ModelAsker
from proda_core.teachers.llm.questions import Question, Sent
from proda_core.types import ModelTurn

_FRAME_TOKENS = 400  # what a chat template and the tools' frames add at most to what is counted in bytes
_TIMES_SHOWN = 3  # a tool's schema in a request, by whatever template


class TurnQuestion(Question[ModelResponse]):
    """One turn: all messages so far, and the tools that may be called. ``topic`` is a digest of what it began with."""

    kind = "decision"

    def __init__(
        self, topic: str, messages: Sequence[ModelMessage], parameters: ModelRequestParameters
    ) -> None:
        self._topic, self._messages, self._parameters = topic, list(messages), parameters
        self._turn = 1 + sum(isinstance(message, ModelResponse) for message in messages)

    def about(self) -> dict[str, Any]:
        return {"kind": self.kind, "topic": self._topic, "turn": self._turn}

    def most_tokens(self) -> int:
        tools = (*self._parameters.function_tools, *self._parameters.output_tools)
        shown = sum(
            len(f"{tool.name}{tool.description}{tool.parameters_json_schema}".encode()) for tool in tools
        )
        said = len(ModelMessagesTypeAdapter.dump_json(self._messages))
        return said + _TIMES_SHOWN * shown + _FRAME_TOKENS

    def put(self, *, native: bool, rejected: str) -> Sent:
        """The same each time: an agent tells its model itself what was wrong."""
        del native, rejected
        return Sent(self._messages, self._parameters)

    def judge(self, response: ModelResponse) -> tuple[str, ModelResponse | None]:
        if response.finish_reason == "content_filter":
            return "refusal", None
        if response.finish_reason == "length":
            return "truncated", None
        if not response.tool_calls and not (response.text or "").strip():
            return "empty", None
        try:
            said_in(self.write(response))
        except ValueError:  # a lone surrogate: it could stand in no log
            return "unreadable", None
        return ANSWERED, response

    def write(self, answer: ModelResponse) -> str:
        return ModelMessagesTypeAdapter.dump_json([answer]).decode()

    def read(self, written: str) -> ModelResponse:
        (answer,) = ModelMessagesTypeAdapter.validate_json(written)
        if not isinstance(answer, ModelResponse):
            raise ValueError(f"the journal keeps a {type(answer).__name__} where an answer was asked for")
        return answer


class AskedModel(WrapperModel):
    """The model of one conversation; its answers are put into ``turns``. The asker is opened and closed by its owner."""

    def __init__(self, asker: ModelAsker, topic: str, turns: list[ModelTurn]) -> None:
        super().__init__(asker.model)
        self._asker, self._topic, self._turns = asker, topic, turns

    async def __aenter__(self) -> AskedModel:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The connections are the asker's."""

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        del model_settings  # the asker's own go with each call
        question = TurnQuestion(self._topic, messages, model_request_parameters)
        answer = await self._asker.answer(question)
        self._turns.append(ModelTurn(self._asker.key(question), said_in(question.write(answer))))
        return answer
