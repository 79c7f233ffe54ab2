"""What a person sees while a session runs: the stage with a bar and an estimate, results, and each decision with its reason.

Everything goes to stderr; stdout is for results. Without a terminal, or with ``quiet``, bars become one line a stage.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from agent.summaries import describe_result, describe_stage
from proda_core.types import Decision, DecisionKind

_COLOUR = {DecisionKind.PATCH: "cyan", DecisionKind.REPLAY: "magenta", DecisionKind.STOP: "yellow"}


class SessionView:
    """Hears what the nodes tell and draws it. Use as a context manager around the loop."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> SessionView:
        self._progress.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._progress.stop()

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """One event of the loop: stage, progress, done, composed, verdict or decision."""
        if event == "stage":
            self._stage(data)
        elif event == "progress":
            self._advance(data)
        elif event in ("done", "composed"):
            self._clear()
            self._say(f"  [green]✓[/] {describe_result(data)}")
        elif event == "verdict":
            self._verdict(data)
        elif event == "decision":
            self._decision(data["decision"])

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _stage(self, data: dict[str, Any]) -> None:
        self._clear()
        title = describe_stage(data["tool"], data["arguments"])
        if self._console.is_terminal:
            self._task = self._progress.add_task(title, total=None, note="")
        else:
            self._say(f"  · {title}")

    def _advance(self, handle: dict[str, Any]) -> None:
        progress = handle.get("progress")
        if self._task is None or not progress:
            return
        self._progress.update(
            self._task,
            completed=progress["done"],
            total=progress["total"] or None,
            note=escape(progress["note"]),
        )

    def _clear(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _verdict(self, data: dict[str, Any]) -> None:
        word = "[green]accepted[/]" if data["accepted"] else "[red]rejected[/]"
        self._say(f"  verdict: {word}: {escape('; '.join(data['verdict']['reasons']))}")

    def _decision(self, decision: Decision) -> None:
        colour = _COLOUR[decision.kind]
        self._say(f"[bold {colour}]decision: {decision.kind.value}[/] {escape(decision.reason)}")
        for option in decision.options:
            if not option.taken:
                self._say(f"    [dim]not {option.kind.value}: {escape(option.reason)}[/]")
