"""bench: hold what is claimed against controls, planted faults, chance, cheating and kills."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.cli.faults import faults
from agent.cli.gains import show_gains
from agent.cli.kills import kills
from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, chosen, print_json, stderr
from agent.cli.redteam import redteam
from agent.cli.verdicts import verdict
from agent.cli.working import Working
from agent.connect import RECIPES, bench_repair, write_figures
from agent.exit_codes import INTERRUPTED
from proda_core.config import dotted

app = typer.Typer(
    help="Hold what is claimed against controls, planted faults, chance, cheating and kills.",
    no_args_is_help=True,
)
app.command()(verdict)
app.command()(kills)
app.command()(redteam)
app.command()(faults)


@app.callback()
def _bench() -> None:
    """Hold what is claimed against controls, planted faults, chance, cheating and kills."""


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
    with Working(console) as shown:
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
