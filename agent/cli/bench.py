"""bench repair: hold a session's repair against controls; and what every bench shows of its progress."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from agent.cli.gains import show_gains
from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, chosen, print_json, stderr
from agent.connect import RECIPES, bench_repair, write_figures
from agent.exit_codes import INTERRUPTED
from agent.summaries import duration
from proda_core.config import dotted

app = typer.Typer(help="Hold repair and diagnosis against what is known.", no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """Hold repair and diagnosis against what is known."""


@app.command()
def repair(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(help="Sessions that have diagnosed V1; the newest when left out.", show_default=False),
    ] = None,
    recipe: Annotated[
        list[str] | None, typer.Option("--recipe", help=f"One of {', '.join(RECIPES)}; all when left out.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change the rounds, not V1: --set training.round_epochs=4, --set mixture.rows=800"
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the bench; it goes on with what it finds there.")
    ] = Path("bench-repair"),
    root: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Repair V1 of each session by the diagnosed patch and by controls of the same size, base and seed, and compare.

    The sessions stay as they are. Each trial takes as long as a round; a bench that is killed goes on where it was.
    """
    folders = [chosen(name, root) for name in sessions] if sessions else [chosen(None, root)]
    recipes = recipe or list(RECIPES)
    console = stderr()
    with Shown(console) as shown:
        work = bench_repair(folders, recipes, dotted(set_ or []), out=out, tell=shown.tell)
        try:
            figures = asyncio.run(work)
        except KeyboardInterrupt:
            console.print("interrupted; the same command goes on from the last checkpoint")
            raise typer.Exit(INTERRUPTED) from None
    page = write_figures(figures, out)
    if json:
        print_json(figures)
    else:
        show_gains(figures, Console(highlight=False))
        typer.echo(f"  page  {page}")


class Shown:
    """What the bench is doing: a bar on a terminal, a line for each step in a log."""

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

    def __enter__(self) -> Shown:
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
