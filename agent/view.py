"""What a person sees while a session runs: the stage with a bar and an estimate, each result, each decision with its reason.

Everything goes to stderr; stdout is for results. Without a terminal there are no bars: a stage is one line, begun when it begins
and ended with its result, so that a log of a hung session says where it hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn
from rich.table import Column, Table

from agent.summaries import describe_result, describe_stage, duration, points, subject
from proda_core.types import Decision, DecisionKind

_COLOUR = {DecisionKind.PATCH: "cyan", DecisionKind.REPLAY: "magenta", DecisionKind.STOP: "yellow"}
_WIDE = 100  # columns from which the job's own note has room beside the bar
_LABEL = 13


class SessionView:
    """Hears what the nodes tell and draws it. Use as a context manager around the loop; ``clock`` gives seconds."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._live = console.is_terminal
        note = [
            TextColumn("[dim]{task.fields[note]}", table_column=Column(no_wrap=True, overflow="ellipsis"))
        ]
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}", table_column=Column(no_wrap=True)),
            *(note if console.width >= _WIDE else []),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._task: TaskID | None = None
        self._open_line = False
        self._waits_for = ""
        self._began = clock()
        self._ladder = _Ladder()

    def __enter__(self) -> SessionView:
        self._progress.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._progress.stop()
        self._end_line()

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """One event of the loop: stage, progress, done, composed, verdict, asking, decision or paused."""
        if event != "paused":
            self._waits_for = ""
        if event == "stage":
            self._stage(data)
        elif event == "progress":
            self._advance(data)
        elif event in ("done", "composed"):
            self._done(data)
        elif event == "verdict":
            self._verdict(data)
        elif event == "decision":
            self._decision(data["decision"], data.get("ruling", ""))
        elif event == "asking":
            self._asking(data["whom"])
        elif event == "paused":
            self._paused(data["paused"])

    def _paused(self, said: str) -> None:
        """Said once for each pause."""
        if said == self._waits_for:
            return
        self._waits_for = said
        self._clear()
        self._end_line()
        self._console.print(
            f"  [yellow]paused by {escape(said)}[/]; proda steer resume goes on", highlight=False
        )

    def _asking(self, whom: str) -> None:
        """A line in a log; on a terminal it goes when the answer is there."""
        self._clear()
        if self._live:
            self._task = self._progress.add_task(f"asking {escape(whom)}", total=None, note="", left="")
        else:
            self._end_line()
            self._console.print(f"  asking {escape(whom)} for a decision", highlight=False, soft_wrap=True)

    def _stage(self, data: dict[str, Any]) -> None:
        self._clear()
        self._began = self._clock()
        self._ladder.note_stage(data)
        title = describe_stage(data["tool"], data["arguments"], self._ladder.name(data))
        if self._live:
            self._task = self._progress.add_task(title, total=None, note="", left="")
        else:
            self._end_line()
            self._console.print(f"  {escape(title)} … ", end="", highlight=False, soft_wrap=True)
            self._open_line = True

    def _advance(self, handle: dict[str, Any]) -> None:
        progress = handle.get("progress")
        if self._task is None or not progress:
            return
        left = progress["eta_s"]
        if left is None:
            left = _estimate(progress["done"], progress["total"], self._clock() - self._began)
        self._progress.update(
            self._task,
            completed=progress["done"],
            total=progress["total"] or None,
            note=escape(self._ladder.speak(progress["note"])),
            left="" if left is None else f"about {duration(left)} left",
        )

    def _done(self, data: dict[str, Any]) -> None:
        self._clear()
        tool = str(data.get("tool", "compose_mixture"))
        took = duration(self._clock() - self._began)
        name = self._ladder.note_done(data)
        text = describe_result(data)
        if self._open_line:
            self._console.print(f"{escape(text)} ({took})", highlight=False, soft_wrap=True)
            self._open_line = False
        else:
            self._row(
                f"[green]✓[/] {escape(f'{subject(tool)} {name}'.rstrip())}",
                f"{escape(text)} [dim]({took})[/]",
            )

    def _clear(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _end_line(self) -> None:
        if self._open_line:
            self._console.print()
            self._open_line = False

    def _row(self, label: str, text: str) -> None:
        """A line with its label; on a terminal the text hangs beside the label, in a log it stays one line."""
        self._end_line()
        if not self._live:
            self._console.print(
                f"  {label}: {text}" if label else f"    {text}", highlight=False, soft_wrap=True
            )
            return
        grid = Table.grid(Column(min_width=_LABEL, no_wrap=True), Column(overflow="fold"), padding=(0, 1))
        grid.add_row(label, text)
        self._console.print(grid, highlight=False)

    def _verdict(self, data: dict[str, Any]) -> None:
        verdict = data["verdict"]
        word = "[green]accepted[/]" if data["accepted"] else "[red]rejected[/]"
        gains = ", ".join(
            f"{name} {points(verdict[f'{name}_gain'])}" for name in ("dev", "sealed", "general")
        )
        why = "; ".join(str(reason).split(":", 1)[0] for reason in verdict["reasons"])
        self._row("[bold]verdict[/]", f"{word} [dim]({escape(gains)} points)[/]: {escape(why)}")

    def _decision(self, decision: Decision, ruling: str) -> None:
        self._clear()
        colour = _COLOUR[decision.kind]
        by = "" if decision.chosen_by in ("rule", "llm") else f" [dim](chosen by the {decision.chosen_by})[/]"
        self._row(
            "[bold]decision[/]", f"[bold {colour}]{decision.kind.value}[/]: {escape(decision.reason)}{by}"
        )
        if ruling:
            self._row("", f"[dim]proposal {escape(ruling)}[/]")
        for option in decision.options:
            if not option.taken:
                self._row("", f"[dim]not {option.kind.value}: {escape(option.reason)}[/]")


class _Ladder:
    """Names of the rungs (Base, V1, V2, …) by adapter. They are counted from V1; a resumed loop, which does not
    hear of V1, keeps the IDs."""

    def __init__(self) -> None:
        self._names = {"base": "Base"}
        self._number: int | None = None

    def note_stage(self, data: dict[str, Any]) -> None:
        if data["tool"] == "compose_mixture":
            if data["arguments"]["kind"] == "v1":
                self._number = 1
            elif self._number is not None:
                self._number += 1

    def name(self, data: dict[str, Any]) -> str:
        if data["tool"] == "train_adapter":
            return f"V{self._number}" if self._number is not None else ""
        model = str(data["arguments"].get("model", ""))
        return self._names.get(model, model)

    def note_done(self, data: dict[str, Any]) -> str:
        tool = data.get("tool", "")
        if tool == "train_adapter" and self._number is not None:
            self._names[data["artifacts"]["adapter"]] = f"V{self._number}"
            return f"V{self._number}"
        model = str(data.get("meta", {}).get("model", "")) if tool == "evaluate_model" else ""
        return self._names.get(model, model)

    def speak(self, note: str) -> str:
        """A job's note with the names of the rungs in place of adapter IDs."""
        for model, name in self._names.items():
            note = note.replace(model, name)
        return note


def _estimate(done: float, total: float, spent_s: float) -> float | None:
    """Seconds left at the pace so far; None until a tenth of a second's worth is known."""
    if done <= 0 or total <= 0 or spent_s < 0.1:
        return None
    return spent_s / done * max(0.0, total - done)
