"""Pages of a list: as many rows as were asked for at most, and no more than a client can take at once.

A page ends before it grows beyond ``LONGEST`` characters of JSON, some 8,000 tokens, whatever the rows hold; one row is always
given, so that a client that goes on with ``next`` sees every row once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from tools.base import ToolModel

LONGEST = 24_000
First = Annotated[int, Field(ge=0, le=1_000_000, description="the row to begin at: a page's `next`, or 0")]
Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=ToolModel)


@dataclass(frozen=True, slots=True)
class Page(Generic[Shown]):
    """The rows shown, and where the next page begins; None on the last."""

    rows: list[Shown]
    next: int | None


def page_of(rows: Sequence[Row], first: int, show: Callable[[Row], Shown], *, most: int) -> Page[Shown]:
    """The page of ``rows`` from ``first`` on; ``show`` is asked for the rows of this page alone."""
    page: list[Shown] = []
    length = 0
    for row in rows[first : first + most]:
        shown = show(row)
        length += len(shown.model_dump_json())
        if page and length > LONGEST:
            break
        page.append(shown)
    after = first + len(page)
    return Page(page, after if after < len(rows) else None)
