"""What tests of paid calls share: one sort of question, a server that answers it, and an asker in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from proda_core.clock import FakeClock
from proda_core.config import CallsConfig, TeacherConfig
from proda_core.ledger import CallJournal, Spent, read_spent
from proda_core.teachers.llm.asker import Means, ModelAsker
from proda_core.teachers.llm.asking import Task
from tests.chat_server import ChatServer

PRICES = {"input_price": 3.0, "output_price": 7.0}


class Word(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: str
    length: int


def echo(prompt: str) -> str:
    """The answer to ``question``: its text's last word."""
    word = prompt.split("\n")[1].rsplit(maxsplit=1)[-1]
    return json.dumps({"word": word, "length": len(word)})


def question(text: str) -> Task[Word]:
    return Task("words", Word, "Name the last word of the text and its length.", text)


class Pauses:
    """Waits for nobody: notes how long was to be waited, and lets the clock go on by as much."""

    def __init__(self) -> None:
        self.clock, self.waited = FakeClock(), list[float]()

    async def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.clock.advance(seconds)


@asynccontextmanager
async def asker_on(
    server: ChatServer, folder: Path, *, means: Means | None = None, **calls: Any
) -> AsyncIterator[ModelAsker]:
    pauses = Pauses()
    means = means or Means(clock=pauses.clock, pause=pauses)
    settings = CallsConfig(**({"base_url": server.url, "idempotent": server.knows_keys} | PRICES | calls))
    config = TeacherConfig(kind="llm", model="openai-compatible:tiny", max_output_tokens=500)
    async with ModelAsker(CallJournal(folder / "calls.sqlite"), config, settings, means) as asker:
        yield asker


def spent_in(folder: Path) -> Spent:
    return read_spent(folder / "calls.sqlite")


def count_of(server: ChatServer) -> float:
    """The server's own bill."""
    sent, answered = server.tokens
    return (sent * PRICES["input_price"] + answered * PRICES["output_price"]) / 1e6
