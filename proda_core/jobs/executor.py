"""The executor seam: ``Executor`` says what any engine offers, ``LocalExecutor`` runs each job as a detached process here.

The same request twice is one job: finished, it stays; running, it is attached to; dead without a result, it is launched again
and goes on from its checkpoint, a bounded number of times. All state lies in the job's folder, so a host that was killed
finds its jobs again. An error is kept until somebody asks for a retry, and kept under another name after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from proda_core.artifacts import ArtifactStore
from proda_core.clock import Clock, SystemClock
from proda_core.errors import GuardRefusal, JobError, JobFailed
from proda_core.ids import canonical_json
from proda_core.jobs.contract import JobFailure, JobRequest, JobResult, JobState, JobStatus, Progress
from proda_core.jobs.entry import check_entry_point, missing_artifacts
from proda_core.jobs.folder import JobFolder, Launch, Launches
from proda_core.jobs.process import boot_id, is_alive, reap, spawn_detached, start_token
from proda_core.locks import FileLock
from proda_core.session.paths import SessionPaths

OnProgress = Callable[[Progress], Awaitable[None] | None]
_CANCELLED = JobFailure("JobError", "cancelled while no worker ran", cancelled=True)


class Executor(Protocol):
    """What the host asks of an engine. ``wait`` and ``tend`` start a dead worker again within its bound."""

    def submit(self, request: JobRequest, *, retry: bool = False) -> JobStatus: ...

    def status(self, job_id: str) -> JobStatus: ...

    def tend(self, job_id: str) -> JobStatus: ...

    def cancel(self, job_id: str) -> JobStatus: ...

    def kill(self, job_id: str) -> None: ...

    async def wait(self, job_id: str, on_progress: OnProgress | None = None) -> JobResult: ...

    def list(self) -> tuple[JobStatus, ...]: ...


@dataclass(frozen=True, slots=True)
class WorkerRules:
    """How workers are watched: launches in one boot before a job counts as failed, seconds between looks, and seconds without
    a beat after which a worker counts as hung and is killed (its next launch goes on from the checkpoint)."""

    max_launches: int = 4
    poll_s: float = 0.1
    hung_after_s: float = 300.0


@dataclass(frozen=True, slots=True)
class _Pulse:
    """A worker's last beat, and when it was first seen."""

    pid: int | None
    beats: int
    since: float


