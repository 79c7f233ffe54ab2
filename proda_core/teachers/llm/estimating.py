"""What a model as teacher will be asked for a corpus, before anything is asked: calls, tokens, money, time.

An estimate from lengths, not a bound: four characters to a token, three calls a chunk, each with our instructions and the chunk,
each answered at half the chunk's length. What a call costs at its very most is what the budget reserves for it, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from proda_core.config import CallsConfig, TeacherConfig
from proda_core.ledger.calls import NANO
from proda_core.teachers.llm.prices import prices_of
from proda_core.types import Chunk

CALLS_PER_CHUNK = 3  # chains, types of their steps, concepts
_CHARACTERS_PER_TOKEN = 4
_INSTRUCTION_TOKENS = 900  # what we ask and the answer's schema, as English prose and JSON run
_ANSWERED_SHARE = 0.5  # of a chunk's tokens
_FIRST_TOKEN_S = 1.0
_TOKENS_PER_S = 60.0  # of one answer; a server of many slots writes many at once


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """``money`` is None where nobody knows the price. ``time_s`` is that of the calls alone, so many at once as configured."""

    calls: int
    input_tokens: int
    output_tokens: int
    money: float | None
    time_s: float


def estimate_calls(chunks: Iterable[Chunk], teacher: TeacherConfig, calls: CallsConfig) -> CallEstimate:
    """What extraction will ask of the teacher; nothing where it is not a model."""
    if teacher.kind != "llm" or teacher.model is None:
        return CallEstimate(0, 0, 0, 0.0, 0.0)
    lengths = [math.ceil(len(chunk.text) / _CHARACTERS_PER_TOKEN) for chunk in chunks]
    asked = CALLS_PER_CHUNK * len(lengths)
    answers = [min(math.ceil(_ANSWERED_SHARE * length), teacher.max_output_tokens) for length in lengths]
    sent = CALLS_PER_CHUNK * sum(_INSTRUCTION_TOKENS + length for length in lengths)
    answered = CALLS_PER_CHUNK * sum(answers)
    prices = prices_of(teacher.model, calls)
    at_once = min(calls.concurrency, max(1, len(lengths)))
    return CallEstimate(
        calls=asked,
        input_tokens=sent,
        output_tokens=answered,
        money=prices.cost(sent, answered) / NANO if prices.known else None,
        time_s=round((asked * _FIRST_TOKEN_S + answered / _TOKENS_PER_S) / at_once, 1),
    )
