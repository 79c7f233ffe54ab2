"""Processes that start at once: the stable imports what a function needs, once, and forks a child for each call of it.

Each line on standard input asks for one child: the arguments of the function and the environment it runs in. The answers are
the child's pid and, when it has ended, how: a number below 0 is the signal that killed it. A start costs milliseconds instead
of the seconds that the imports take; what runs is the very function.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

Entry = Callable[[list[str]], int]


class Stable:
    """The asking side. One child at a time."""

    def __init__(self, function: str, *, warm: Sequence[str] = (), preload: Path, log: Path) -> None:
        code = str(Path(__file__).parents[2])
        environment = {
            **os.environ,
            "LD_PRELOAD": str(preload),
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": code,
            "PRODA_KILL_ROLE": "",  # the stable itself is nobody
        }
        start = "import sys; from evals.kills.stable import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-P", "-c", start, function, *warm]
        self._child: int | None = None
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment
            )

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        """Fork a child; its pid."""
        if self._process.stdin is None:
            raise RuntimeError("the stable has no input")
        order = {"arguments": list(arguments), "environment": dict(environment)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self._child = int(self._answer()["pid"])
        return self._child

    def ended(self, wait_s: float) -> int | None:
        """How the child ended, below 0 by that signal; None when it still runs after ``wait_s``."""
        answers = [] if self._process.stdout is None else [self._process.stdout]
        ready, _, _ = select.select(answers, [], [], max(0.0, wait_s))
        if not ready:
            return None
        self._child = None
        return int(self._answer()["exit"])

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            raise RuntimeError(f"the stable ended with {self._process.wait()}; its log says why")
        return cast(dict[str, Any], json.loads(line))

    def __enter__(self) -> Stable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child, signal.SIGKILL)
        self._process.kill()
        self._process.communicate()


def _child(entry: Entry, order: dict[str, Any]) -> int:
    os.setsid()
    os.environ.update(order["environment"])
    sys.stdin.close()
    os.dup2(2, 1)  # the stable's own output is answers only
    try:
        return entry(list(order["arguments"]))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()


def main(arguments: Sequence[str]) -> int:
    """Fork a child for each line, and wait for it before the next."""
    module, _, name = arguments[0].partition(":")
    entry = cast(Entry, getattr(importlib.import_module(module), name))
    for warm in arguments[1:]:
        importlib.import_module(warm)
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _child(entry, order)
            finally:
                sys.stderr.flush()
                os._exit(code)
        _say({"pid": pid})
        _say({"exit": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])})
    return 0


def _say(answer: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
