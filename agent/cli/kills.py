"""bench kills: kill a session wherever it writes, and hold how it ends against one that was never killed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import (
    DEFAULT_ROOT,
    JsonOption,
    RootOption,
    SessionArgument,
    chosen,
    print_json,
    stderr,
)
from agent.cli.working import Working
from agent.connect import bench_kills
from agent.exit_codes import INTERRUPTED


def kills(
    session: SessionArgument = None,
    kills: Annotated[
        int,
        typer.Option(min=0, help="Random kills to reach in the count, on top of each write boundary once."),
    ] = 150,
    into: Annotated[
        Path, typer.Option(help="The count, a line a session; it goes on with what it finds there.")
    ] = Path("kills.jsonl"),
    work: Annotated[Path, typer.Option(help="Folder for the copies that are killed.")] = Path("bench-kills"),
    seed: Annotated[int, typer.Option(help="Of the random kills.")] = 0,
    root: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Kill host, trainer and worker of copies of a finished session, and hold each copy's end against the session's.

    Every kind of write boundary once, then at random. Exit code 1 when a copy ended otherwise; it is kept to be looked at.
    """
    reference, console = chosen(session, root), stderr()
    with Working(console) as shown:
        try:
            figures = bench_kills(
                reference,
                host="agent.drive:resume_here",
                kills=kills,
                into=into,
                work=work,
                seed=seed,
                tell=shown.count,
            )
        except KeyboardInterrupt:
            console.print(f"interrupted; the same command goes on from what {into} counts")
            raise typer.Exit(INTERRUPTED) from None
    if json:
        print_json(figures)
    else:
        typer.echo(
            f"{figures['kills']} kills in {figures['sessions']} sessions and workers, {figures['random']} of them random, "
            f"{figures['boundaries']} kinds of write boundary: {len(figures['failed'])} ended otherwise"
        )
        for failed in figures["failed"]:
            typer.echo(f"  {failed['about']} after {len(failed['hits'])} kills: {failed['problems'][0]}")
    raise typer.Exit(1 if figures["failed"] else 0)
