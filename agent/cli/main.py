"""The ``proda`` command: its groups, its errors and its exit codes.

Exit codes: 0 done (for a session: target reached), 20 to 25 a session's other defined ends, 130 interrupted and resumable,
else the typed error's own code.
"""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console
from rich.markup import escape

from agent.cli import audit, bench, doctor, graph, mcp, merge, serve, session
from proda_core import __version__
from proda_core.errors import ProdaError

app = typer.Typer(
    name="proda",
    help="Compile, test, diagnose and repair what a model knows of a body of text, unattended and with proof.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
session.register(app)
serve.register(app)
app.command()(merge.merge)
app.command()(doctor.doctor)
app.add_typer(mcp.app, name="mcp")
app.add_typer(graph.app, name="graph")
app.add_typer(audit.app, name="audit")
app.add_typer(bench.app, name="bench")


def _version(show: bool) -> None:
    if show:
        typer.echo(f"proda {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Programming with Data, unattended."""


def main() -> None:
    """Entry point: run the command, turn a typed error into one line and its exit code."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        app()
    except ProdaError as error:
        Console(stderr=True).print(
            f"[bold red]proda: {type(error).__name__}:[/] {escape(str(error))}", soft_wrap=True
        )
        sys.exit(error.exit_code)
