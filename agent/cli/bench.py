"""bench: hold a session's repair against controls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Column, Table

from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, chosen, print_json, stderr
from agent.connect import RECIPES, bench_repair, write_figures
from agent.exit_codes import INTERRUPTED
from agent.summaries import duration
from proda_core.config import dotted

app = typer.Typer(help="Hold a session's repair against controls.", no_args_is_help=True)
SETS = ("dev", "sealed", "general")


@app.callback()
def _bench() -> None:
    """Hold a session's repair against controls."""


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
            "--set", help="Change the rounds, not V1: --set training.epochs=4, --set mixture.rows=800"
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
    with _Shown(console) as shown:
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
        show_figures(figures, Console(highlight=False))
        typer.echo(f"  page  {page}")


class _Shown:
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

    def __enter__(self) -> _Shown:
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


def show_figures(figures: dict[str, Any], console: Console) -> None:
    """Two tables: each recipe against V1, and the diagnosed patch against each control."""
    level = f"{100 * figures['level']:.0f} %"
    console.print(f"\n[bold]against V1[/] [dim]gain in points, {level} interval over {_sessions(figures)}[/]")
    table = _table("recipe", "rows", *SETS, "p<.05")
    before = figures["before"]
    for name in ("base", "V1"):
        table.add_row(name, "", *(f"{100 * before[name][one]:.1f} %" for one in SETS), "", style="dim")
    for row in figures["recipes"]:
        significant = f"{sum(p < 0.05 for p in row['p_dev'])} of {len(row['p_dev'])}"
        table.add_row(
            row["recipe"], f"{row['rows']:,.0f}", *(_gain(row["gain"][one]) for one in SETS), significant
        )
    console.print(table)
    if figures["comparisons"]:
        console.print(f"[bold]the diagnosed patch against each control[/] [dim]points, {level} interval[/]")
        table = _table("control", *SETS)
        for row in figures["comparisons"]:
            table.add_row(row["control"], *(_gain(row["gain"][one]) for one in SETS))
        console.print(table)
    for row in figures["recipes"]:
        console.print(f"  [dim]{row['recipe']:<10} {RECIPES[row['recipe']]}[/]")


def _sessions(figures: dict[str, Any]) -> str:
    count = len(figures["sessions"])
    return "one session" if count == 1 else f"{count} sessions"


def _gain(interval: dict[str, Any]) -> str:
    low, value, high = (100 * interval[key] for key in ("low", "value", "high"))
    colour = "green" if low > 0 else "red" if high < 0 else "default"
    return f"[{colour}]{value:+.1f} ({low:+.0f} {high:+.0f})[/]"


def _table(*titles: str) -> Table:
    first, *rest = titles
    columns = [Column(first, no_wrap=True), *(Column(title, justify="right", no_wrap=True) for title in rest)]
    return Table(*columns, box=SIMPLE_HEAD, header_style="bold", padding=(0, 1))
