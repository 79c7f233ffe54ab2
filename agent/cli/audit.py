"""audit: check what a session says it did."""

from __future__ import annotations

import asyncio
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, SessionArgument, chosen, print_json
from agent.connect import reading
from proda_core.errors import LedgerError

app = typer.Typer(help="Check what a session says it did.", no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Check what a session says it did."""


@app.command()
def verify(
    session: SessionArgument = None, sessions: RootOption = DEFAULT_ROOT, json: JsonOption = False
) -> None:
    """Verify the decision log: every byte, and every artifact against its record. Exit code 10 when it fails."""
    folder = chosen(session, sessions)

    async def ask() -> dict[str, Any]:
        async with reading(folder) as client:
            return await client.call("verify_log")

    view = asyncio.run(ask())
    if json:
        print_json(view)
    else:
        console = Console(highlight=False)
        for key in ("integrity", "completeness", "authenticity", "anchoring"):
            console.print(f"  {key:<13} {escape(str(view[key]))}")
        console.print(f"  {'records':<13} {view['records']}")
        for problem in view["problems"][:20]:
            console.print(f"  [red]✗[/] {escape(str(problem))}")
        for blind in view["cannot_detect"]:
            console.print(f"  [dim]cannot detect: {escape(str(blind))}[/]")
        console.print(
            "[green]the log verifies[/]"
            if view["ok"]
            else f"[red]first bad: {escape(str(view['first_bad']))}[/]"
        )
    if not view["ok"]:
        raise typer.Exit(LedgerError.exit_code)
