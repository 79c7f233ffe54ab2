"""The keeper: ``python -m proda_core.students.served.keeper FOLDER START PLAN`` runs one vLLM server while anybody uses it.

The server and all it starts are one process group, with a watcher in it that kills the group when the keeper's end of a pipe
closes: so the server ends with its keeper, however that ends. A server that dies ends its keeper, and the next user starts
both anew. It takes no orders: locks say whether the server is wanted, ``server.json`` is what it says.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from proda_core.jobs.process import start_token
from proda_core.students.served.client import Address, ServerClient
from proda_core.students.served.users import LOOK_S, PORT, ServerFolder, ServerPlan, ServerState

GRACE_S = 5.0
HEALTH_EVERY_S = 5.0
ANSWER_S = 10.0
UNWELL = 3  # looks in a row at which a running server gives no answer, before it counts as hung
# The watcher waits for the end of the keeper's pipe, then takes the whole group with it. A shell gives what it runs in the
# background an empty input, so the pipe goes by another descriptor.
_GROUP = 'exec 3<&0; { cat <&3 >/dev/null; kill -KILL 0; } & exec "$@" </dev/null 3<&-'
_CAUSE = re.compile(r"\b(\w*(?:Error|Exception)): +(\S.*)")
_LONGEST_CAUSE = 300


class _Group:
    """A server's process group."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        log.write_bytes(b"")
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GROUP, "server", *command],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ended(self) -> str:
        """How the server ended, with the first error of its log: what else stands there follows from it. "" while it runs."""
        code = self._process.poll()
        if code is None:
            return ""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        found = _CAUSE.search(text)
        last = (text.strip().splitlines() or ["it said nothing"])[-1]
        return f"exit code {code}, " + (found[0] if found else last)[:_LONGEST_CAUSE]

    def end(self) -> None:
        """Ask the server to end, give it a moment, and leave nothing of its group."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


class _Watch:
    """One server from its start to its end."""

    def __init__(self, folder: ServerFolder, group: _Group, server: ServerClient) -> None:
        self._users, self._group, self._server = folder.users, group, server

    def is_wanted(self) -> bool:
        """Whether anybody uses the server. Once nobody does, nobody can until this process has ended."""
        return not self._users.held and not self._users.acquire(wait=False)

    def until_up(self, within_s: float) -> str:
        """Wait until it answers, or nobody wants it any more; or say why it never will."""
        until = time.monotonic() + within_s
        while self.is_wanted() and not self._server.is_healthy():
            if ended := self._group.ended():
                return ended
            if time.monotonic() > until:
                return f"not up after {within_s:g} s; raise vllm.start_s"
            time.sleep(LOOK_S)
        return ""

    def until_over(self) -> str:
        """Wait until nobody wants it any more, or say how it died."""
        unwell, next_look = 0, time.monotonic() + HEALTH_EVERY_S
        while self.is_wanted():
            if ended := self._group.ended():
                return ended
            if time.monotonic() > next_look:
                unwell = 0 if self._server.is_healthy() else unwell + 1
                next_look = time.monotonic() + HEALTH_EVERY_S
            if unwell == UNWELL:
                return "it ran and answered no more"
            time.sleep(LOOK_S)
        return ""


def keep(folder: ServerFolder, start: str, plan: ServerPlan) -> int:
    """Run the planned server until nobody uses it (0) or it is no good (1). Another keeper at work: 0 at once."""
    lock, pid, key = folder.keeper, os.getpid(), secrets.token_urlsafe(24)
    if not lock.acquire(wait=False, holder={"pid": pid, "token": start_token(pid)}):
        return 0
    last = ServerState(start, pid)
    folder.write_state(last)
    port = str(_free_port())
    command = [part.replace(PORT, port) for part in plan.command]
    address = Address(f"http://127.0.0.1:{port}", key)
    group = _Group(command, _environment(plan, key), folder.log)
    try:
        with ServerClient(address, timeout_s=ANSWER_S) as server:
            watch = _Watch(folder, group, server)
            if failed := watch.until_up(plan.start_s):
                last = ServerState(start, pid, failed=failed)
            elif watch.is_wanted():
                folder.write_state(ServerState(start, pid, address.url, key))
                last = ServerState(start, pid, died=watch.until_over())
    finally:
        group.end()
        folder.write_state(last)
    return 1 if last.failed or last.died else 0


def _environment(plan: ServerPlan, key: str) -> dict[str, str]:
    changed = {**os.environ, **plan.environment, "VLLM_API_KEY": key}
    return {name: value for name, value in changed.items() if value is not None}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main(arguments: Sequence[str]) -> int:
    folder, start, plan = arguments
    data = json.loads(plan)
    return keep(
        ServerFolder(Path(folder)),
        start,
        ServerPlan(tuple(data["command"]), data["environment"], data["start_s"]),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
