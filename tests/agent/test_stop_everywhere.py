"""STOP and SIGTERM in every stage, where no MCP client could reach the session: ten seconds, and no process is left.

Each case goes on from the finished session's jobs without the one of its stage, and stops the session as soon as that job has a
worker. STOP comes when this worker hears nothing any more (it is frozen), which is the worst that a stage can do.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

import httpx2
import psutil
import pytest

from agent.exit_codes import EXIT_CODES, INTERRUPTED
from mcp_server.access import access_to
from mcp_server.http import url_of_host
from mcp_server.resources import session_uri
from proda_core.jobs import JobState, LocalExecutor
from proda_core.log import verify
from proda_core.session import SessionFolder, SteerKind
from proda_core.types import StopReason
from tests.mcp_server.test_surface_transports import at as reached
from tests.mcp_server.test_watching import watched
from tests.sessions import Bench, FinishedSession, decisions_of, proda, records_of, seeded

pytestmark = pytest.mark.slow
T = TypeVar("T")
WITHIN_S = 10.0
_STARTS_S = 120.0
_LOOK_S = 0.02
_SHORT_LOOK_S = 0.001
_CATCHES = 9
JOBS = {  # stage: the tool that starts its job, and which of its calls in the session is meant
    "curate": ("curate_corpus", 0),
    "extract": ("extract_knowledge", 0),
    "benchmark": ("build_benchmark", 0),
    "synthesise": ("synthesise_examples", 0),
    "evaluate base": ("evaluate_model", 0),
    "train": ("train_adapter", 0),
    "evaluate": ("evaluate_model", 1),
    "diagnose": ("diagnose_failures", 0),
    "patch": ("write_patch", 0),
    "train a round": ("train_adapter", 1),
}
IN_THE_HOST = {"compose": "compose_mixture", "judge": "judge_candidate"}


@pytest.mark.parametrize("stage", JOBS)
@pytest.mark.parametrize("way", ["STOP", "SIGTERM"])
def test_a_stop_ends_the_job_of_every_stage_and_leaves_no_process(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path, stage: str, way: str
) -> None:
    tool, nth = JOBS[stage]
    folder, job_id = without_job(bench, finished_session.folder, tmp_path, tool=tool, nth=nth)
    with running(folder) as host:
        worker = wait_for(lambda: worker_of(folder, job_id), host)
        if way == "STOP":
            os.kill(worker, signal.SIGSTOP)
        stopped_in_time(folder, host, way)
    last = records_of(folder, "intent")[-1].body
    assert (last["tool"], last["job_id"]) == (tool, job_id)
    if stage == "train":
        goes_on(folder, finished_session.folder)


@pytest.mark.parametrize("stage", IN_THE_HOST)
@pytest.mark.parametrize("way", ["STOP", "SIGTERM"])
def test_a_stop_is_heard_while_the_host_itself_works(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path, stage: str, way: str
) -> None:
    tool = IN_THE_HOST[stage]
    for attempt in count():  # as short a call is not always caught
        folder = seeded(bench.session(tmp_path / f"{attempt}", budget={"rounds": 3}), finished_session.folder)
        with running(folder) as host:
            wait_for(lambda f=folder: f'"tool":"{tool}"' in logged(f), host, look_s=_SHORT_LOOK_S)
            os.kill(host.pid, signal.SIGSTOP)
            begun = records_of(folder)
            if (begun[-1].kind, begun[-1].body["tool"]) == ("intent", tool):  # with the tool in hand
                stopped_in_time(folder, host, way)
                break
        assert attempt < _CATCHES, f"{tool} was over each time before the host could be frozen"
    ended = next(record for record in records_of(folder)[len(begun) :] if record.kind == "outcome")
    assert (ended.body["tool"], ended.body["ok"]) == (tool, True)  # finished, not torn


@pytest.mark.parametrize("way", ["STOP", "SIGTERM"])
def test_a_stop_is_heard_while_the_session_is_paused(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path, way: str
) -> None:
    folder = seeded(bench.session(tmp_path), finished_session.folder)
    with running(folder) as host:
        wait_for(
            lambda: '"event":"opened"' in logged(folder), host
        )  # resuming takes back what was asked before
        folder.steering.post(SteerKind.PAUSE, by="ann", why="looking")
        wait_for(lambda: '"kind":"pause"' in logged(folder), host)
        stopped_in_time(folder, host, way)
    kinds = [decision["kind"] for decision in decisions_of(folder)]
    assert kinds == (["stop"] if way == "STOP" else [])


@pytest.mark.parametrize("way", ["STOP", "SIGTERM"])
def test_a_stop_ends_a_served_session_in_time_whoever_holds_on_to_it(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path, way: str
) -> None:
    """The waits for the job, for its frozen worker, for clients and for the report, one after the other."""
    folder, job_id = without_job(bench, finished_session.folder, tmp_path, tool="train_adapter", nth=0)
    with running(folder, "--serve") as host:
        worker = wait_for(lambda: worker_of(folder, job_id), host)
        os.kill(worker, signal.SIGSTOP)
        with held_on_to(folder):
            stopped_in_time(folder, host, way)


def test_a_worker_left_by_a_killed_host_is_stopped_by_the_file_alone(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder, job_id = without_job(bench, finished_session.folder, tmp_path, tool="train_adapter", nth=0)
    with running(folder) as host:
        wait_for(lambda: worker_of(folder, job_id), host)
        host.kill()
        host.wait()
        asked = time.monotonic()
        folder.stop_now()
        executor = LocalExecutor(folder.root)
        wait_until(lambda: executor.status(job_id).state is not JobState.RUNNING)
        assert time.monotonic() - asked < WITHIN_S
    assert executor.status(job_id).state is JobState.CANCELLED and processes_of(folder) == []
    goes_on(folder, finished_session.folder)


def without_job(
    bench: Bench, source: SessionFolder, sessions: Path, *, tool: str, nth: int
) -> tuple[SessionFolder, str]:
    """A session that finds every job done but one, and this one's ID."""
    intents = [r.body["job_id"] for r in records_of(source, "intent") if r.body["tool"] == tool]
    folder = seeded(bench.session(sessions), source, but=intents[nth])
    return folder, intents[nth]


