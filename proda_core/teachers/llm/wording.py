"""Questions worded anew by a model, each judged by a second opinion before anybody uses it.

The model sees a question and the fact that answers it, and rewrites the question alone; another call, which does not see the
first, says which of the fact and its reversal answers the new wording. What the graph says of a wording is the caller's to check.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from pydantic import Field

from proda_core.errors import SetAside
from proda_core.ids import digest
from proda_core.teachers.llm.answers import Answer
from proda_core.teachers.llm.asking import Asker, Task
from proda_core.teachers.llm.reading_tasks import DATA_RULE

TOGETHER = 8  # questions a call

_WORDING = f"""You reword questions of an exercise book so that the same thing is asked in other words.

{DATA_RULE}

"rows" are numbered questions, each with the fact that answers it and, as "keep", the words that must stay. Write one new
wording for each: a whole question, clear by itself, in plain English, that the same fact answers and that does not give
the answer away. Keep every one of the words that must stay exactly as it is written, name no other term of the field, and
ask in the same direction."""

_OPINION = f"""You match questions of an exercise book with the facts that answer them.

{DATA_RULE}

"rows" are numbered questions, each with numbered facts. For each question give the number of the one fact that answers
exactly what is asked, in the direction in which it is asked, or 0 if none of them does."""


class NewWording(Answer):
    row: int = Field(description="the question's number")
    question: str


class WordingAnswer(Answer):
    rows: list[NewWording]


class Match(Answer):
    row: int = Field(description="the question's number")
    fact: int = Field(description="the number of the fact that answers it, or 0")


class OpinionAnswer(Answer):
    rows: list[Match]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question to be worded anew. ``reversed_fact`` is the fact with its ends exchanged, or "" where that says the same."""

    question: str
    fact: str
    reversed_fact: str
    keep: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Worded:
    """One question's new wording; where there is none, ``question`` is empty and ``reason`` says why."""

    question: str
    reason: str = ""


class Rewriter:
    """``opening`` gives the Asker for one use; ``at_once`` calls' worth of questions are in hand at a time."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Asker]], *, at_once: int) -> None:
        self._opening, self._at_once = opening, at_once

    def reword(self, wanted: Sequence[Wanted]) -> tuple[Worded, ...]:
        """One answer for each, in their order."""
        return asyncio.run(self._reword(wanted))

    async def _reword(self, wanted: Sequence[Wanted]) -> tuple[Worded, ...]:
        batches = [wanted[at : at + TOGETHER] for at in range(0, len(wanted), TOGETHER)]
        slots = asyncio.Semaphore(self._at_once)
        async with self._opening() as asker:

            async def one(batch: Sequence[Wanted]) -> list[Worded]:
                async with slots:
                    return await _worded(asker, batch)

            found = await asyncio.gather(*(one(batch) for batch in batches))
        return tuple(worded for batch in found for worded in batch)


async def _worded(asker: Asker, batch: Sequence[Wanted]) -> list[Worded]:
    try:
        answer = await asker.ask(_wording_task(batch))
        said = {one.row: " ".join(one.question.split()) for one in reversed(answer.rows)}
        asked = [(n, said[n]) for n in range(1, len(batch) + 1) if said.get(n)]
        if not asked:
            return [Worded("", "not_worded")] * len(batch)
        judged = await asker.ask(_opinion_task([(batch[n - 1], question) for n, question in asked]))
    except SetAside as error:
        return [Worded("", error.reason)] * len(batch)
    matches = {one.row: one.fact for one in reversed(judged.rows)}
    agreed = {n: matches.get(row) == _place(question) for row, (n, question) in enumerate(asked, 1)}
    return list(_results(len(batch), said, agreed))


def _results(count: int, said: dict[int, str], agreed: dict[int, bool]) -> Iterator[Worded]:
    for n in range(1, count + 1):
        if n not in agreed:
            yield Worded("", "not_worded")
        else:
            yield Worded(said[n]) if agreed[n] else Worded("", "second_opinion")


def _wording_task(batch: Sequence[Wanted]) -> Task[WordingAnswer]:
    rows = [
        {"row": n, "question": one.question, "fact": one.fact, "keep": list(one.keep)}
        for n, one in enumerate(batch, 1)
    ]
    return Task("wording", WordingAnswer, _WORDING, json.dumps({"rows": rows}, ensure_ascii=False, indent=1))


def _opinion_task(asked: Sequence[tuple[Wanted, str]]) -> Task[OpinionAnswer]:
    rows = []
    for n, (one, question) in enumerate(asked, 1):
        facts = [one.fact, one.reversed_fact]
        if _place(question) == 2:
            facts.reverse()
        numbered = [{"number": place, "fact": fact} for place, fact in enumerate(facts, 1) if fact]
        rows.append({"row": n, "question": question, "facts": numbered})
    return Task("opinion", OpinionAnswer, _OPINION, json.dumps({"rows": rows}, ensure_ascii=False, indent=1))


def _place(question: str) -> int:
    """Where the fact stands among the two: by the question's own hash, so that no place is the usual one."""
    return 1 + int(digest(question)[:2], 16) % 2
