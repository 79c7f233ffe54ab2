"""Processes that outlive who started them, and whether one still lives, told by more than its number: a pid is reused, a pid
with its start time is not.

The token of a process names the boot it belongs to, so that after a reboot nothing of before counts as alive.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import cache
from pathlib import Path

import proda_core

_PROC = Path("/proc")


@cache
def boot_id() -> str:
    """The boot this machine is in; "" where the system does not tell."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def start_token(pid: int) -> str | None:
    """``boot:start time`` of a living process; None when there is none, or only a zombie left of it."""
    if (_PROC / "self/stat").exists():
        return _proc_token(pid)
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{boot_id()}:{process.create_time()}"
    except psutil.Error:
        return None


def _proc_token(pid: int) -> str | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = text.rpartition(")")[
        2
    ].split()  # what stands before is the command, which may hold anything
    return None if state in "ZX" else f"{boot_id()}:{rest[18]}"


def is_alive(pid: int, token: str) -> bool:
    """Whether the process that had this pid and token still runs."""
    return start_token(pid) == token


def reap(pid: int) -> bool:
    """Collect a child that has ended, so that it does not stay a zombie; False while it runs, True once it is gone."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def spawn_detached(module: str, *arguments: str, log: Path) -> int:
    """Start ``python -m module`` of this very code in a session of its own, with signals as a fresh process has them; its pid.

    What it prints is added to ``log``.
    """
    code = str(Path(proda_core.__file__).parents[1])
    found = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([code, found] if found else [code]),
        "PYTHONHASHSEED": "0",
    }
    log_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", module, *arguments],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), log_flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGTERM, signal.SIGINT, signal.SIGHUP],
    )
