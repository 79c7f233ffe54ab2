"""What an audit finds wrong, with the record it is about where it is about one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """``seq`` is the record's number, None where no record is to blame; ``line``: it is about that line of the file."""

    text: str
    seq: int | None = None
    line: bool = False

    def __str__(self) -> str:
        place = f" (line {self.seq})" if self.line else ""
        return self.text if self.seq is None else f"record {self.seq}{place}: {self.text}"
