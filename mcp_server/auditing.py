"""Audits that an operator runs from the command line, with keys, sinks and files of theirs, which no client of a server may name.

Each opens the session as a reader and gives what the tool of the same name gives, as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp_server.hosting import reading_host
from proda_core.log.keys import PublicKey, key_path, own_key
from proda_core.session import SessionFolder
from tools.attesting import export_adapters
from tools.leaks import check_files, check_session
from tools.verify_log import verify_with

__all__ = ["check_foreign_files", "check_leaks", "export_session", "signing_key", "verify_session"]


def verify_session(
    folder: SessionFolder, keys: Sequence[str] = (), sink: Path | None = None
) -> dict[str, Any]:
    """What verify_log gives, with the keys to believe and the sink named by who asks."""
    return verify_with(reading_host(folder), keys, sink).model_dump(mode="json")


def check_leaks(folder: SessionFolder) -> dict[str, Any]:
    """The guard's rules over all that the session keeps, from the artifacts alone."""
    return check_session(reading_host(folder)).model_dump(mode="json")


def check_foreign_files(train: Path, benchmark: Path, graph: SessionFolder | None = None) -> dict[str, Any]:
    """The guard's rules over somebody else's training set and benchmark, with a session's graph to read them by if given."""
    host = None if graph is None else reading_host(graph)
    return check_files(train, benchmark, host).model_dump(mode="json")


def export_session(folder: SessionFolder, out: Path) -> list[Path]:
    """A folder for each adapter of the session: weights, model card and a statement signed with the user's key."""
    return export_adapters(reading_host(folder), out, own_key(key_path(folder.config.audit.key)))


def signing_key() -> tuple[Path, PublicKey]:
    """Where the user's signing key lies, and its public part; made if there is none yet."""
    path = key_path()
    return path, own_key(path).public
