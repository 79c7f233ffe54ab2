"""The session's server lives as long as anybody uses it, comes back when it died, and is never left behind.

The server is a stand-in for vLLM; keeper, locks, signals and processes are real.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proda_core.errors import ServingError
from proda_core.students.served.client import ServerClient
from proda_core.students.served.users import PORT, ServerFolder, ServerPlan, SessionServer, held_up

STAND_IN = Path(__file__).parents[3] / "vllm_stand_in.py"
PATIENCE_S = 20.0


def until(seen: Callable[[], bool]) -> None:
    """Wait for what other processes do; it comes within moments, or the test has failed."""
    last = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < last
        time.sleep(0.02)


def plan(folder: Path, *more: str) -> ServerPlan:
    """``python -c`` keeps the stand-in from seeing the project."""
    command = (sys.executable, str(STAND_IN), "--port", PORT, "--model", str(folder))
    return ServerPlan(
        (*command, "--grandchild", str(folder / "grandchildren"), *more), {"PYTHONPATH": None}, 20
    )


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def left_of(folder: Path) -> list[int]:
    """Grandchildren of any server that was ever started there, which still live."""
    pids = (folder / "grandchildren").read_text(encoding="ascii").split()
    assert pids
    return [int(pid) for pid in pids if lives(int(pid))]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ServerFolder]:
    """A server's folder; whatever a failed test left is ended."""
    found = ServerFolder(tmp_path)
    yield found
    found.kill_keeper()


def test_a_server_is_started_once_and_ends_with_its_last_user(files: ServerFolder) -> None:
    with held_up(files):
        assert files.keeper_pid() is None  # holding it up starts nothing
        for _ in range(2):  # two jobs, one after the other
            user = SessionServer(files, plan(files.root))
            address = user.address()
            assert address.key and (files.root / "server.json").stat().st_mode & 0o077 == 0
            with ServerClient(address, timeout_s=5) as client:
                assert [model.id for model in client.models()] == ["base"]
            user.close()
        assert files.keeper_pid() is not None
        assert len(left_of(files.root)) == 1
    assert files.keeper_pid() is None
    assert left_of(files.root) == []
    assert files.state() is not None and files.state().url == ""  # type: ignore[union-attr]  # said just before


def test_a_job_still_at_work_keeps_the_server_when_its_host_was_killed(files: ServerFolder) -> None:
    job, host = SessionServer(files, plan(files.root)), files.users
    host.acquire(shared=True)
    address = job.address()
    host.release()  # as the kernel does it
    with ServerClient(address, timeout_s=5) as client:
        assert client.is_healthy()
    job.close()
    until(lambda: files.keeper_pid() is None)
    assert left_of(files.root) == []


def test_nothing_is_left_of_a_server_whose_keeper_was_killed_and_the_next_question_has_another(
    files: ServerFolder,
) -> None:
    user = SessionServer(files, plan(files.root))
    first = user.address()
    keeper = files.keeper_pid()
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    until(lambda: left_of(files.root) == [])
    second = user.address()
    assert second.url != first.url and second.key != first.key
    user.close()
    until(lambda: files.keeper_pid() is None)


def test_a_killed_user_holds_nothing_up(files: ServerFolder) -> None:
    """The user is a process of its own, killed as kill -9 does it."""
    code = (
        "import json, sys, time\n"
        "from pathlib import Path\n"
        "from proda_core.students.served.users import ServerFolder, ServerPlan, SessionServer\n"
        "command, changed, start_s = json.loads(sys.argv[2])\n"
        "SessionServer(ServerFolder(Path(sys.argv[1])), ServerPlan(tuple(command), changed, start_s)).address()\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    planned = plan(files.root)
    told = json.dumps([planned.command, planned.environment, planned.start_s])
    with subprocess.Popen(
        [sys.executable, "-c", code, str(files.root), told],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(STAND_IN.parents[1])},
    ) as user:
        assert user.stdout is not None and user.stdout.readline() == b"up\n"
        assert files.keeper_pid() is not None
        user.kill()
    until(lambda: files.keeper_pid() is None)
    assert left_of(files.root) == []


def test_a_server_that_does_not_start_is_named_with_the_first_error_of_its_log(files: ServerFolder) -> None:
    user = SessionServer(files, plan(files.root, "--die-at-once"))
    with pytest.raises(ServingError, match=r"ValueError: no such architecture.*server\.log"):
        user.address()
    user.close()
