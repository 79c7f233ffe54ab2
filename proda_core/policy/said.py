"""What a model said in one turn, read off its answer as the journal of calls keeps it: the tools it called, and no more.

The log keeps this beside a proposal, and an audit makes it again from the journal. A text without a call is kept by its
beginning, arguments too long for a log by their size.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from proda_core.ids import canonical_json
from proda_core.types import Proposal

_LONGEST_ARGUMENTS = 4000  # characters; a proposal's own are far shorter
_LONGEST_TEXT = 300


def said_in(written: str) -> str:
    """Canonical JSON of the calls and texts of an answer, which is a list of one message; ValueError for anything else."""
    try:
        (message,) = json.loads(written)
        return canonical_json(list(_said(message["parts"]))).decode()
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("this is no answer of a model as the journal keeps one") from error


def _said(parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in parts:
        if part["part_kind"] == "tool-call":
            yield {"call": part["tool_name"], "arguments": _arguments(part["args"])}
        elif part["part_kind"] == "text" and part["content"].strip():
            yield {"text": part["content"].strip()[:_LONGEST_TEXT]}


def _arguments(given: Any) -> Any:
    """As an object where they are one; providers hand them on as text or parsed."""
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    if len(text) > _LONGEST_ARGUMENTS:
        return {"characters": len(text)}
    try:
        return json.loads(text, parse_constant=_no_number) if text else {}
    except (ValueError, RecursionError):  # no JSON, NaN, endless digits, a thousand levels
        return text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def bears_out(proposal: Proposal) -> bool:
    """Whether the last turn kept with a proposal says what the proposal says."""
    if not proposal.turns:
        return False
    try:
        said = json.loads(proposal.turns[-1].said)
        reasons = [one["arguments"]["reason"] for one in said if one.get("call") == proposal.kind]
    except (ValueError, LookupError, TypeError, AttributeError):  # not written by said_in
        return False
    return any(" ".join(str(reason).split()) == proposal.reason for reason in reasons)
