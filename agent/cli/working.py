"""What a long command is doing: a bar with what is left on a terminal, a line for each step in a log."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from agent.summaries import duration


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
        if progress is not None:
            left = "" if progress.eta_s is None else f"about {duration(progress.eta_s)} left"
            self._progress.update(self._task, completed=progress.done, total=progress.total, left=left)
