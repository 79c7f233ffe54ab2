"""Pages of a list: as many rows as were asked for at most, and no more than a client can take at once.

A page ends before it grows beyond ``LONGEST`` characters of JSON, whatever the rows hold; one row is always given, so that a
client that goes on with ``next`` sees every row once. The bound keeps pages below 8,000 tokens: IDs and figures have as few as
1.7 characters a token (measured with MiniLM's word pieces on the ladder of the demo), prose has four.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from tools.base import ToolModel

LONGEST = 12_000
First = Annotated[int, Field(ge=0, le=1_000_000, description="the row to begin at: a page's `next`, or 0")]
Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=ToolModel)


@dataclass(frozen=True, slots=True)
class Page(Generic[Shown]):
    """The rows shown, and where the next page begins; None on the last."""

    rows: list[Shown]
    next: int | None


def page_of(
    rows: Sequence[Row], first: int, show: Callable[[Row], Shown], *, most: int, beside: int = 0
) -> Page[Shown]:
    """The page of ``rows`` from ``first`` on; ``show`` is asked for the rows of this page alone.

    ``beside`` is what stands on the page already, in characters.
    """
    page: list[Shown] = []
    length = beside
    for row in rows[first : first + most]:
        shown = show(row)
        length += len(shown.model_dump_json())
        if page and length > LONGEST:
            break
        page.append(shown)
    after = first + len(page)
    return Page(page, after if after < len(rows) else None)
