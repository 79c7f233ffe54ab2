"""How MCP clients are told of a session: which file each reads, what stands in it, and the change that adds or removes a server.

A change is planned first, as a difference to be shown, and written only then: whole, with a copy of the file as it was beside it.
All else in the file stays. A file that is not plain JSON, or not of the client's form, is refused and left alone.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from proda_core.artifacts import write_atomic
from proda_core.errors import ConfigError
from proda_core.session import SessionFolder

_NEW_FILE_MODE = 0o600  # clients keep other servers' secrets in these files
_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)


class ClientName(StrEnum):
    """The clients whose configuration this project knows."""

    CLAUDE_DESKTOP = "claude-desktop"
    CLAUDE_CODE = "claude-code"
    CURSOR = "cursor"
    VSCODE = "vscode"


@dataclass(frozen=True, slots=True)
class Client:
    """A client's form: the key of its list of servers, whether it names the transport, and its file in a project ("": none)."""

    key: str
    typed: bool
    in_project: str


CLIENTS = {
    ClientName.CLAUDE_DESKTOP: Client("mcpServers", typed=False, in_project=""),
    ClientName.CLAUDE_CODE: Client("mcpServers", typed=True, in_project=".mcp.json"),
    ClientName.CURSOR: Client("mcpServers", typed=True, in_project=".cursor/mcp.json"),
    ClientName.VSCODE: Client("servers", typed=True, in_project=".vscode/mcp.json"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """The machine as far as it matters to where clients keep their files."""

    system: str
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> Place:
        return cls(sys.platform, Path.home(), os.environ)

    @property
    def applications(self) -> Path:
        """Where applications of this system keep what is the user's."""
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        return Path(self.environment.get("XDG_CONFIG_HOME") or self.home / ".config")

    def file_of(self, name: ClientName) -> Path:
        """The user's own file of a client."""
        if name is ClientName.CLAUDE_DESKTOP:
            return self.applications / "Claude" / "claude_desktop_config.json"
        if name is ClientName.VSCODE:
            return self.applications / "Code" / "User" / "mcp.json"
        if name is ClientName.CURSOR:
            return self.home / ".cursor" / "mcp.json"
        return Path(self.environment.get("CLAUDE_CONFIG_DIR") or self.home) / ".claude.json"


@dataclass(frozen=True, slots=True)
class Change:
    """What a file holds (None: there is none) and what it would hold. Nothing is written before ``write``.

    ``entries`` are the server's own, before and after, as text: all else may hold secrets and is shown to nobody.
    """

    path: Path
    before: bytes | None
    after: bytes
    entries: tuple[str, str] = ("", "")

    @property
    def is_none(self) -> bool:
        return (self.before or b"") == self.after

    @property
    def difference(self) -> str:
        """The change of the server's entry as a unified diff; "" where there is none."""
        old, new = (text.splitlines() for text in self.entries)
        said = "/dev/null" if self.before is None else str(self.path)
        return "\n".join(difflib.unified_diff(old, new, said, str(self.path), lineterm=""))

    def write(self) -> Path | None:
        """Write the file and, before it, a copy of what it was; the copy's path. ConfigError when it changed meanwhile."""
        if _bytes_of(self.path) != self.before:
            raise ConfigError(f"{self.path} was changed just now by somebody else; try again")
        mode, copy = _NEW_FILE_MODE, None
        try:
            if self.before is not None:
                mode = self.path.stat().st_mode & 0o777
                copy = self.path.with_name(
                    f"{self.path.name}.{hashlib.sha256(self.before).hexdigest()[:8]}.bak"
                )
                write_atomic(copy, self.before, mode=mode)
            write_atomic(self.path, self.after, mode=mode)
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be written: {error.strerror}; nothing was changed"
            ) from error
        return copy


def configuration_file(name: ClientName, place: Place, *, project: Path | None) -> Path:
    """The client's file, the user's or (``project``) a project's. ConfigError for a client that has none in projects."""
    if project is None:
        path = place.file_of(name)
    elif not CLIENTS[name].in_project:
        raise ConfigError(f"{name.value} knows no configuration of a project: leave --project out")
    else:
        path = project / CLIENTS[name].in_project
    return path.resolve()  # the file itself where dotfiles are links


def starting_command() -> list[str]:
    """How a client that knows neither this shell nor its paths starts this installation."""
    beside = Path(sys.executable).absolute().parent / "proda"
    if beside.is_file():
        return [str(beside), "mcp"]
    return [str(Path(sys.executable).absolute()), "-c", "from agent.cli import main; main()", "mcp"]


def server_entry(name: ClientName, command: list[str], session: SessionFolder) -> dict[str, Any]:
    """What stands in a client's list for a session."""
    transport = {"type": "stdio"} if CLIENTS[name].typed else {}
    return {**transport, "command": command[0], "args": [*command[1:], str(session.root)]}


def plan_change(name: ClientName, path: Path, server: str, entry: dict[str, Any] | None) -> Change:
    """The change that makes ``server`` stand for ``entry`` in the client's file, or be gone (None).

    ConfigError for a file that cannot be read or is not of the client's form.
    """
    key, before = CLIENTS[name].key, _bytes_of(path)
    if before is None and entry is None:
        return Change(path, None, b"")
    text = _text(path, before or b"")
    data = _parsed(path, text, paste=json.dumps({key: {server: entry}}) if entry else "")
    listed = data.get(key, {})
    if not isinstance(listed, dict):
        raise ConfigError(f"{path}: {key} is no object; mend it in the client or by hand")
    servers = {known: value for known, value in listed.items() if known != server or entry is not None}
    if entry is not None:
        servers[server] = entry
    if servers == listed and before is not None:
        return Change(path, before, before)
    indent = found.group(1) if (found := _INDENT.search(text)) else "  "
    entries = [
        _written(path, {key: {server: held[server]}}, indent).decode() if server in held else ""
        for held in (listed, servers)
    ]
    return Change(path, before, _written(path, {**data, key: servers}, indent), (entries[0], entries[1]))


def _written(path: Path, data: dict[str, Any], indent: str) -> bytes:
    try:
        return (json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # half a pair of surrogates, which JSON can only escape
        return (json.dumps(data, indent=indent, allow_nan=False) + "\n").encode()
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply; nothing was changed") from error


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; nothing was changed") from error


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text; nothing was changed") from error


def _parsed(path: Path, text: str, *, paste: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not plain JSON ({error}); nothing was changed. Mend it, or where it is meant to hold comments "
            f"change it by hand (docs/clients.md) {paste}".rstrip()
        ) from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no JSON object; nothing was changed")
    return data


def _finite(number: str) -> float:
    """A number that can be written back."""
    found = float(number)
    if not math.isfinite(found):
        raise ValueError(f"{number} is no number of JSON")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object each of whose keys stands once: writing it back would drop the others."""
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return data
