"""What a long command is doing: a bar with what is left on a terminal, a line for each step in a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from agent.summaries import duration


@dataclass(frozen=True, slots=True)
class Counted:
    """How far a bench that counts is."""

    done: int
    total: int | None
    eta_s: float | None


class Working:
    """Used as a context; ``tell`` is what benches call."""

    def __init__(self, console: Console) -> None:
        self._console, self._said = console, ""
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, left="")

    def __enter__(self) -> Working:
        self._progress.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._progress.stop()

    def tell(self, what: str, progress: Any) -> None:
        if what != self._said:
            self._said = what
            self._progress.reset(self._task, description=escape(what), total=None, left="")
            if not self._console.is_terminal:
                self._console.print(f"  {escape(what)}", soft_wrap=True)
        self._show(progress)

    def count(self, what: str, done: int, wanted: int, left_s: float | None) -> None:
        """A bench that counts: a line for each step in a log, with what is left."""
        if not self._console.is_terminal:
            of = f" of {wanted}" if wanted else ""
            left = "" if left_s is None else f", about {duration(left_s)} left"
            self._console.print(f"  {what}: {done}{of}{left}", soft_wrap=True, highlight=False)
        else:
            self.tell(what, Counted(done, wanted or None, left_s))

    def _show(self, progress: Any) -> None:
        if progress is not None:
            left = "" if progress.eta_s is None else f"about {duration(progress.eta_s)} left"
            self._progress.update(self._task, completed=progress.done, total=progress.total, left=left)
