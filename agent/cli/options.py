"""Options that several commands share, and the reading of durations."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from proda_core.errors import ConfigError
from proda_core.session import SessionFolder, find_session

CorpusArgument = Annotated[
    str | None,
    typer.Argument(
        help="File, folder, glob or URL of texts; the shipped corpus when left out.", show_default=False
    ),
]
SessionArgument = Annotated[
    str | None,
    typer.Argument(help="Session folder or name; the newest session when left out.", show_default=False),
]
RootOption = Annotated[
    Path, typer.Option("--sessions", help="Folder that holds the sessions.", envvar="PRODA_SESSIONS")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]

ServeOption = Annotated[
    bool, typer.Option("--serve", help="Let MCP clients on this machine look and steer meanwhile, over HTTP.")
]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on; 0 takes a free one.")]

MoneyOption = Annotated[
    float | None,
    typer.Option(help="What calls to a teacher model may cost in all, in the currency of the prices."),
]

DEFAULT_ROOT = Path("sessions")
_DURATION = re.compile(r"^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?$")


def seconds(text: str) -> float:
    """Read a duration such as 90s, 20m, 1h30m or a plain number of seconds."""
    found = _DURATION.match(text.strip().lower())
    if not text.strip() or found is None or not any(found.groups()):
        raise ConfigError(f"not a duration: {text!r}; write 90s, 20m or 1h30m")
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    total = hours * 3600 + minutes * 60 + rest
    if total <= 0:
        raise ConfigError(f"a budget of {text!r} leaves no time; write 90s, 20m or 1h30m")
    return total


def chosen(session: str | None, root: Path) -> SessionFolder:
    """The session named, or the newest under ``root``."""
    return find_session(session, root)


def print_json(value: Any) -> None:
    """Machine-readable result on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


def operator() -> str:
    """Who steers from this command line: the user and machine, as the log will name them."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def stderr() -> Console:
    """Where progress goes."""
    return Console(stderr=True)
