"""What clients that poll a running session cost it: the same session with them and without, measured from outside.

    python bench/polling.py --clients 50 --seconds 300 --every 2

A session on the shipped corpus runs with --serve twice, each for the same time: alone, and with clients of both protocol
eras that ask what it does, as often as told, and now and then for the whole report. Said is the CPU time of the host's own
process, where all serving happens, and of the whole session (host and workers), and how far the host's memory grew. The
clients run in a process of their own, which is not counted. What stands on the command line beside the options goes to `proda
run`. A share means something where the session has the machine for itself; ms_per_answer does anywhere.

A session's host grows by itself as it loads the graph, so what clients add is the difference between the two runs' greatest
growth; each run's own is said beside it. Exit code 1, and the reasons, where clients take more than they may, a call failed, or
a session ended before its time, so that less was measured than was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

import httpx2
import psutil
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

COMMAND = [sys.executable, "-c", "from agent.cli.main import main; main()"]
LOOK_S = 0.5
START_S = 120.0
ENDING_S = 60.0
ASKED = (*("get_status",) * 9, "report_session")
MB = 1 << 20
MOST_PERCENT = 5.0  # of the session's CPU time
MOST_MB = 20.0


@dataclass(slots=True)
class Watch:
    """CPU seconds by process and the host's memory, as last seen: a process that ended keeps its last figure."""

    host: psutil.Process
    cpu: dict[int, float] = field(default_factory=dict)
    rss: list[int] = field(default_factory=list)

    def look(self) -> None:
        self.rss.append(self.host.memory_info().rss)
        for process in (self.host, *self.host.children(recursive=True)):
            try:
                spent = process.cpu_times()
            except psutil.Error:
                continue  # it ended just now
            self.cpu[process.pid] = spent.user + spent.system


@dataclass(frozen=True, slots=True)
class Run:
    """One session, from when it was served until its time was over. ``answers`` and ``failures`` are the clients'."""

    seconds: float
    host_cpu_s: float
    session_cpu_s: float
    rss_start_mb: float
    rss_most_mb: float
    rss_grew_mb: float
    answers: int = 0
    failures: int = 0


async def poll(url: str, token: str, *, clients: int, every: float, seconds: float) -> tuple[int, int]:
    """Let so many clients ask for so long; how many answers they got and how many calls failed."""
    counts = [0, 0]
    until = asyncio.get_running_loop().time() + seconds

    async def one(number: int) -> None:
        loop = asyncio.get_running_loop()
        headers = {"Authorization": f"Bearer {token}"}
        await asyncio.sleep(every * number / clients)  # not all at once: nobody's clients keep step
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http), mode="legacy" if number % 2 else "auto") as client,
        ):  # fmt: skip
            for tool in cycle(ASKED):
                if loop.time() >= until:
                    return
                due = loop.time() + every
                try:
                    counts[bool((await client.call_tool(tool, {})).is_error)] += 1
                except (MCPError, httpx2.HTTPError) as error:
                    print(f"client {number}: {tool}: {error!r}", file=sys.stderr)
                    counts[1] += 1
                await asyncio.sleep(max(0.0, due - loop.time()))

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(one(number))
    return counts[0], counts[1]


def served(sessions: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Where the session is served, and its reading token, as soon as it is."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        for said in sessions.glob("*/serving.json"):
            access = json.loads((said.parent / "access.json").read_bytes())
            return str(json.loads(said.read_bytes())["url"]), str(access["read"])
        time.sleep(LOOK_S)
    raise SystemExit(f"the session was not served within {START_S:g} s: see {sessions}/log")


def run(folder: Path, asked: argparse.Namespace, *, clients: int) -> Run:
    """A session of its own in ``folder``, watched for the time asked."""
    folder.mkdir()
    command = [*COMMAND, "run", "--serve", "--sessions", str(folder), *asked.options]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        asking = None
        try:
            url, token = served(folder, process)
            watch = Watch(psutil.Process(process.pid))
            watch.look()
            before, start = dict(watch.cpu), time.monotonic()
            if clients:
                given = [url, token, str(clients), str(asked.every), str(asked.seconds)]
                asking = subprocess.Popen(
                    [sys.executable, __file__, "--poll", *given], stdout=subprocess.PIPE
                )
            while time.monotonic() < start + asked.seconds and process.poll() is None:
                time.sleep(LOOK_S)
                watch.look()
            spent = time.monotonic() - start
            answers, failures = json.loads(asking.communicate()[0]) if asking else (0, 0)
        finally:
            if asking and asking.poll() is None:
                asking.kill()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)  # a second one ends at once
    used = {pid: cpu - before.get(pid, 0.0) for pid, cpu in watch.cpu.items()}
    return Run(
        seconds=spent,
        host_cpu_s=used[process.pid],
        session_cpu_s=sum(used.values()),
        rss_start_mb=watch.rss[0] / MB,
        rss_most_mb=max(watch.rss) / MB,
        rss_grew_mb=(max(watch.rss) - watch.rss[0]) / MB,
        answers=answers,
        failures=failures,
    )


def compare(asked: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Both sessions, and what the clients cost."""
    alone = run(folder / "alone", asked, clients=0)
    polled = run(folder / "polled", asked, clients=asked.clients)
    serving = polled.host_cpu_s / polled.seconds - alone.host_cpu_s / alone.seconds
    share = 100 * serving * polled.seconds / polled.session_cpu_s
    grew = polled.rss_grew_mb - alone.rss_grew_mb
    return {
        "clients": asked.clients,
        "every_s": asked.every,
        "alone": asdict(alone),
        "polled": asdict(polled),
        "serving_cpu_s": serving * polled.seconds,
        "ms_per_answer": 1000 * serving * polled.seconds / max(1, polled.answers),
        "serving_share_percent": share,
        "rss_grew_more_mb": grew,
        "wrong": wrong(alone, polled, share=share, grew_mb=grew, seconds=asked.seconds),
    }


def wrong(alone: Run, polled: Run, *, share: float, grew_mb: float, seconds: float) -> list[str]:
    """What does not hold, in words; empty where clients cost what they may."""
    found = []
    if share > MOST_PERCENT:
        found.append(f"clients took {share:.1f} % of the session's CPU time, more than {MOST_PERCENT:g} %")
    if grew_mb > MOST_MB:
        found.append(f"the host grew by {grew_mb:.1f} MB more with clients, more than {MOST_MB:g} MB")
    if polled.failures or not polled.answers:
        found.append(f"{polled.failures} calls failed, {polled.answers} were answered")
    for name, one in (("alone", alone), ("polled", polled)):
        if one.seconds < seconds:
            found.append(f"the session {name} ended after {one.seconds:.0f} of {seconds:.0f} s")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between a client's questions")
    parser.add_argument(
        "--keep", type=Path, help="an empty folder for the sessions; a temporary one when left out"
    )
    parser.add_argument("--poll", nargs=5, help=argparse.SUPPRESS)
    asked, asked.options = parser.parse_known_args()  # what is left goes to `proda run`
    if asked.poll:
        url, token, clients, every, seconds = asked.poll
        found = asyncio.run(
            poll(url, token, clients=int(clients), every=float(every), seconds=float(seconds))
        )
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as temporary:
        found = compare(asked, asked.keep or Path(temporary))
    print(json.dumps(found, indent=1))
    if found["wrong"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
