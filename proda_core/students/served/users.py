"""Who holds a session's server up, and where it is found. Kernel locks decide, so that nothing is left of a process that dies.

A user shares ``users.lock``; the keeper ends the server when it can have that lock alone. Whoever needs the server and finds no
keeper alive starts one, which is also how a server that died comes back. ``server.json`` is what the keeper says of its server.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from proda_core.artifacts import write_atomic
from proda_core.errors import ServingError
from proda_core.jobs.process import is_alive, reap, spawn_detached
from proda_core.locks import FileLock
from proda_core.students.served.client import Address

KEEPER = "proda_core.students.served.keeper"
PORT = "{port}"  # in a command, for the port that its keeper finds
LOOK_S = 0.1
NOTICE_S = 8.0  # that a keeper has to notice that its server died, and to say of what
ENDING_S = 15.0  # that a keeper has to end its server
MOST_LAUNCHES = 3  # of a server that never comes up, while one user waits


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """A command with ``PORT`` in it, what it changes in its environment (None: not set), and the seconds it has to come up."""

    command: tuple[str, ...]
    environment: dict[str, str | None]
    start_s: float


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a keeper says: ``url`` and ``key`` while the server is up, ``failed`` when it never was, ``died`` when it is no more.

    ``start`` names the launch.
    """

    start: str
    pid: int
    url: str = ""
    key: str = ""
    failed: str = ""
    died: str = ""


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """The files of a session's server."""

    root: Path

    @property
    def users(self) -> FileLock:
        return FileLock(self.root / "users.lock")

    @property
    def keeper(self) -> FileLock:
        return FileLock(self.root / "keeper.lock")

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    def state(self) -> ServerState | None:
        """The last word of the last keeper; None where there is none that can be read."""
        try:
            return ServerState(**json.loads((self.root / "server.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write_state(self, state: ServerState) -> None:
        """The file holds the server's key, and is its owner's alone to read."""
        write_atomic(self.root / "server.json", json.dumps(asdict(state)).encode(), mode=0o600)

    def keeper_pid(self) -> int | None:
        """The living keeper's."""
        about = self.keeper.holder()
        pid, token = about.get("pid"), about.get("token")
        return pid if isinstance(pid, int) and isinstance(token, str) and is_alive(pid, token) else None

    def kill_keeper(self) -> None:
        """End the keeper at once, and its server by that."""
        pid = self.keeper_pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def held_up(folder: ServerFolder, *, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """A session's server, once somebody started it, stays up for the block and is gone after it: nobody uses it longer than the
    host that holds it up, for a host ends its jobs."""
    share = folder.users
    share.acquire(shared=True)
    try:
        yield
    finally:
        share.release()
        until = time.monotonic() + ENDING_S
        while folder.keeper_pid() is not None:
            if time.monotonic() > until:
                folder.kill_keeper()
            pause(LOOK_S)


class SessionServer:
    """The session's own server, started where it is not there; held up from the first ``address`` to ``close``, or as long as
    this process lives."""

    def __init__(
        self, folder: ServerFolder, plan: ServerPlan, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._folder, self._plan, self._pause = folder, plan, pause
        self._share = folder.users
        self._start, self._child = "", 0

    def close(self) -> None:
        self._share.release()

    def address(self) -> Address:
        """Where it is, once it is up. ServingError when it does not start."""
        if not self._share.held:
            self._share.acquire(shared=True)  # waits while an earlier server is being ended
        launches = 0
        while True:
            state, keeper = self._folder.state(), self._folder.keeper_pid()
            if keeper is not None:
                if state is not None and state.pid == keeper and state.url:
                    return Address(state.url, state.key)
            elif not self._child or reap(self._child):
                if state is not None and state.start == self._start and state.failed:
                    raise self._no_start(state.failed)
                if launches == MOST_LAUNCHES:
                    raise self._no_start(f"{launches} keepers of it ended without a word")
                self._launch()
                launches += 1
            self._pause(LOOK_S)

    def restart(self) -> None:
        """Take the server for broken: it ends, by itself if it died, and ``address`` starts another."""
        until = time.monotonic() + NOTICE_S
        while self._folder.keeper_pid() is not None:
            if time.monotonic() > until:
                self._folder.kill_keeper()
            self._pause(LOOK_S)

    def last_words(self) -> str:
        """Why the server ended that was up last; "" when it is not known to have ended by itself."""
        state = self._folder.state()
        return "" if state is None else state.died

    def _launch(self) -> None:
        self._start = uuid.uuid4().hex[:12]
        self._folder.root.mkdir(parents=True, exist_ok=True)
        plan = json.dumps(asdict(self._plan))
        self._child = spawn_detached(KEEPER, str(self._folder.root), self._start, plan, log=self._folder.log)

    def _no_start(self, why: str) -> ServingError:
        self._start, self._child = "", 0
        return ServingError(
            f"the vLLM server did not start: {why}; see {self._folder.root.name}/{self._folder.log.name} in the session's "
            "folder, mend it and resume"
        )
