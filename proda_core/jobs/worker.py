"""The worker process: ``python -m proda_core.jobs.worker SESSION_DIR JOB_ID`` runs one job and records how it ended.

It holds the job's lock as long as it lives (a second worker ends quietly), beats, reports progress, and writes the result or
the error by a rename, last. A cancel file, the session's file STOP or SIGTERM makes ``should_stop`` true; the entry point then
ends at its next checkpoint, or the worker ends itself with whatever it started when that is more than ``GRACE_S`` away.
Killed at any line it leaves its scratch folder, from which the next worker goes on.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

from proda_core.artifacts import ArtifactStore
from proda_core.errors import GuardRefusal, JobError, ProdaError
from proda_core.jobs.contract import JobContext, JobFailure, JobRequest
from proda_core.jobs.entry import missing_artifacts, resolve_entry_point
from proda_core.jobs.folder import Heartbeat, JobFolder
from proda_core.jobs.process import start_token
from proda_core.locks import FileLock
from proda_core.session.paths import SessionPaths

BEAT_S = 1.0
GRACE_S = 2.0  # to the next checkpoint: one that is further away costs no more work than a kill, which is always safe
_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


class _StopFlag:
    """True once SIGTERM came or one of the files that ask for it is there. A plain attribute: a handler must not wait for a lock.

    The session's own file is looked at here as well, so that a worker whose host was killed can still be stopped.
    """

    def __init__(self, *asking: Path) -> None:
        self._asking = asking
        self._terminated = False

    def on_signal(self, _number: int, _frame: object) -> None:
        self._terminated = True

    def __call__(self) -> bool:
        return self._terminated or any(path.exists() for path in self._asking)


class _Heart(threading.Thread):
    """Beats once at the start and then every ``BEAT_S`` until stopped; ends the worker when it does not stop as asked."""

    def __init__(self, folder: JobFolder, asked: _StopFlag) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._folder, self._asked, self._done = folder, asked, threading.Event()
        self._pid = os.getpid()
        self._start = start_token(self._pid) or ""
        last = folder.heartbeat()
        self._beats = last.beats if last is not None else 0
        self._beat()

    def _beat(self) -> None:
        self._beats += 1
        self._folder.write_heartbeat(Heartbeat(self._pid, self._start, self._beats))

    def run(self) -> None:
        while not self._done.wait(BEAT_S):
            with contextlib.suppress(OSError):  # a full disk: a later beat may fit
                self._beat()
            if self._asked() and not self._done.wait(GRACE_S):
                self._end_at_once()

    def _end_at_once(self) -> None:
        """Leave the job cancelled and where it stood in its log; then end, and with it the processes it started."""
        self._folder.cancel.touch()
        faulthandler.dump_traceback(file=sys.stderr)
        if os.getpgrp() == self._pid:
            os.killpg(self._pid, signal.SIGKILL)
        os.kill(self._pid, signal.SIGKILL)

    def stop(self) -> None:
        self._done.set()
        self.join()


def _failure_of(error: Exception, *, stopping: bool) -> JobFailure:
    cancelled = stopping and isinstance(error, JobError) and str(error).startswith("cancelled")
    return JobFailure(
        error_class=type(error).__name__,
        message=str(error),
        exit_code=error.exit_code if isinstance(error, ProdaError) else JobError.exit_code,
        cancelled=cancelled,
        refusals=error.refusals if isinstance(error, GuardRefusal) else (),
    )


def run_job(session: Path, job_id: str) -> int:
    """Run one job in this process; 0 when it finished or another worker has it, 1 when its error was recorded."""
    paths = SessionPaths(session)
    folder = JobFolder.of(paths.jobs, job_id)
    request = folder.request()
    if request is None:
        raise JobError(f"no job {job_id} in {session.name}; submit it first")
    lock = FileLock(folder.lock)
    if not lock.acquire(wait=False):
        return 0
    try:
        return 0 if folder.ended() else _run_locked(paths, folder, request)
    finally:
        lock.release()


def _run_locked(paths: SessionPaths, folder: JobFolder, request: JobRequest) -> int:
    stop = _StopFlag(folder.cancel, paths.stop_request)
    signal.signal(signal.SIGTERM, stop.on_signal)
    folder.scratch.mkdir(exist_ok=True)
    heart = _Heart(folder, stop)
    heart.start()
    try:
        store = ArtifactStore(paths.artifacts)
        context = JobContext(paths.root, folder.scratch, store, folder.write_progress, stop)
        try:
            if stop():
                raise JobError("cancelled before it began")
            result = resolve_entry_point(request.entry_point)(context, request)
            if missing := missing_artifacts(store, result):
                raise JobError(f"the entry point named artifacts that it did not make: {', '.join(missing)}")
            folder.write_result(result)
        except Exception as error:  # noqa: BLE001 - a bad job is data: whatever it raised is recorded as its end
            folder.write_failure(_failure_of(error, stopping=stop()), traceback.format_exc())
            return 1
        return 0
    finally:
        heart.stop()


def main(arguments: Sequence[str]) -> int:
    """The command: standard output and error go to the job's log, whoever started the worker."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m proda_core.jobs.worker SESSION_DIR JOB_ID\n")
        return 2
    session, job_id = Path(arguments[0]).absolute(), arguments[1]
    folder = JobFolder.of(SessionPaths(session).jobs, job_id)
    if not folder.path.is_dir():
        raise JobError(f"no job {job_id} in {session.name}; submit it first")
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    for name, value in _ENVIRONMENT.items():
        os.environ[name] = value
    return run_job(session, job_id)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