@contextmanager
def held_on_to(folder: SessionFolder) -> Iterator[None]:
    """Clients of a served session that do not let go: one of each era with an open stream, and a page that polls.

    The block begins when the page was answered and each of the others was told of a note.
    """
    url, read = url_of_host(folder), access_to(folder.access).read
    answered: set[str] = set()
    ended = threading.Event()

    async def poll() -> None:
        headers = {"Authorization": f"Bearer {read}"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
            while not ended.is_set():
                found = await http.get(url.removesuffix("/mcp") + "/sections/now")
                assert found.status_code == 200
                answered.add("page")

    async def hold(mode: str) -> None:
        status = session_uri(folder.name)
        async with watched(reached(url, read), mode, status) as (_, told):
            answered.add(f"{mode} watches")
            assert await told.next() == status
            answered.add(f"{mode} was told")
            await asyncio.to_thread(ended.wait)

    async def all_of_them() -> None:
        await asyncio.gather(poll(), hold("auto"), hold("legacy"), return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(all_of_them(),), name="clients")
    thread.start()
    try:
        wait_until(lambda: answered >= {"page", "auto watches", "legacy watches"})
        folder.steering.post(SteerKind.NOTE, by="ann", why="are you there?")
        wait_until(lambda: answered >= {"auto was told", "legacy was told"})
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def running(folder: SessionFolder, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The session's host as a process of its own; nothing of it outlives the block."""
    host = proda("resume", str(folder.root), *options, cwd=folder.root)
    try:
        yield host
    finally:
        for process in processes_of(folder):
            process.kill()
        host.kill()
        host.communicate()


def stopped_in_time(folder: SessionFolder, host: subprocess.Popen[str], way: str) -> None:
    """Ask, by the file or by the signal; the host ends within the time with its exit code, and so does all it started."""
    started = psutil.Process(host.pid).children(recursive=True)
    asked = time.monotonic()
    if way == "STOP":
        folder.stop_now()
    else:
        host.send_signal(signal.SIGTERM)
    host.send_signal(signal.SIGCONT)  # for one that a test froze
    _, said = host.communicate(timeout=_STARTS_S)
    took = time.monotonic() - asked
    assert host.returncode == (EXIT_CODES[StopReason.REQUEST] if way == "STOP" else INTERRUPTED), said
    assert took < WITHIN_S
    assert [process for process in started if is_alive(process)] == [] == processes_of(folder)
    last = records_of(folder)[-1]
    if way == "STOP":
        assert (last.kind, last.body["stop_reason"]) == ("session", "request")
    report = verify(folder.decisions)
    assert report.ok or way == "SIGTERM", report.problems  # interrupted, its last call is open


def goes_on(folder: SessionFolder, reference: SessionFolder) -> None:
    """Resumed, it ends as the session that was never stopped."""
    host = proda("resume", str(folder.root), cwd=folder.root)
    _, said = host.communicate(timeout=900)
    assert host.returncode == EXIT_CODES[StopReason.BUDGET_ROUNDS], said
    assert decisions_of(folder) == decisions_of(reference)


def worker_of(folder: SessionFolder, job_id: str) -> int | None:
    status = LocalExecutor(folder.root).status(job_id)
    return status.pid if status.beats else None


def processes_of(folder: SessionFolder) -> list[psutil.Process]:
    """Whatever runs for this session, whoever started it: its folder stands in the command."""
    found = psutil.process_iter(["cmdline"])
    return [process for process in found if str(folder.root) in " ".join(process.info["cmdline"] or [])]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def logged(folder: SessionFolder) -> str:
    return folder.decisions.read_text(encoding="utf-8") if folder.decisions.exists() else ""


def wait_for(look: Callable[[], T | None], host: subprocess.Popen[str], *, look_s: float = _LOOK_S) -> T:
    """What ``look`` finds, as soon as it finds it, while the host runs."""
    until = time.monotonic() + _STARTS_S
    while not (found := look()):
        assert host.poll() is None and time.monotonic() < until, "the stage never began"
        time.sleep(look_s)
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _STARTS_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(_LOOK_S)
