"""find_path: the shortest chain of relations from one concept to another, with the sentence behind each step."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from proda_core.knowledge.views import Fact
from tools.base import Tool, ToolModel
from tools.host import Host
from tools.show_concept import FactView, fact_view
from tools.work import knowledge_of

MAX_HOPS = 6


class PathArguments(ToolModel):
    start: Annotated[str, Field(min_length=1, max_length=200, description="a concept's term, alias or ID")]
    end: Annotated[str, Field(min_length=1, max_length=200, description="a concept's term, alias or ID")]


class PathView(ToolModel):
    """``steps`` is empty when no chain of at most ``max_hops`` relations leads there."""

    max_hops: int
    terms: list[str]
    steps: list[FactView]


async def find_path(host: Host, arguments: PathArguments) -> PathView:
    facts = await asyncio.to_thread(_walk, host, arguments)
    terms = [facts[0].subject, *(fact.object for fact in facts)] if facts else []
    return PathView(max_hops=MAX_HOPS, terms=terms, steps=[fact_view(fact) for fact in facts])


def _walk(host: Host, arguments: PathArguments) -> tuple[Fact, ...]:
    return knowledge_of(host).walk(arguments.start, arguments.end)


TOOL = Tool(
    "find_path",
    "The shortest chain of relations from one concept to another, each step with its source sentence.",
    PathArguments,
    PathView,
    find_path,
    scope="read",
)
