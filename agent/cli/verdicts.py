"""bench verdict: how often a session accepts what is no better, and how often it finds a true gain."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, chosen, print_json, stderr
from agent.cli.working import Working
from agent.connect import bench_verdict
from agent.exit_codes import INTERRUPTED
from proda_core.config import dotted


def verdict(
    session: Annotated[
        str | None,
        typer.Argument(
            help="Session whose benchmark and models are simulated, or trained again; the demo's as measured when left out.",
            show_default=False,
        ),
    ] = None,
    simulated: Annotated[
        int,
        typer.Option(
            help="Sessions to simulate of each kind, a quarter as many for each true gain; 0 for none."
        ),
    ] = 2000,
    trainings: Annotated[
        int, typer.Option(help="Trainings of the session's V1 under other seeds, each judged against it.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what is simulated.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change policy, verdict or budget: --set verdict.max_verdicts=10"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the bench; trainings go on with what they find there.")
    ] = Path("bench-verdict"),
    root: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Measure the verdict's false accepts over whole sessions, and its power, by simulation and by trainings in earnest.

    2,000 sessions of a kind take about a minute on one free core, a training as long as V1 took.
    """
    folder = chosen(session, root) if session else None
    console = stderr()
    with Working(console) as shown:
        work = bench_verdict(
            folder,
            simulated=simulated,
            trainings=trainings,
            seed=seed,
            overrides=dotted(set_ or []),
            out=out,
            tell=shown.tell,
        )
        try:
            figures = asyncio.run(work)
        except KeyboardInterrupt:
            console.print("interrupted; the same command goes on from the last training's checkpoint")
            raise typer.Exit(INTERRUPTED) from None
    if json:
        print_json(figures)
    else:
        show_error_rates(figures, Console(highlight=False))
        typer.echo(f"  figures  {out / 'verdict.json'}")


def show_error_rates(figures: dict[str, Any], console: Console) -> None:
    """Tables for 80 columns, of what there is."""
    if found := figures["simulated"]:
        _show_nulls(found, console)
        _show_power(found, console)
    if trained := figures["trainings"]:
        false = trained["false_accepts"]
        console.print(f"\n[bold]V1 of {trained['session']} trained again[/] [dim]nothing is better[/]")
        console.print(f"  {_count(false)} accepted: {_percent(false)} %, 95 % interval")
        for one in trained["trainings"]:
            gains = ", ".join(f"{name} {100 * gain:+.1f}" for name, gain in one["gains"].items())
            word = "[red]accepted[/]" if one["accepted"] else "rejected"
            console.print(f"  seed {one['seed']:<7} {word}  p = {one['p_dev']:.2g}  [dim]{gains} points[/]")
        if trained["spread"] is not None:
            console.print(f"  spread of dev accuracies, 1 is what groups explain: {trained['spread']:.2f}")


def _show_nulls(found: dict[str, Any], console: Console) -> None:
    console.print(f"\n[bold]sessions in which nothing is better[/] [dim]seed {found['seed']}[/]")
    table = _table("sessions", "n", "looks", "false accepts, %", "undecided, %")
    for row in found["nulls"]:
        false = row["false_accepts"]
        colour = "green" if false["high"] <= found["allowed"] else "red"
        table.add_row(
            row["name"],
            f"{row['sessions']:,}",
            f"{row['looks']:.1f}",
            f"[{colour}]{_percent(false)}[/]",
            f"{100 * row['undecided']:.0f}",
        )
    console.print(table)


def _show_power(found: dict[str, Any], console: Console) -> None:
    console.print("[bold]a true gain on dev and sealed[/] [dim]found, in percent of the sessions[/]")
    table = _table("gain", "dev items", "n", "in the first round", "in the session")
    for row in [*found["power"], found["at_needed"]]:
        table.add_row(
            f"{100 * row['gain']:.0f} points",
            f"{row['items']:,}",
            f"{row['sessions']:,}",
            _percent(row["first_round"]),
            _percent(row["session"]),
        )
    console.print(table)
    gain, needed = 100 * found["smallest_gain"], found["needed"]
    console.print(
        f"  [dim]a first round finds {gain:.0f} points 80 % of the time from about {needed} dev items[/]"
    )


def _percent(interval: dict[str, Any]) -> str:
    low, value, high = (100 * interval[key] for key in ("low", "value", "high"))
    return f"{value:.1f} ({low:.1f}–{high:.1f})"


def _count(interval: dict[str, Any]) -> str:
    return f"{round(interval['value'] * interval['n'])} of {interval['n']}"


def _table(*titles: str) -> Table:
    first, *rest = titles
    columns = [Column(first), *(Column(title, justify="right", no_wrap=True) for title in rest)]
    return Table(
        *columns, box=SIMPLE_HEAD, header_style="bold", padding=(0, 1), pad_edge=False, collapse_padding=True
    )
