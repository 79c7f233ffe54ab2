"""What a model will be asked in a session on a corpus, before anything is asked: calls by purpose, tokens, money, time.

An estimate from lengths, not a bound: four characters to a token; three calls a chunk, each with our instructions and the chunk,
each answered at half the chunk's length; facts to be worded anew as dense as in our own corpus; a decision that looks once before
it chooses. What a call costs at its very most is what the budget reserves for it, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from proda_core.config import Config
from proda_core.ledger.calls import NANO
from proda_core.teachers.llm.prices import prices_of
from proda_core.teachers.llm.wording import TOGETHER
from proda_core.types import Chunk

CALLS_PER_CHUNK = 3  # chains, types of their steps, concepts
CALLS_PER_WORDING = 2  # the wording, and a second opinion on it
TURNS_PER_DECISION = 2  # a look at failures or rounds, then the choice
_CHARACTERS_PER_TOKEN = 4
_INSTRUCTION_TOKENS = 900  # what we ask and the answer's schema, as English prose and JSON run
_ANSWERED_SHARE = 0.5  # of a chunk's tokens
_CHARACTERS_PER_FACT = 350  # 17 relations in 1,000 words; most texts state fewer
_WORDING_SENT, _WORDING_ANSWERED = 900, 250  # tokens of a call about TOGETHER questions
_TURN_SENT, _LOOK_ANSWERED, _TURN_ANSWERED = (
    3200,
    3000,
    150,
)  # tools' schemas and observations; what a tool answers; a call
_FIRST_TOKEN_S = 1.0
_TOKENS_PER_S = 60.0  # of one answer; a server of many slots writes many at once


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """``by`` counts the calls by purpose: reading, wording, deciding. ``money`` is None where nobody knows the price. ``time_s``
    is that of the calls alone, so many at once as configured."""

    calls: int
    input_tokens: int
    output_tokens: int
    money: float | None
    time_s: float
    by: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Calls of one purpose and their tokens. Decisions are asked for one at a time."""

    calls: int = 0
    sent: int = 0
    answered: int = 0
    at_once: int = 1

    @property
    def time_s(self) -> float:
        return (self.calls * _FIRST_TOKEN_S + self.answered / _TOKENS_PER_S) / max(1, self.at_once)


def estimate_calls(chunks: Iterable[Chunk], config: Config) -> CallEstimate:
    """What a session of this configuration will ask; nothing where it asks no model. Unlimited rounds are reckoned as one."""
    lengths = [math.ceil(len(chunk.text) / _CHARACTERS_PER_TOKEN) for chunk in chunks]
    asked = {
        "reading": _reading(lengths, config),
        "wording": _wording(lengths, config),
        "deciding": _deciding(config),
    }
    every = asked.values()
    sent, answered = sum(one.sent for one in every), sum(one.answered for one in every)
    return CallEstimate(
        calls=sum(one.calls for one in every),
        input_tokens=sent,
        output_tokens=answered,
        money=_money(sent, answered, config),
        time_s=round(sum(one.time_s for one in every), 1),
        by={purpose: one.calls for purpose, one in asked.items() if one.calls},
    )


def _reading(lengths: list[int], config: Config) -> _Asked:
    if config.teacher.kind != "llm":
        return _Asked()
    answers = [
        min(math.ceil(_ANSWERED_SHARE * length), config.teacher.max_output_tokens) for length in lengths
    ]
    return _Asked(
        calls=CALLS_PER_CHUNK * len(lengths),
        sent=CALLS_PER_CHUNK * sum(_INSTRUCTION_TOKENS + length for length in lengths),
        answered=CALLS_PER_CHUNK * sum(answers),
        at_once=min(config.calls.concurrency, len(lengths)),
    )


def _wording(lengths: list[int], config: Config) -> _Asked:
    facts = sum(lengths) * _CHARACTERS_PER_TOKEN // _CHARACTERS_PER_FACT
    batches = math.ceil(config.synthesis.reworded_rows * facts / TOGETHER)
    calls = CALLS_PER_WORDING * batches
    return _Asked(
        calls, calls * _WORDING_SENT, calls * _WORDING_ANSWERED, min(config.calls.concurrency, batches)
    )


def _deciding(config: Config) -> _Asked:
    if config.policy.kind != "llm":
        return _Asked()
    decisions = 1 + (1 if config.budget.rounds is None else config.budget.rounds)  # the last one is to stop
    looks = TURNS_PER_DECISION - 1
    return _Asked(
        calls=TURNS_PER_DECISION * decisions,
        sent=(TURNS_PER_DECISION * _TURN_SENT + looks * _LOOK_ANSWERED) * decisions,
        answered=TURNS_PER_DECISION * _TURN_ANSWERED * decisions,
    )


def _money(sent: int, answered: int, config: Config) -> float | None:
    if not sent or config.teacher.model is None:
        return 0.0
    prices = prices_of(config.teacher.model, config.calls)
    return prices.cost(sent, answered) / NANO if prices.known else None
