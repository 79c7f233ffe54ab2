"""The session folder: named after what makes it, opened by one host at a time, found again by name or as the newest.

``<name>-<12 hex digits>``: the digits cover the corpus's digest and the configuration with its seed, but not budget, audit,
calls and vllm, which may change without making another session of it. ``session.toml`` holds the resolved configuration; TOML
has no null, so the keys that are unset are listed. A folder whose file says something else than its name is refused.
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from proda_core.artifacts import ArtifactStore, write_atomic
from proda_core.clock import Clock, SystemClock, stamp
from proda_core.config import Config, config_from
from proda_core.errors import ConfigError, SessionError
from proda_core.ids import digest
from proda_core.locks import FileLock
from proda_core.session.inbox import Inbox
from proda_core.session.paths import SessionPaths

_FORMAT = 1
_UNNAMED = ("budget", "audit", "calls", "vllm")  # sections that may change without making another session


def session_identity(config: Config, corpus_digest: str) -> str:
    """SHA-256 over what makes a session: corpus and configuration (name and seed in it), without the sections ``_UNNAMED``."""
    return _identity(config.model_dump(mode="json"), corpus_digest)


def _identity(settings: Mapping[str, Any], corpus_digest: str) -> str:
    return digest([corpus_digest, {key: value for key, value in settings.items() if key not in _UNNAMED}])


@dataclass(frozen=True, slots=True)
class SessionFolder(SessionPaths):
    """One session: its paths, its resolved configuration and the corpus it was made for."""

    config: Config
    corpus_path: Path
    corpus_digest: str

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self.artifacts)

    @classmethod
    def create_or_open(
        cls, root: Path, config: Config, corpus_path: Path, corpus_digest: str
    ) -> SessionFolder:
        """The session of this corpus and configuration under ``root`` (the folder of sessions), made if it is new.

        A session that exists goes on with the budget, audit, calls and vllm settings given now. Its corpus path stays the one it
        was made with as long as that exists. SessionError when the folder of that name belongs to another corpus or
        configuration, or has a host at work that goes by other such settings.
        """
        identity = session_identity(config, corpus_digest)
        path = root.absolute() / f"{config.name}-{identity[:12]}"
        folder = cls(path, config, corpus_path.absolute(), corpus_digest)
        if folder.settings.exists():
            known = cls.open(path)
            if session_identity(known.config, known.corpus_digest) != identity:
                raise SessionError(
                    f"session folder {path.name} is of another corpus or configuration; give this one another --name"
                )
            if known.corpus_path.exists():
                folder = replace(folder, corpus_path=known.corpus_path)
            if folder == known:
                return known
            with folder.hosted():  # another budget, and no other host that goes by this file
                folder._write()
            return folder
        folder._write()
        return folder

    @classmethod
    def open(cls, path: Path) -> SessionFolder:
        """Open an existing session; SessionError when there is none or its session.toml is not its own."""
        path = path.absolute()
        try:
            data = tomllib.loads((path / "session.toml").read_text(encoding="utf-8"))
            about, settings = data["session"], data["config"]
            for key in about["unset"]:
                _set(settings, key.split("."))
            folder = cls(path, config_from(settings), Path(about["corpus_path"]), str(about["corpus_digest"]))
            as_made = _identity(settings, folder.corpus_digest) == about["identity"]
        except FileNotFoundError as error:
            raise SessionError(f"no session in {path}; start one with proda run") from error
        except (OSError, ValueError, LookupError, TypeError, ConfigError) as error:
            raise SessionError(
                f"session.toml of {path.name} is unreadable ({error}); restore it or start a new session"
            ) from error
        if not as_made:  # judged on the keys as they stand there: a later version may know more of them
            raise SessionError(
                f"session.toml of {path.name} was changed: it is not the configuration the session was made for; restore it, "
                "or start a new session with proda run --config"
            )
        return folder

    def raise_budget(self, raised: Mapping[str, float | None]) -> SessionFolder:
        """The same session under another budget, written down and returned; the resources not named keep theirs."""
        data = self.config.model_dump(mode="json")
        data["budget"] |= dict(raised)
        folder = replace(self, config=config_from(data))
        folder._write()
        return folder

    @contextmanager
    def hosted(self, clock: Clock | None = None) -> Iterator[None]:
        """Be the session's host for the block. SessionError names the process that is it already."""
        lock = FileLock(self.host_lock)
        about = {"pid": os.getpid(), "machine": socket.gethostname(), "since": stamp(clock or SystemClock())}
        try:
            free = lock.acquire(wait=False, holder=about)
        except OSError as error:
            raise SessionError(
                f"session {self.name} cannot be written to ({error.strerror}: {self.root}); mend the disk and resume"
            ) from error
        if not free:
            raise SessionError(
                f"session {self.name} is in use by {self.host() or 'another process'}; proda stop ends it"
            )
        try:
            yield
        finally:
            lock.release()

    def host(self) -> str:
        """Who last hosted the session, in words; "" when nobody has. It decides nothing: the lock does."""
        found = FileLock(self.host_lock).holder()
        if not {"pid", "machine", "since"} <= found.keys():
            return ""
        return f"process {found['pid']} on {found['machine']} since {found['since']}"

    def stop_now(self) -> None:
        """End the session, whatever it is doing, by the file that asks for it."""
        write_atomic(self.stop_request, b"")

    def stops_now(self) -> bool:
        return self.stop_request.exists()

    def clear_stop(self) -> None:
        self.stop_request.unlink(missing_ok=True)

    @property
    def steering(self) -> Inbox:
        """The requests of people who steer."""
        return Inbox(self.inbox)

    def disk_bytes(self) -> int:
        """Bytes of all files in the session; links are not followed, and what vanishes while counting does not count."""
        return _size(self.root)

    def _write(self) -> None:
        settings = self.config.model_dump(mode="json")
        unset = sorted(_drop_unset(settings))
        about = {
            "format": _FORMAT,
            "identity": session_identity(self.config, self.corpus_digest),
            "corpus_path": str(self.corpus_path),
            "corpus_digest": self.corpus_digest,
            "unset": unset,
        }
        write_atomic(self.settings, tomli_w.dumps({"session": about, "config": settings}).encode())


