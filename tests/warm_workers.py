"""Workers forked from a process that has imported torch already: a test of many jobs pays for that once and not for each.

Everything else of a worker is as always: a process in a session of its own, with its lock, its heartbeat and its log.
"""

from __future__ import annotations

import os
import sys
from multiprocessing import context, get_context
from pathlib import Path

import pytest

from proda_core.jobs import executor, worker
from proda_core.jobs.folder import JobFolder

_PRELOADED = ["proda_core.training.job", "proda_core.students.loading", "evals.job", "tests.warm_workers"]
_started: list[context.ForkServerProcess] = []


def use_warm_workers(patch: pytest.MonkeyPatch) -> None:
    """Until the test ends."""
    patch.setattr(executor, "_spawn", _spawn)


def _spawn(session: Path, folder: JobFolder) -> int:
    server = get_context("forkserver")
    server.set_forkserver_preload(_PRELOADED)
    process = server.Process(target=_work, args=(str(session), folder.job_id))
    process.start()
    _started.append(process)
    assert process.pid is not None
    return process.pid


def _work(session: str, job_id: str) -> None:
    os.setsid()
    sys.exit(worker.main([session, job_id]))
