"""bench redteam: named attempts to win by cheating, each on a copy of a small session, and what stopped it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.cli.options import JsonOption, print_json, stderr
from agent.connect import red_team, red_team_files, small_session
from agent.drive import drive
from agent.summaries import duration
from proda_core.errors import ConfigError
from proda_core.session import SessionFolder
from proda_core.types import StopReason

SUCCEEDED = 1
_LINES = 8  # of a file that are named


def redteam(
    attack: Annotated[
        list[str] | None, typer.Option(help="An attack by name; all when left out. May be repeated.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="A training set of somebody else's (JSON lines) to look into instead.")
    ] = None,
    benchmark: Annotated[
        Path | None, typer.Option(help="The benchmark (JSON lines) that it is not to hold.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the bench; it goes on with what it finds there.")
    ] = Path("bench-redteam"),
    json: JsonOption = False,
) -> None:
    """Try to win by cheating, in every named way, on copies of a small session that is made first. Exit code 1 if one succeeds.

    With --rows and --benchmark: look for the leaks among them in files of another system.
    """
    if (rows is None) != (benchmark is None) or (rows is not None and attack):
        raise ConfigError("--rows and --benchmark go together, and with no --attack")
    console = stderr()
    if rows is not None and benchmark is not None:
        found = red_team_files(rows, benchmark)
    else:
        found = _attacked(attack or [], out, console)
    if json:
        print_json(found)
    else:
        (_show_files if rows is not None else _show)(found, Console(highlight=False))
    if found["succeeded"]:
        raise typer.Exit(SUCCEEDED)


def _attacked(names: list[str], out: Path, console: Console) -> dict[str, Any]:
    folder = small_session(out)
    ended = drive(folder, console)  # at once, where it was made before
    if ended.stop_reason in ("interrupted", StopReason.ERROR.value):
        console.print(f"[yellow]the session to attack did not come to its end: {escape(ended.detail)}[/]")
        raise typer.Exit(ended.exit_code)
    return asyncio.run(_tried(folder, names, out, console))


async def _tried(folder: SessionFolder, names: list[str], out: Path, console: Console) -> dict[str, Any]:
    def tell(what: str, progress: Any) -> None:
        left = "" if progress.eta_s is None else f", about {duration(progress.eta_s)} left"
        console.print(f"  {progress.done:g} of {progress.total:g}{left}: {escape(what)}", soft_wrap=True)

    return await red_team(folder, names, out=out, tell=tell)


def _show(found: dict[str, Any], console: Console) -> None:
    """A line or two for each attack, by family; then what succeeded, and what is known not to be stopped."""
    family = ""
    for row in found["attacks"]:
        if row["family"] != family:
            family = row["family"]
            console.print(f"\n[bold]{family}[/]")
        said = "[red]SUCCEEDED[/]" if row["won"] else "[green]stopped[/]"
        if row["won"] and row["open_because"]:
            said = "[yellow]not stopped[/]"
        console.print(f"  {said}  [bold]{row['name']}[/] [dim]({row['by']}) {escape(row['wants'])}[/]")
        told = row["open_because"] or f"{row['saw']}; {row['stopped'] or 'nobody wrote it down'}"
        console.print(f"      [dim]{escape(told)}[/]", soft_wrap=True)
    known = sum(bool(row["open_because"]) for row in found["attacks"])
    tried = len(found["attacks"]) - known
    console.print(
        f"\n{tried - len(found['succeeded'])} of {tried} stopped, {tried - len(found['unlogged'])} of {tried} written down; "
        f"{known} are known not to be stopped"
    )


def _show_files(found: dict[str, Any], console: Console) -> None:
    """Each disguise: lines that hold an item so, and whether the scan would see one."""
    console.print(f"{found['rows']} rows against {found['items']} items")
    for row in found["attacks"]:
        lines = ", ".join(map(str, row["lines"][:_LINES])) + (" …" if len(row["lines"]) > _LINES else "")
        said = f"[red]found[/] in line {lines}" if row["lines"] else "[green]not found[/]"
        console.print(
            f"  {row['name']:<26} {said} [dim]planted ones seen: {row['seen']} of {row['planted']}[/]"
        )
    for refusal in found["refused"][:_LINES]:
        console.print(f"  [red]{escape(refusal['row_id'])}[/] {escape(refusal['detail'])}")
    more = len(found["refused"]) - _LINES
    console.print(f"  and {more} more" if more > 0 else f"{len(found['refused'])} rows refused by G4")
