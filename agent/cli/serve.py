"""serve: a session's host alone, for a person or an MCP client to drive."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import DEFAULT_ROOT, PortOption, RootOption, SessionArgument, chosen, stderr
from agent.connect import Address
from agent.drive import serve as serve_session
from agent.drive import serve_fixtures


def register(app: typer.Typer) -> None:
    """Add the command to the root of the command line."""
    app.command()(serve)


def serve(
    session: SessionArgument = None,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: PortOption = 0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name by which clients may call it; needed beyond this machine."),
    ] = None,
    conformance_fixtures: Annotated[
        bool,
        typer.Option(
            "--conformance-fixtures",
            help="Serve what the protocol's conformance suite expects, in place of the tools.",
        ),
    ] = False,
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Serve a session over HTTP to MCP clients, which do every step themselves. Ctrl-C ends it.

    The steps are the same tools that proda run calls, with the same guard. Clients need one of the two tokens in the session's
    access.json: one reads, the other steers and works.
    """
    folder = chosen(session, sessions)
    address = Address(host, port, tuple(allow_host or ()))
    (serve_fixtures if conformance_fixtures else serve_session)(folder, stderr(), address)