class LocalExecutor:
    """Jobs as processes of their own session, which outlive the host that started them."""

    def __init__(
        self,
        session: Path,
        *,
        rules: WorkerRules | None = None,
        clock: Clock | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._paths = SessionPaths(session.absolute())
        self._rules, self._clock, self._pause = rules or WorkerRules(), clock or SystemClock(), pause
        self._children: set[int] = set()
        self._pulses: dict[str, _Pulse] = {}

    def submit(self, request: JobRequest, *, retry: bool = False) -> JobStatus:
        """Make sure that the job is finished or running, and say where it stands.

        A job that failed or was cancelled stays so unless ``retry``. A result whose artifacts are gone is made again.
        JobError when the request is not JSON or names an entry point that is not allowed.
        """
        check_entry_point(request.entry_point)
        try:
            canonical_json([request.params, request.inputs])
        except (TypeError, ValueError) as error:
            raise JobError(f"a {request.kind} request is not JSON: {error}") from error
        try:
            self._submit(request, retry=retry)
        except OSError as error:
            raise JobError(
                f"the {request.kind} job {request.job_id} could not be started ({error.strerror}); free some disk and resume"
            ) from error
        return self.status(request.job_id)

    def _submit(self, request: JobRequest, *, retry: bool) -> None:
        folder = self._folder(request.job_id)
        folder.path.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.submit_lock):
            if folder.request() is None:
                folder.write_request(request)
            if self._should_launch(folder, retry=retry):
                self._launch(folder)

    def status(self, job_id: str) -> JobStatus:
        """Where a job stands now; state *unknown* when it was never submitted."""
        for child in tuple(self._children):
            if reap(child):
                self._children.discard(child)
        folder = self._folder(job_id)
        request = folder.request()
        if request is None:
            return JobStatus(job_id, JobState.UNKNOWN)
        pid: int | None = None if folder.ended() else self._living_pid(folder)
        beat, launches = folder.heartbeat(), folder.launches()
        failure = folder.failure()  # read after the pid: a worker may have ended in between
        result = folder.result()
        state = _state(
            folder, result, failure, alive=pid is not None, launched=bool(launches.started or beat)
        )
        return JobStatus(
            job_id,
            state,
            kind=request.kind,
            progress=folder.progress(),
            pid=pid if state is JobState.RUNNING else None,
            beats=0 if beat is None else beat.beats,
            launches=len(launches.started),
            result=result,
            failure=_CANCELLED if failure is None and state is JobState.CANCELLED else failure,
            changed_at=folder.changed_at(),
        )

    def tend(self, job_id: str) -> JobStatus:
        """``status``, after starting again a job whose worker died, or was never started because the host died.

        A worker that has not beaten for as long as the rules give it, since this executor first saw its last beat, is hung: it
        is killed, and the next look starts another.
        """
        status = self.status(job_id)
        if status.state is JobState.RUNNING and self._hangs(status):
            self.kill(job_id)
        if status.state not in (JobState.DEAD, JobState.QUEUED):
            return status
        request = self._folder(job_id).request()
        return status if request is None else self.submit(request)

    def _hangs(self, status: JobStatus) -> bool:
        now, last = self._clock.monotonic(), self._pulses.get(status.job_id)
        if last is None or (last.pid, last.beats) != (status.pid, status.beats):
            self._pulses[status.job_id] = _Pulse(status.pid, status.beats, now)
            return False
        return now - last.since > self._rules.hung_after_s

    def cancel(self, job_id: str) -> JobStatus:
        """Ask a job to end at its next checkpoint; one that has ended is left alone. JobError when it is unknown."""
        folder = self._folder(job_id)
        if folder.request() is None:
            raise JobError(f"no job {job_id} in this session; `proda status` lists those there are")
        try:
            with FileLock(folder.submit_lock):
                if not folder.ended():
                    folder.cancel.touch()
        except OSError:  # a disk that takes no file: the worker cannot be told
            self.kill(job_id)
        return self.status(job_id)

    def kill(self, job_id: str) -> None:
        """End a job's worker, where one lives, at once and with every process it started; the job goes on from its checkpoint."""
        pid = self._living_pid(self._folder(job_id))
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.killpg(pid, signal.SIGKILL)

    async def wait(self, job_id: str, on_progress: OnProgress | None = None) -> JobResult:
        """Poll until the job ends; ``on_progress`` is called, or awaited, at each new Progress.

        Raises JobFailed for a failed or cancelled job, GuardRefusal when a guard refused in the worker, JobError when the job
        is unknown. Cancelling the waiting task leaves the job running.
        """
        seen: Progress | None = None
        while True:
            status = await asyncio.to_thread(self.tend, job_id)
            if on_progress is not None and status.progress is not None and status.progress != seen:
                seen = status.progress
                called = on_progress(seen)
                if inspect.isawaitable(called):
                    await called
            if status.state in _ENDED:
                return outcome(status)
            await self._pause(self._rules.poll_s)

    def list(self) -> tuple[JobStatus, ...]:
        """Every job of the session, by ID."""
        jobs = self._paths.jobs
        names = (
            sorted(p.name for p in jobs.iterdir() if (p / "request.json").is_file()) if jobs.is_dir() else []
        )
        return tuple(self.status(name) for name in names)

    def _folder(self, job_id: str) -> JobFolder:
        return JobFolder.of(self._paths.jobs, job_id)

    def _should_launch(self, folder: JobFolder, *, retry: bool) -> bool:
        """Under the submit lock. Sets an ended attempt aside when there is to be another."""
        if folder.ended():
            again = self._lost_artifacts(folder) if folder.failure() is None else retry
            if again:
                with FileLock(folder.lock):  # the worker that ended may still be on its way out
                    self._next_attempt(folder)
            return again
        if self._living_pid(folder) is not None:
            return False
        if folder.cancel.exists():
            if retry:
                self._next_attempt(folder)
            return retry
        return True

    def _lost_artifacts(self, folder: JobFolder) -> bool:
        result = folder.result()
        return result is not None and bool(missing_artifacts(ArtifactStore(self._paths.artifacts), result))

    def _next_attempt(self, folder: JobFolder) -> None:
        attempt = folder.launches().attempt + 1
        folder.set_aside(attempt)
        folder.write_launches(Launches(attempt))

    def _launch(self, folder: JobFolder) -> None:
        launches = folder.launches()
        died = sum(launch.start.startswith(boot_id()) for launch in launches.started)
        if died >= self._rules.max_launches:
            message = (
                f"its worker died {died} times without a result; see {folder.log.name} in the job's folder"
            )
            folder.write_failure(JobFailure("JobError", message), "")
            return
        lock = FileLock(folder.lock)
        if not lock.acquire(wait=False):
            return  # a worker lives that this host cannot see: one that is just starting
        lock.release()
        pid = _spawn(self._paths.root, folder)
        self._children.add(pid)
        launch = Launch(pid, start_token(pid) or f"{boot_id()}:ended")
        folder.write_launches(Launches(launches.attempt, (*launches.started, launch)))

    def _living_pid(self, folder: JobFolder) -> int | None:
        beat, started = folder.heartbeat(), folder.launches().started
        known = ([] if beat is None else [Launch(beat.pid, beat.start)]) + list(started[-1:])
        return next((one.pid for one in known if is_alive(one.pid, one.start)), None)


_ENDED = (JobState.UNKNOWN, JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


def outcome(status: JobStatus) -> JobResult:
    """The result of a finished job; anything else raises what ``wait`` raises."""
    if status.result is not None:
        return status.result
    failure = status.failure
    if failure is None:
        raise JobError(f"job {status.job_id} is {status.state.value} and has no result; submit it first")
    if failure.refusals:
        raise GuardRefusal(failure.refusals)
    name = "cancelled" if failure.cancelled else failure.error_class
    raise JobFailed(status.job_id, name, failure.message, exit_code=failure.exit_code)


def _state(
    folder: JobFolder, result: JobResult | None, failure: JobFailure | None, *, alive: bool, launched: bool
) -> JobState:
    if result is not None:
        return JobState.FINISHED
    if failure is not None:
        return JobState.CANCELLED if failure.cancelled else JobState.FAILED
    if alive:
        return JobState.RUNNING
    if folder.cancel.exists():
        return JobState.CANCELLED
    return JobState.DEAD if launched else JobState.QUEUED


def _spawn(session: Path, folder: JobFolder) -> int:
    """Start the worker in a session of its own, with the host's very code."""
    return spawn_detached("proda_core.jobs.worker", str(session), folder.job_id, log=folder.log)
