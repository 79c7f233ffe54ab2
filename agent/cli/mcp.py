"""mcp: a session as a server on standard input and output, for Claude Desktop and the like."""

from __future__ import annotations

import asyncio
import sys

import typer

from agent.cli.options import DEFAULT_ROOT, RootOption, SessionArgument, chosen
from agent.connect import serve_stdio


def register(app: typer.Typer) -> None:
    """Add the command to the root of the command line."""
    app.command()(mcp)


def mcp(session: SessionArgument = None, sessions: RootOption = DEFAULT_ROOT) -> None:
    """Serve a session to an MCP client on standard input and output, for reading.

    It looks at a running session as well as at a finished one and changes neither. Your client starts it: give it the
    command `proda mcp SESSION --sessions FOLDER`, both with their full paths (docs/manual.md shows the settings of four clients).
    """
    folder = chosen(session, sessions)
    if sys.stdin.isatty():
        typer.echo(
            f"serving {folder.name} on standard input and output: this is for an MCP client, which starts it itself "
            "(docs/manual.md); Ctrl-D ends it",
            err=True,
        )
    asyncio.run(serve_stdio(folder))