def find_session(name_or_path: str | None, root: Path) -> SessionFolder:
    """A session by folder path, by name under ``root`` (the start of it, if only one has it), or the newest when None.

    SessionError lists the candidates when none or several fit.
    """
    if name_or_path is not None and (Path(name_or_path) / "session.toml").is_file():
        return SessionFolder.open(Path(name_or_path))
    known = sorted(p.parent for p in root.glob("*/session.toml"))
    if name_or_path is None:
        if not known:
            raise SessionError(f"no session in {root}; start one with proda run")
        return SessionFolder.open(max(known, key=_last_change))
    exact = [path for path in known if path.name == name_or_path]
    fitting = exact or [path for path in known if path.name.startswith(name_or_path)]
    if len(fitting) != 1:
        names = ", ".join(path.name for path in fitting or known) or "there is none"
        what = "several sessions begin with" if fitting else "no session is called"
        raise SessionError(f"{what} {name_or_path!r}; choose one of: {names}")
    return SessionFolder.open(fitting[0])


def _last_change(path: Path) -> tuple[int, str]:
    """When a session last did something: its log's change, or its making when it has none yet."""
    log = SessionPaths(path).decisions
    return ((log if log.exists() else path / "session.toml").stat().st_mtime_ns, path.name)


def _drop_unset(settings: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key in list(settings):
        if settings[key] is None:
            del settings[key]
            yield prefix + key
        elif isinstance(settings[key], dict):
            yield from _drop_unset(settings[key], f"{prefix}{key}.")


def _set(settings: dict[str, Any], keys: list[str]) -> None:
    *sections, last = keys
    for section in sections:
        settings = settings[section]
    settings[last] = None


def _size(path: Path) -> int:
    total = 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        total += _size(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue
    except FileNotFoundError:
        return total
    return total
