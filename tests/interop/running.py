"""What the interoperability tests run: ``proda serve`` as a process, and the suite's programs under the Node they need.

The programs are those that ``make interop`` installs from package-lock.json; they get a home of their own and no network is used.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.access import Access, access_to
from mcp_server.http import url_of_host
from proda_core.session import SessionFolder
from tests.sessions import REPOSITORY

PROGRAMS = Path(os.environ.get("PRODA_INTEROP", REPOSITORY / ".interop")) / "node_modules" / ".bin"
_START_S = 60.0
_RUN_S = 200.0
_LOOK_S = 0.05
Checks = dict[str, list[dict[str, Any]]]
"""The conformance suite's checks by scenario."""


@dataclass(frozen=True, slots=True)
class Node:
    """Programs of the locked packages, run in ``home``."""

    home: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run to its end, whatever its exit code."""
        assert (PROGRAMS / program).exists(), f"{PROGRAMS} has no {program}: make interop installs it"
        environment = {
            **os.environ,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "MCP_INSPECTOR_SECRET_STORE": "memory",
            "MCP_INSPECTOR_DAEMON_DIR": str(self.home / "d"),
            "MCP_INSPECTOR_DAEMON_TOKEN": "of this test alone",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            [str(PROGRAMS / program), *arguments],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_RUN_S,
            check=False,
        )


@dataclass(frozen=True, slots=True)
class Served:
    """Where a session is served, and its tokens."""

    url: str
    access: Access


@contextmanager
def serving(folder: SessionFolder, *options: str) -> Iterator[Served]:
    """``proda serve`` on the session; ended as a person ends it, which has to go well."""
    command = [
        sys.executable,
        "-c",
        "from agent.cli.main import main; main()",
        "serve",
        str(folder.root),
        *options,
    ]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + _START_S
        while not (url := url_of_host(folder)):
            assert process.poll() is None and time.monotonic() < until, process.communicate()[1]
            time.sleep(_LOOK_S)
        yield Served(url, access_to(folder.access))
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=_START_S)[1]
    assert process.returncode == 0 and "Traceback" not in said, said


def program(folder: Path) -> Path:
    """``proda`` of this tree as one file, as clients are told to start it; they hand on no environment of ours."""
    path = folder / "proda"
    start = f'exec "{sys.executable}" -c "from agent.cli.main import main; main()" "$@"'
    path.write_text(f'#!/bin/sh\nexport PYTHONPATH="{REPOSITORY}"\n{start}\n')
    path.chmod(0o755)
    return path


def checks_in(results: Path) -> Checks:
    """All checks of a run, as the suite wrote them."""
    return {
        path.parent.name.removeprefix("server-").rsplit("-", 6)[0]: json.loads(path.read_text())
        for path in sorted(results.glob("*/checks.json"))
    }
