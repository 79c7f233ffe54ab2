"""Audits that an operator runs from the command line, with keys, sinks and files of theirs, which no client of a server may name.

Each opens the session as a reader and gives what the tool of the same name gives, as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp_server.hosting import reading_host
from proda_core.errors import ConfigError
from proda_core.log.keys import PublicKey, SigningKey, key_path, own_key
from proda_core.session import SessionFolder
from tools.exports.adapters import attest_adapters, export_adapters
from tools.exports.timeline import timeline_of
from tools.leaks import check_files, check_session
from tools.verify_log import verify_with

__all__ = [
    "attest_session",
    "check_foreign_files",
    "check_leaks",
    "hand_on_adapters",
    "signing_key",
    "verify_session",
    "write_eval_logs",
    "write_session_trace",
]


def verify_session(
    folder: SessionFolder,
    keys: Sequence[str] = (),
    sink: Path | None = None,
    *,
    handed_on: Path | None = None,
) -> dict[str, Any]:
    """What verify_log gives, with the keys to believe, the sink and a folder of exported adapters named by who asks."""
    return verify_with(reading_host(folder), keys, sink, handed_on=handed_on).model_dump(mode="json")


def check_leaks(folder: SessionFolder) -> dict[str, Any]:
    """The guard's rules over all that the session keeps, from the artifacts alone."""
    return check_session(reading_host(folder)).model_dump(mode="json")


def check_foreign_files(train: Path, benchmark: Path, graph: SessionFolder | None = None) -> dict[str, Any]:
    """The guard's rules over somebody else's training set and benchmark, with a session's graph to read them by if given."""
    host = None if graph is None else reading_host(graph)
    return check_files(train, benchmark, host).model_dump(mode="json")


def attest_session(folder: SessionFolder) -> list[Path]:
    """A model card and a statement signed with the user's key for each adapter, kept in the session; the folders."""
    with _writing(folder.attestations):
        return attest_adapters(reading_host(folder), _key_of(folder))


def hand_on_adapters(folder: SessionFolder, out: Path) -> list[Path]:
    """The same with the weights, in folders of their own."""
    with _writing(out):
        return export_adapters(reading_host(folder), out, _key_of(folder))


def write_eval_logs(folder: SessionFolder, out: Path) -> list[Path]:
    """Each report of the session as a log of Inspect; ConfigError where Inspect is not installed."""
    try:
        from tools.exports.eval_logs import export_eval_logs
    except ImportError as error:
        raise _not_installed("--inspect", error) from error
    with _writing(out):
        return export_eval_logs(reading_host(folder), out)


def write_session_trace(folder: SessionFolder, to: str) -> str:
    """The decision log as an OpenTelemetry trace, in a file or sent to a collector; where it went."""
    try:
        from tools.exports.otlp import write_trace
    except ImportError as error:
        raise _not_installed("--otlp", error) from error
    with _writing(to):
        return write_trace(timeline_of(folder.name, reading_host(folder).records()), to)


@contextmanager
def _writing(place: Path | str) -> Iterator[None]:
    """ConfigError where an export cannot be written to the place that was named."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"cannot write to {place}: {error.strerror}; name a place that can be written"
        ) from error


def _not_installed(option: str, error: ImportError) -> ConfigError:
    return ConfigError(
        f"{option} needs packages that are not installed ({error.name}): pip install 'proda-agent[exports]'"
    )


def _key_of(folder: SessionFolder) -> SigningKey:
    return own_key(key_path(folder.config.audit.key))


def signing_key() -> tuple[Path, PublicKey]:
    """Where the user's signing key lies, and its public part; made if there is none yet."""
    path = key_path()
    return path, own_key(path).public
