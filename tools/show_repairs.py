"""show_repairs: the dev items that a patch round repaired, each followed from the wrong answer to the sentence in the corpus."""

from __future__ import annotations

import asyncio

from proda_core.errors import ToolError
from tools.base import Tool, ToolModel
from tools.book import Book
from tools.host import Host
from tools.paging import First, page_of
from tools.repaired_case import RepairedCase, Repairs, last_repairs, repaired_case, repairs_of
from tools.show_failures import RoundNumber, scored_round
from tools.work import book_of

PAGE = 4


class RepairsArguments(ToolModel):
    """``round`` counts from V1, which is 1; 0 asks for the last accepted patch round that repaired something."""

    round: RoundNumber = 0
    first: First = 0


class RepairsView(ToolModel):
    """A page of ``total`` repaired items whose diagnosis was patched; ``next`` is the ``first`` of the page after it.

    ``model`` is "" where no accepted patch round has repaired anything yet.
    """

    model: str
    total: int
    cases: list[RepairedCase]
    next: int | None


async def show_repairs(host: Host, arguments: RepairsArguments) -> RepairsView:
    return await asyncio.to_thread(_repairs, host, arguments)


def _repairs(host: Host, arguments: RepairsArguments) -> RepairsView:
    book = book_of(host)
    found = last_repairs(host, book) if arguments.round == 0 else _of_round(host, book, arguments.round)
    if found is None:
        return RepairsView(model="", total=0, cases=[], next=None)
    page = page_of(
        found.diagnoses, arguments.first, lambda one: repaired_case(host, book, found, one), most=PAGE
    )
    return RepairsView(
        model=f"V{found.after.number + 1}",
        total=len(found.diagnoses),
        cases=page.rows,
        next=page.next,
    )


def _of_round(host: Host, book: Book, number: int) -> Repairs:
    found = repairs_of(host, book, scored_round(book, number))
    if found is None:
        raise ToolError(f"round {number} is no patch round, so it repaired nothing; see report_session")
    return found


TOOL = Tool(
    "show_repairs",
    "The dev items that a patch round repaired (the last accepted one unless a round is given), a page at a time: the wrong "
    "answer, the diagnosis, patch rows over the same relations, the right answer and the sentences.",
    RepairsArguments,
    RepairsView,
    show_repairs,
    scope="read",
)
