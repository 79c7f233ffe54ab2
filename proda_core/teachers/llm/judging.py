"""What a model's answer is worth: the typed output, or one word for why it is no good."""

from __future__ import annotations

import re
import zlib

from pydantic import ValidationError
from pydantic_ai.messages import ModelResponse

from proda_core.ledger.calls import ANSWERED
from proda_core.teachers.llm.asking import T

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)
_TAIL = 2000  # characters of an answer's end in which a loop shows
_LOOPS_BELOW = 0.08  # compressed size as a share; prose and JSON stay above a fifth


def judge(response: ModelResponse, output: type[T]) -> tuple[str, T | None]:
    """ANSWERED and the output, or the reason and None."""
    text = response.text or ""
    if response.finish_reason == "content_filter":
        return "refusal", None
    if response.finish_reason == "length":
        return ("loop" if _loops(text) else "truncated"), None
    if not text.strip():
        return "empty", None
    fenced = _FENCED.match(text)
    try:
        return ANSWERED, output.model_validate_json(fenced.group(1) if fenced else text)
    except ValidationError as error:
        broken = any(one["type"] == "json_invalid" for one in error.errors(include_input=False))
        return ("broken_json" if broken else "wrong_form"), None


def _loops(text: str) -> bool:
    tail = text[-_TAIL:].encode()
    return len(tail) >= _TAIL // 2 and len(zlib.compress(tail)) < _LOOPS_BELOW * len(tail)
