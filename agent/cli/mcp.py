"""mcp: a session as a server on standard input and output, for Claude Desktop and the like, and how they are told of it.

``proda mcp SESSION`` serves; ``install`` and ``bundle`` set clients up. A session called so is given by its folder.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agent.cli.options import DEFAULT_ROOT, RootOption, SessionArgument, chosen
from agent.connect import (
    ClientName,
    Place,
    configuration_file,
    plan_change,
    serve_stdio,
    server_entry,
    starting_command,
    write_bundle,
)
from proda_core.errors import SessionError


class ServesByDefault(TyperGroup):
    """A group whose first word is a session unless it is a command."""

    default = "serve"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else [self.default, *args])


app = typer.Typer(
    cls=ServesByDefault,
    help="Serve a session to an MCP client on standard input and output: proda mcp SESSION; or set clients up to do so.",
)


@app.command()
def serve(session: SessionArgument = None, sessions: RootOption = DEFAULT_ROOT) -> None:
    """Serve a session to an MCP client on standard input and output, for reading and steering. The same as proda mcp SESSION.

    It looks at a running session as well as at a finished one and changes neither. Your client starts it: proda mcp install sets
    it up, and docs/clients.md shows what is written.
    """
    folder = chosen(session, sessions)
    if sys.stdin.isatty():
        typer.echo(
            f"serving {folder.name} on standard input and output: this is for an MCP client, which starts it itself "
            "(proda mcp install sets it up); Ctrl-D ends it",
            err=True,
        )
    asyncio.run(serve_stdio(folder))


@app.command()
def install(
    client: Annotated[
        ClientName, typer.Argument(metavar="CLIENT", help="claude-desktop, claude-code, cursor or vscode.")
    ],
    session: SessionArgument = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Write the change that is shown.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the server out again.")] = False,
    project: Annotated[
        bool, typer.Option("--project", help="The file of the project in this folder, not the user's own.")
    ] = False,
    name: Annotated[str, typer.Option(help="What the client calls the server.")] = "proda",
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Tell an MCP client of a session: shows the change of its entry in the configuration file and, with --yes, writes it.

    Everything else in the file stays, and a copy of it as it was is kept beside it.
    """
    path = configuration_file(client, Place.here(), project=Path.cwd() if project else None)
    entry = None
    if not remove:
        entry = server_entry(client, starting_command(), chosen(session, sessions))
    change = plan_change(client, path, name, entry)
    if change.is_none:
        typer.echo(f"{path}: nothing to change")
        return
    typer.echo(change.difference)
    if not yes:
        typer.echo("nothing was written; the same command with --yes writes it", err=True)
        return
    copy = change.write()
    kept = f"; as it was: {copy}" if copy else ""
    typer.echo(f"{path} written{kept}. Start {client.value} anew to see it", err=True)


@app.command()
def bundle(
    out: Annotated[Path, typer.Argument(help="The file to write, ending in .mcpb.")],
    session: Annotated[
        str | None,
        typer.Option("--session", help="Session to propose; the newest when left out.", show_default=False),
    ] = None,
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Write an MCP bundle (.mcpb) that Claude Desktop on this machine installs by a double click.

    It starts this installation of proda; the client asks for the session's folder and proposes the one given here.
    """
    try:
        folder = chosen(session, sessions)
    except SessionError:
        if session is not None:
            raise
        folder = None  # none yet: the client asks
    path = write_bundle(out, folder)
    typer.echo(f"{path}: open it with Claude Desktop")
