"""Prompts for what people ask of a session: a question in words of ours, with the resources that answer it attached.

Nothing that the corpus, a model or the caller wrote goes into the question itself: it stands in the attached resources, which
are data by name and by type. An argument is a number or becomes an ID of this session; an unknown one is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from mcp import MCPError
from mcp_types import INVALID_PARAMS, EmbeddedResource, GetPromptResult, PromptMessage, TextContent
from mcp_types import Prompt as PromptSchema
from mcp_types import PromptArgument as ArgumentSchema

from mcp_server.resources import NUMBER, entry_uri, read_resource, session_uri
from proda_core.errors import ProdaError, ToolError
from tools.host import Host
from tools.show_rounds import RoundsArguments, show_rounds
from tools.work import knowledge_of

_LONGEST_TERM = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What is put into a prompt's text, and the URIs of what is attached to it."""

    words: dict[str, str]
    attached: list[str]


Ask = Callable[[Host, str], Awaitable[Question]]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt; its text is the file of its name. ``argument`` is "" where it takes none; ``about`` says what it is."""

    name: str
    title: str
    description: str
    ask: Ask
    argument: str = ""
    about: str = ""

    @property
    def text(self) -> str:
        return Path(__file__).with_name(f"{self.name}.md").read_text(encoding="utf-8")


async def _why_round(host: Host, number: str) -> Question:
    if not NUMBER.fullmatch(number):
        raise ToolError("round: a number is needed; 0 is the base, V1 is 1")
    (rung,) = (await show_rounds(host, RoundsArguments(round=int(number)))).rounds
    decided = [] if rung.decision is None else [entry_uri("decision", str(rung.decision))]
    return Question({"round": number}, [entry_uri("round", number), *decided])


async def _what_is_unknown(host: Host, term: str) -> Question:
    if not 0 < len(term) <= _LONGEST_TERM:
        raise ToolError(
            f"term: a concept's term, alias or ID of at most {_LONGEST_TERM} characters is needed"
        )
    concept = await asyncio.to_thread(_resolve, host, term)
    return Question({"concept": concept}, [entry_uri("concept", concept), entry_uri("mastery", concept)])


def _resolve(host: Host, term: str) -> str:
    return knowledge_of(host).resolve(term)


async def _plan_patch(host: Host, _none: str) -> Question:
    views = ("", "rounds", "failures", "budget")
    return Question({}, [session_uri(host.folder.name, view) for view in views])


async def _audit(host: Host, _none: str) -> Question:
    views = ("", "log", "decisions", "budget")
    return Question({}, [session_uri(host.folder.name, view) for view in views])


PROMPTS: dict[str, Prompt] = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            "why_round",
            "Why was round N accepted?",
            "Explain a round's verdict from its statistics and the decision that led to it.",
            _why_round,
            "round",
            "the round's number: 0 is the base, V1 is 1",
        ),
        Prompt(
            "what_is_unknown",
            "What does the model still not know about X?",
            "Say which facts of a concept the incumbent has not mastered, and what was never probed.",
            _what_is_unknown,
            "term",
            "a concept's term, alias or ID",
        ),
        Prompt(
            "plan_patch",
            "Plan the next patch",
            "Propose what the next round should repair, or that there should be none, within the budget.",
            _plan_patch,
        ),
        Prompt(
            "audit_session",
            "Audit this session",
            "Check what the session claims against its log, its decisions and what operators asked of it.",
            _audit,
        ),
    )
}


def prompt_schemas() -> list[PromptSchema]:
    """Every prompt as a client sees it."""
    return [
        PromptSchema(
            name=one.name,
            title=one.title,
            description=one.description,
            arguments=[ArgumentSchema(name=one.argument, description=one.about, required=True)]
            if one.argument
            else [],
        )
        for one in PROMPTS.values()
    ]


async def get_prompt(host: Host, name: str, arguments: dict[str, str]) -> GetPromptResult:
    """A prompt with its resources. MCPError for an unknown prompt or argument, and in a tool's words for what is not there."""
    prompt = PROMPTS.get(name)
    if prompt is None:
        raise MCPError(INVALID_PARAMS, f"unknown prompt; there are {', '.join(PROMPTS)}")
    if set(arguments) != {prompt.argument} - {""}:
        raise MCPError(INVALID_PARAMS, f"{prompt.name}: arguments: {prompt.argument or 'none'}")
    try:
        question = await prompt.ask(host, arguments.get(prompt.argument, ""))
    except ProdaError as error:
        raise MCPError(INVALID_PARAMS, str(error)) from error
    text = TextContent(type="text", text=prompt.text.format(**question.words))
    attached = [
        EmbeddedResource(type="resource", resource=await read_resource(host, uri))
        for uri in question.attached
    ]
    return GetPromptResult(
        description=prompt.title,
        messages=[PromptMessage(role="user", content=content) for content in (text, *attached)],
    )
