"""bench faults: plant gaps and deficits in what a model is taught, and say how well diagnosis finds them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, chosen, print_json, stderr
from agent.cli.working import Working
from agent.connect import Sizes, bench_faults, write_fault_figures
from agent.exit_codes import INTERRUPTED
from proda_core.config import dotted
from proda_core.errors import ConfigError

KINDS = {
    "concept_gap": "concept gap",
    "reasoning_deficit": "reasoning deficit",
    "reasoning_deficit_as_planted": "  as planted",
}
_DEFAULT = Sizes()


def faults(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            help="Sessions that have frozen a benchmark; the newest when left out.", show_default=False
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds to plant with: 0-4, or 3,7.")] = "0-4",
    gaps: Annotated[int, typer.Option(min=1, help="Concept gaps planted a seed.")] = _DEFAULT.gaps,
    deficits: Annotated[
        int, typer.Option(min=1, help="Reasoning deficits planted a seed.")
    ] = _DEFAULT.deficits,
    controls: Annotated[
        int, typer.Option(min=1, help="Chains a seed that are taught whole.")
    ] = _DEFAULT.controls,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change how the model is taught or diagnosed: --set training.epochs=3"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the study; it goes on with what it finds there.")
    ] = Path("bench-faults"),
    root: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Leave facts out of the training, or never compose chains of some shapes, and compare what diagnosis says with it.

    The sessions stay as they are. Each seed is a whole training of V1; a study that is killed goes on where it was.
    """
    folders = [chosen(name, root) for name in sessions] if sessions else [chosen(None, root)]
    sizes = Sizes(gaps, deficits, controls)
    console = stderr()
    with Working(console) as shown:
        work = bench_faults(
            folders, read_seeds(seeds), dotted(set_ or []), out=out, sizes=sizes, tell=shown.tell
        )
        try:
            figures = asyncio.run(work)
        except KeyboardInterrupt:
            console.print("interrupted; the same command goes on from the last checkpoint")
            raise typer.Exit(INTERRUPTED) from None
    path = write_fault_figures(figures, out)
    if json:
        print_json(figures)
    else:
        show_faults(figures, Console(highlight=False))
        typer.echo(f"  figures  {path}")


def read_seeds(text: str) -> list[int]:
    """``0-4`` or ``1,5,9-11`` as numbers, each once; ConfigError for anything else."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None:
            raise ConfigError(f"--seeds wants numbers and ranges like 0-4 or 3,7, got {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ConfigError(f"--seeds: the range {part.strip()} ends before it begins")
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def show_faults(figures: dict[str, Any], console: Console) -> None:
    """A table of who said why, by kind, and one of the trainings."""
    level = f"{100 * figures['level']:.0f} %"
    console.print(f"\n[bold]what was planted and what was said[/] [dim]{level} intervals[/]")
    table = _table("", "found", "missed", "false", "precision", "recall", "F1")
    for reader, rows in figures["readers"].items():
        table.add_row(f"[bold]{reader}[/]", *[""] * 6)
        for row in rows:
            counts = (str(row[name]) for name in ("found", "missed", "false"))
            table.add_row(
                f"  {KINDS[row['kind']]}",
                *counts,
                *(_interval(row[name]) for name in ("precision", "recall", "f1")),
            )
    console.print(table)
    for name in figures["silent"]:
        console.print(f"  [dim]{name}: nothing to learn from; give two seeds or more[/]")
    table = _table(
        "seed", "gaps", "failed", "deficits", "failed", "confirmed", "facts known", "controls right"
    )
    for row in figures["trials"]:
        planted, shown = row["planted"], row["shown"]
        table.add_row(
            str(row["seed"]),
            str(planted["concept_gap"]),
            str(shown["concept_gap"]),
            str(planted["reasoning_deficit"]),
            str(shown["reasoning_deficit"]),
            str(row["confirmed_deficits"]),
            f"{100 * row['facts_known']:.0f} %",
            f"{100 * row['control_accuracy']:.0f} %",
        )
    console.print(table)


def _interval(interval: dict[str, Any]) -> str:
    if not interval["n"]:
        return "none"
    value, low, high = (100 * interval[key] for key in ("value", "low", "high"))
    return f"{value:.0f} ({low:.0f}-{high:.0f})"


def _table(*titles: str) -> Table:
    first, *rest = titles
    columns = [Column(first, no_wrap=True), *(Column(title, justify="right") for title in rest)]
    return Table(
        *columns, box=SIMPLE_HEAD, header_style="bold", padding=(0, 1), pad_edge=False, collapse_padding=True
    )
