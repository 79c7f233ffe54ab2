"""How busy the asker keeps a teacher's server, beside a plain client on the same server.

    python bench/asking.py --chunks 500 --calls 3 --slots 64 --latency 1

The server (tests/chat_server.py, in a process of its own) takes a second for each call and has 64 slots. Each chunk takes three
calls one after the other, as an extraction does. Counted is the share of slots that work, from the first call until fewer
chunks are unfinished than there are slots: from then on no client can fill them all. The share of the whole time stands beside
it. The peer is the openai package's client under asyncio.gather and a semaphore, which reserves nothing, keeps nothing and
writes nothing. Exit code 1 where the asker keeps the server less than 90 % busy or is charged for more calls than there are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import openai
from pydantic import BaseModel, ConfigDict

from proda_core.config import CallsConfig, TeacherConfig
from proda_core.ledger import CallJournal, read_spent
from proda_core.teachers.llm.asker import ModelAsker
from proda_core.teachers.llm.asking import Task
from tests.chat_server import ChatServer

LEAST_BUSY = 0.90
PARAGRAPH = "The cell membrane lets water pass and holds back ions. " * 60
Call = Callable[[int, int], Awaitable[None]]


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    relations: list[str]


@dataclass(frozen=True, slots=True)
class Busy:
    """``busy`` until the tail and ``busy_in_all`` as shares of the slots; ``calls`` as the server counted them."""

    busy: float
    busy_in_all: float
    elapsed_s: float
    cpu_s: float
    calls: int


def _serve(pipe: Connection, latency_s: float, slots: int) -> None:
    """The server's process: says where it is, and what it did when asked."""
    answer = json.dumps({"relations": ["a membrane lets water pass"] * 12})
    with ChatServer(lambda _prompt: answer, latency_s=latency_s, slots=slots) as server:
        pipe.send(server.url)
        while pipe.recv():
            pipe.send((server.times[:], len(server.charged)))
            server.times.clear()
            server.charged.clear()


async def _chunks(call: Call, options: argparse.Namespace) -> list[float]:
    """When each chunk was finished; as many are begun at once as there are slots."""
    ends: list[float] = []
    waiting = iter(range(options.chunks))

    async def work() -> None:
        for chunk in waiting:
            for step in range(options.calls):
                await call(chunk, step)
            ends.append(time.monotonic())

    await asyncio.gather(*(work() for _ in range(options.slots)))
    return sorted(ends)


async def _by_asker(url: str, folder: Path, options: argparse.Namespace) -> list[float]:
    calls = CallsConfig(
        base_url=url, concurrency=options.slots, idempotent=True, input_price=1, output_price=1
    )
    config = TeacherConfig(kind="llm", model="openai-compatible:tiny")
    async with ModelAsker(CallJournal(folder / "calls.sqlite"), config, calls) as asker:

        async def call(chunk: int, step: int) -> None:
            await asker.ask(Task(f"step {step}", Answer, "List the relations.", f"{chunk} {PARAGRAPH}"))

        return await _chunks(call, options)


async def _by_peer(url: str, options: argparse.Namespace) -> list[float]:
    slots = asyncio.Semaphore(options.slots)
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def call(chunk: int, step: int) -> None:
            content = f"List the relations ({step}). {chunk} {PARAGRAPH}"
            async with slots:
                made = await client.chat.completions.create(
                    model="tiny", messages=[{"role": "user", "content": content}]
                )
            Answer.model_validate_json(made.choices[0].message.content or "")

        return await _chunks(call, options)


def _measure(run: Awaitable[list[float]], pipe: Connection, options: argparse.Namespace) -> Busy:
    cpu = time.process_time()

    async def main() -> list[float]:
        return await run

    ends = asyncio.run(main())
    cpu = time.process_time() - cpu
    pipe.send(True)
    times, charged = pipe.recv()
    began, ended = min(start for start, _ in times), max(end for _, end in times)
    tail = ends[max(0, options.chunks - options.slots)]
    worked = sum(max(0.0, min(end, tail) - start) for start, end in times if start < tail)
    return Busy(
        busy=round(worked / (options.slots * (tail - began)), 4),
        busy_in_all=round(sum(end - start for start, end in times) / (options.slots * (ended - began)), 4),
        elapsed_s=round(ended - began, 2),
        cpu_s=round(cpu, 2),
        calls=charged,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--chunks", type=int, default=500)
    parser.add_argument("--calls", type=int, default=3, help="calls of each chunk")
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds that the server takes for a call")
    options = parser.parse_args()
    pipe, theirs = multiprocessing.get_context("spawn").Pipe()
    arguments = (theirs, options.latency, options.slots)
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=arguments, daemon=True)
    server.start()
    url = pipe.recv()
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "sessions" / "one"
        asker = _measure(_by_asker(url, folder, options), pipe, options)
        spent = read_spent(folder / "calls.sqlite")
    peer = _measure(_by_peer(url, options), pipe, options)
    pipe.send(False)
    server.join(20)
    print(json.dumps({"options": vars(options), "asker": asdict(asker), "peer": asdict(peer)}, indent=1))
    wanted = options.chunks * options.calls
    if asker.calls != wanted or spent.calls != wanted:
        print(f"{asker.calls} calls charged and {spent.calls} in the journal, of {wanted}", file=sys.stderr)
        return 1
    return 0 if asker.busy >= LEAST_BUSY else 1


if __name__ == "__main__":
    sys.exit(main())
