"""Jobs as real processes: submitted once, killed, cancelled, retried, and found again by another host."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.clock import FakeClock
from proda_core.errors import GuardRefusal, JobError, JobFailed, Refusal
from proda_core.jobs import (
    JobFailure,
    JobRequest,
    JobResult,
    JobState,
    LocalExecutor,
    Progress,
    WorkerRules,
)
from proda_core.jobs import executor as executor_module
from proda_core.jobs.folder import JobFolder, Launch, Launches
from proda_core.jobs.process import start_token
from proda_core.locks import FileLock

ENTRY = "proda_core.jobs.selftest:run"
QUICK = WorkerRules(poll_s=0.01)


def counting(steps: int = 5, **params: object) -> JobRequest:
    return JobRequest("selftest", ENTRY, {"steps": steps, **params})


def folder_of(session: Path, request: JobRequest) -> JobFolder:
    return JobFolder.of(session / "jobs", request.job_id)


def trace(session: Path, request: JobRequest) -> list[int]:
    text = (folder_of(session, request).scratch / "trace.txt").read_text(encoding="ascii")
    return [int(line) for line in text.split()]


def go(session: Path, request: JobRequest) -> None:
    scratch = folder_of(session, request).scratch
    scratch.mkdir(exist_ok=True)
    (scratch / "go").touch()


def at_step(step: int, act: Callable[[], object]) -> Callable[[Progress], None]:
    """Call ``act`` once, when the job reports ``step``."""
    done: list[object] = []

    def on_progress(progress: Progress) -> None:
        if progress.done == step and not done:
            done.append(act())

    return on_progress


def pid_of(executor: LocalExecutor, request: JobRequest) -> int:
    pid = executor.status(request.job_id).pid
    assert pid is not None
    return pid


def test_a_job_runs_in_its_own_process_and_returns_its_result(session: Path) -> None:
    executor, request, seen = LocalExecutor(session, rules=QUICK), counting(3), []
    executor.submit(request)
    result = asyncio.run(executor.wait(request.job_id, seen.append))
    assert result == JobResult(meta={"steps": 3, "began_at": 0})
    assert seen[-1].done == 3
    assert executor.status(request.job_id).state is JobState.FINISHED
    assert [status.job_id for status in executor.list()] == [request.job_id]


def test_submitting_a_finished_job_again_does_nothing(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(3)
    executor.submit(request)
    asyncio.run(executor.wait(request.job_id))
    again = executor.submit(request, retry=True)
    assert (again.state, again.launches) == (JobState.FINISHED, 1)
    assert trace(session, request) == [0, 1, 2]


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_goes_on_from_its_checkpoint(
    session: Path,
) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(5, hold_at=3)
    executor.submit(request)

    def kill() -> None:
        os.kill(pid_of(executor, request), signal.SIGKILL)
        go(session, request)

    result = asyncio.run(executor.wait(request.job_id, at_step(3, kill)))
    assert result.meta == {"steps": 5, "began_at": 3}
    assert trace(session, request) == [0, 1, 2, 3, 4]
    assert executor.status(request.job_id).launches == 2


def test_resubmitting_after_a_kill_goes_on_from_the_checkpoint_too(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(4, hold_at=2)
    executor.submit(request)

    async def until_killed() -> None:
        killed = asyncio.Event()

        def kill() -> None:
            os.kill(pid_of(executor, request), signal.SIGKILL)
            killed.set()

        waiting = asyncio.create_task(executor.wait(request.job_id, at_step(2, kill)))
        await killed.wait()
        waiting.cancel()

    asyncio.run(until_killed())
    go(session, request)
    LocalExecutor(session).submit(request)
    result = asyncio.run(LocalExecutor(session, rules=QUICK).wait(request.job_id))
    assert result.meta["began_at"] == 2
    assert trace(session, request) == [0, 1, 2, 3]


def test_concurrent_submits_of_one_request_start_one_worker(session: Path) -> None:
    request = counting(4, hold_at=1)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: LocalExecutor(session).submit(request), range(6)))
    assert len(folder_of(session, request).launches().started) == 1
    go(session, request)
    asyncio.run(LocalExecutor(session, rules=QUICK).wait(request.job_id))
    assert trace(session, request) == [0, 1, 2, 3]


def test_a_submit_waits_for_the_one_under_way_instead_of_starting_a_second_worker(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, spawned, threads, real = counting(2), [], [], executor_module._spawn

    def spawn(root: Path, folder: JobFolder) -> int:
        spawned.append(folder.job_id)
        if not threads:
            threads.append(Thread(target=lambda: LocalExecutor(session).submit(request)))
            threads[0].start()
            threads[0].join(timeout=0.3)
            assert threads[0].is_alive()
        return real(root, folder)

    monkeypatch.setattr(executor_module, "_spawn", spawn)
    LocalExecutor(session).submit(request)
    threads[0].join()
    assert len(spawned) == 1


def test_a_second_worker_for_a_running_job_ends_quietly(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(3, hold_at=1)
    executor.submit(request)

    def second() -> None:
        command = [sys.executable, "-m", "proda_core.jobs.worker", str(session), request.job_id]
        assert subprocess.run(command, check=False).returncode == 0
        go(session, request)

    asyncio.run(executor.wait(request.job_id, at_step(1, second)))
    assert trace(session, request) == [0, 1, 2]
    assert folder_of(session, request).log.read_text(encoding="utf-8") == ""


def test_a_job_outlives_a_killed_host_and_the_next_host_finds_it(session: Path) -> None:
    request = counting(4, hold_at=2)
    program = (
        "import os, signal, sys; from pathlib import Path; from proda_core.jobs import JobRequest, LocalExecutor;"
        "LocalExecutor(Path(sys.argv[1])).submit(JobRequest('selftest', sys.argv[2], {'steps': 4, 'hold_at': 2}));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    host = subprocess.run([sys.executable, "-c", program, str(session), ENTRY], check=False)
    assert host.returncode == -signal.SIGKILL
    executor = LocalExecutor(session, rules=QUICK)
    assert executor.submit(request).state is JobState.RUNNING
    worker = pid_of(executor, request)
    assert os.getsid(worker) == worker  # a signal to the host's group or terminal does not reach it
    go(session, request)
    result = asyncio.run(executor.wait(request.job_id))
    assert (result.meta["began_at"], executor.status(request.job_id).launches) == (0, 1)


def test_a_worker_that_keeps_dying_is_given_up_with_a_recorded_error_and_can_be_retried(
    session: Path,
) -> None:
    executor = LocalExecutor(session, rules=WorkerRules(max_launches=2, poll_s=0.01))
    request = counting(2, hold_at=1)
    executor.submit(request)
    deaths: list[int] = []

    async def kill_each(seconds: float) -> None:
        pid = executor.status(request.job_id).pid
        if pid is not None and pid not in deaths:
            deaths.append(pid)
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(seconds)

    executor._pause = kill_each
    with pytest.raises(JobFailed, match="died 2 times"):
        asyncio.run(executor.wait(request.job_id))
    assert len(deaths) == 2
    assert executor.submit(request).state is JobState.FAILED
    fresh = LocalExecutor(session, rules=QUICK)
    assert fresh.submit(request, retry=True).state is JobState.RUNNING
    go(session, request)
    asyncio.run(fresh.wait(request.job_id))
    assert (folder_of(session, request).path / "error.1.json").is_file()


def test_launches_before_a_reboot_do_not_count_against_the_job(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=WorkerRules(max_launches=1, poll_s=0.01)), counting(2)
    folder = folder_of(session, request)
    folder.path.mkdir(parents=True)
    folder.write_request(request)
    folder.write_launches(Launches(0, (Launch(1, "another boot:1"), Launch(1, "another boot:2"))))
    assert executor.status(request.job_id).state is JobState.DEAD
    assert asyncio.run(executor.wait(request.job_id)).meta["steps"] == 2


def test_a_reused_pid_is_not_taken_for_the_worker(session: Path) -> None:
    request = counting(2)
    folder = folder_of(session, request)
    folder.path.mkdir(parents=True)
    folder.write_request(request)
    folder.write_launches(Launches(0, (Launch(os.getpid(), "not my start time"),)))
    assert LocalExecutor(session).status(request.job_id).state is JobState.DEAD


def test_cancel_ends_a_job_at_its_next_checkpoint_and_a_retry_goes_on(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(4, hold_at=2)
    executor.submit(request)
    with pytest.raises(JobFailed, match="cancelled at step 2"):
        asyncio.run(executor.wait(request.job_id, at_step(2, lambda: executor.cancel(request.job_id))))
    assert executor.submit(request).state is JobState.CANCELLED
    go(session, request)
    executor.submit(request, retry=True)
    assert asyncio.run(executor.wait(request.job_id)).meta["began_at"] == 2
    assert trace(session, request) == [0, 1, 2, 3]


def test_sigterm_ends_a_worker_as_cancelled(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(4, hold_at=2)
    executor.submit(request)
    with pytest.raises(JobFailed):
        asyncio.run(
            executor.wait(
                request.job_id, at_step(2, lambda: os.kill(pid_of(executor, request), signal.SIGTERM))
            )
        )
    status = executor.status(request.job_id)
    assert (status.state, status.failure) == (
        JobState.CANCELLED,
        JobFailure("JobError", "cancelled at step 2 of 4", 8, cancelled=True),
    )


def is_gone(pid: int) -> bool:
    return start_token(pid) is None


def until(condition: Callable[[], object]) -> None:
    async def look() -> None:
        while not condition():
            await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(look(), 60))


def test_a_worker_that_does_not_look_whether_to_stop_is_ended_with_what_it_started_and_a_retry_goes_on(
    session: Path,
) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(4, deaf_at=2)
    beside = folder_of(session, request).scratch / "beside"
    executor.submit(request)
    until(beside.exists)
    worker, started = pid_of(executor, request), int(beside.read_text())
    assert not is_gone(started)
    os.kill(worker, signal.SIGTERM)
    until(lambda: executor.status(request.job_id).state is not JobState.RUNNING)
    assert executor.status(request.job_id).state is JobState.CANCELLED
    until(lambda: is_gone(worker) and is_gone(started))
    assert "_wait_deaf" in folder_of(session, request).log.read_text(encoding="utf-8")
    go(session, request)
    executor.submit(request, retry=True)
    assert asyncio.run(executor.wait(request.job_id)).meta["began_at"] == 2


def test_a_worker_whose_host_is_gone_stops_by_the_sessions_own_file(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(4, hold_at=2)
    executor.submit(request)
    until(lambda: (progress := executor.status(request.job_id).progress) and progress.done == 2)
    stop = session / "inbox" / "STOP"
    stop.parent.mkdir(exist_ok=True)
    stop.touch()
    until(lambda: executor.status(request.job_id).state is not JobState.RUNNING)
    assert executor.status(request.job_id).state is JobState.CANCELLED
    stop.unlink()
    go(session, request)
    executor.submit(request, retry=True)
    assert asyncio.run(executor.wait(request.job_id)).meta["began_at"] == 2


def test_a_job_cancelled_while_no_worker_lives_stays_cancelled(session: Path) -> None:
    executor, request = LocalExecutor(session), counting(2)
    folder = folder_of(session, request)
    folder.path.mkdir(parents=True)
    folder.write_request(request)
    assert executor.status(request.job_id).state is JobState.QUEUED
    assert executor.cancel(request.job_id).state is JobState.CANCELLED
    assert executor.submit(request).state is JobState.CANCELLED
    with pytest.raises(JobFailed, match="cancelled"):
        asyncio.run(executor.wait(request.job_id))


def test_an_error_keeps_its_class_and_exit_code_and_its_traceback_apart(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(3, fail_at=1)
    executor.submit(request)
    with pytest.raises(JobFailed, match="told to fail at step 1") as caught:
        asyncio.run(executor.wait(request.job_id))
    assert (caught.value.error_class, caught.value.exit_code) == ("StudentError", 9)
    folder = folder_of(session, request)
    assert "Traceback" not in (folder.path / "error.json").read_text(encoding="utf-8")
    assert "told to fail" in folder.traceback.read_text(encoding="utf-8")
    assert executor.submit(request).launches == 1
    executor.submit(request, retry=True)
    with pytest.raises(JobFailed):
        asyncio.run(executor.wait(request.job_id))
    assert (folder.path / "error.1.json").is_file()
    assert (folder.path / "traceback.1.txt").is_file()


def test_a_guards_refusal_in_a_worker_is_the_same_refusal_in_the_host(session: Path) -> None:
    request, refusal = counting(1), Refusal("G2", "x_1", "shares r_1")
    folder = folder_of(session, request)
    folder.path.mkdir(parents=True)
    folder.write_request(request)
    folder.write_failure(JobFailure("GuardRefusal", "refused", 6, refusals=(refusal,)), "")
    with pytest.raises(GuardRefusal) as caught:
        asyncio.run(LocalExecutor(session).wait(request.job_id))
    assert caught.value.refusals == (refusal,)


def test_a_hung_worker_is_killed_and_its_successor_finishes(session: Path) -> None:
    clock, stopped = FakeClock(), []

    async def pause(seconds: float) -> None:
        if stopped and start_token(stopped[0]) is not None:
            clock.advance(30.0)
        await asyncio.sleep(seconds)

    executor = LocalExecutor(session, rules=QUICK, clock=clock, pause=pause)
    request = counting(3, hold_at=1)
    executor.submit(request)

    def hang() -> None:
        stopped.append(pid_of(executor, request))
        os.kill(stopped[0], signal.SIGSTOP)
        go(session, request)

    assert asyncio.run(executor.wait(request.job_id, at_step(1, hang))).meta["began_at"] == 1


def test_a_hung_worker_is_found_by_whoever_looks_after_the_job_now_and_then(session: Path) -> None:
    clock, request = FakeClock(), counting(3, hold_at=1)
    executor = LocalExecutor(session, rules=QUICK, clock=clock)
    executor.submit(request)
    while (status := executor.tend(request.job_id)).progress is None or status.progress.done < 1:
        time.sleep(0.01)
    stopped = pid_of(executor, request)
    os.kill(stopped, signal.SIGSTOP)
    go(session, request)
    executor.tend(request.job_id)
    clock.advance(QUICK.hung_after_s - 1)
    assert executor.tend(request.job_id).pid == stopped and start_token(stopped) is not None
    clock.advance(2)
    while executor.tend(request.job_id).state is not JobState.FINISHED:
        time.sleep(0.01)
    assert executor.status(request.job_id).launches == 2 and start_token(stopped) is None


def test_an_awaitable_progress_callback_is_awaited(session: Path) -> None:
    executor, request, seen = LocalExecutor(session, rules=QUICK), counting(2), []

    def on_progress(progress: Progress) -> Awaitable[None]:
        async def note() -> None:
            seen.append(progress.done)

        return note()

    executor.submit(request)
    asyncio.run(executor.wait(request.job_id, on_progress))
    assert seen[-1] == 2


def test_a_result_whose_artifact_was_deleted_is_made_again(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(2)
    store = ArtifactStore(session / "artifacts")
    store.make("report", "q_" + "0" * 16, lambda folder: (folder / "report.json").write_text("{}"))
    folder = folder_of(session, request)
    folder.path.mkdir(parents=True)
    folder.write_request(request)
    folder.write_result(JobResult({"report": "q_" + "0" * 16}))
    assert executor.submit(request).launches == 0
    (store.path("report", "q_" + "0" * 16) / "manifest.json").unlink()
    executor.submit(request)
    assert asyncio.run(executor.wait(request.job_id)).meta["steps"] == 2
    assert (folder.path / "result.1.json").is_file()


def test_a_living_worker_that_only_its_lock_tells_of_is_attached_to(session: Path) -> None:
    executor, request = LocalExecutor(session), counting(2)
    folder = folder_of(session, request)
    folder.path.mkdir(parents=True)
    with FileLock(folder.lock):
        assert executor.submit(request).launches == 0


@pytest.mark.parametrize(
    "entry",
    [
        "os:system",
        "proda_core.jobs.selftest",
        "proda_core.jobs.executor:os.kill",
        "proda_coreX.jobs:run",
        "evals:run",
    ],
)
def test_an_entry_point_outside_the_project_is_refused_before_anything_is_written(
    session: Path, entry: str
) -> None:
    with pytest.raises(JobError, match="not allowed"):
        LocalExecutor(session).submit(JobRequest("selftest", entry))
    assert not (session / "jobs").exists()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("proda_core.jobs.executor:inspect", "no such function"),
        ("proda_core.no_such:run", "no module"),
        ("proda_core.jobs.worker:import_module", "no such function"),
    ],
)
def test_an_entry_point_that_is_no_function_of_ours_fails_typed(
    session: Path, entry: str, message: str
) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), JobRequest("selftest", entry)
    executor.submit(request)
    with pytest.raises(JobFailed, match=message):
        asyncio.run(executor.wait(request.job_id))


def test_requests_and_names_that_are_not_what_they_should_be_are_refused(session: Path) -> None:
    executor = LocalExecutor(session)
    with pytest.raises(JobError, match="not JSON"):
        executor.submit(JobRequest("selftest", ENTRY, {"steps": {1, 2}}))
    with pytest.raises(JobError, match="not a job ID"):
        executor.status("../../etc")
    assert executor.status("j_" + "0" * 16).state is JobState.UNKNOWN
    with pytest.raises(JobError, match="no job"):
        executor.cancel("j_" + "0" * 16)
    with pytest.raises(JobError, match="unknown"):
        asyncio.run(executor.wait("j_" + "0" * 16))


def test_a_request_changed_on_disk_is_refused(session: Path) -> None:
    executor, request = LocalExecutor(session, rules=QUICK), counting(2)
    executor.submit(request)
    asyncio.run(executor.wait(request.job_id))
    path = folder_of(session, request).path / "request.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["params"]["steps"] = 3
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(JobError, match="was changed"):
        executor.submit(request)
    path.unlink()
