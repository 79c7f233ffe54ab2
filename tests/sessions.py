"""Small real sessions for tests: a corner of the shipped corpus, a tiny random base, and everything else as in earnest.

One session is run to its end for a whole test run (``finished_session``). Variants start from its ``artifacts`` and ``jobs``: a
job's ID is made from its request, so what does not differ is found finished and only what differs runs.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client
from rich.console import Console

from agent.drive import Outcome, drive
from mcp_server.hosting import create_session, own_session
from proda_core.config import Config, config_from
from proda_core.demo import DEMO_CORPUS
from proda_core.jobs import LocalExecutor
from proda_core.log import Record, read_records
from proda_core.session import SessionFolder
from tests.models import tiny_llama

REPOSITORY = Path(__file__).parents[1]
SMALL: dict[str, dict[str, Any]] = {
    "student": {"threads": 1},
    "synthesis": {"general_rows": 40},
    "training": {
        "epochs": 1,
        "rank": 4,
        "probe_rows": 20,
        "batch_tokens": 1024,
        "checkpoint_steps": 5,
        "precision": "fp32",
    },
    "mixture": {"rows": 200},
    "benchmark": {"min_items": 4, "max_items": 30, "min_groups": 2, "scoring": "loglikelihood"},
    "general": {"suite_items": 10},
    "policy": {"min_patchable": 1},
    "budget": {"rounds": 1, "disk_bytes": None},
}


class Listener(logging.Handler):
    """Keeps what was logged."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where small sessions are made: one corpus and one base for all of them, so that their jobs have the same IDs."""

    root: Path
    corpus: Path
    base: Path

    @classmethod
    def make(cls, root: Path, *, each: int = 4) -> Bench:
        """``each`` documents of every discipline, and a tiny Llama of the same weights each time."""
        corpus = root / "corpus"
        for discipline in sorted(path for path in DEMO_CORPUS.iterdir() if path.is_dir()):
            (corpus / discipline.name).mkdir(parents=True)
            for text in sorted(discipline.iterdir())[:each]:
                shutil.copy(text, corpus / discipline.name)
        return cls(root, corpus, tiny_llama(root / "base"))

    def config(self, name: str = "small", **sections: Mapping[str, Any]) -> Config:
        """SMALL with ``sections`` laid over it, key by key."""
        data: dict[str, Any] = {"name": name, **{key: dict(value) for key, value in SMALL.items()}}
        data["student"]["base"] = str(self.base)
        for key, value in sections.items():
            data[key] = {**data.get(key, {}), **value}
        return config_from(data)

    def session(self, sessions: Path, name: str = "small", **sections: Mapping[str, Any]) -> SessionFolder:
        """A new session folder (or the same again) under ``sessions``."""
        return create_session(sessions, self.config(name, **sections), self.corpus)


def seeded(
    folder: SessionFolder, source: SessionFolder, *, kinds: set[str] | None = None, but: str = ""
) -> SessionFolder:
    """Give a new session the finished jobs of ``source`` with all artifacts; or the jobs of ``kinds``, or all ``but`` the one of
    this ID, and what they made."""
    if kinds is None and not but:
        shutil.copytree(source.artifacts, folder.artifacts, dirs_exist_ok=True)
    for job in LocalExecutor(source.root).list():
        if job.result is None or job.job_id == but or (kinds is not None and job.kind not in kinds):
            continue
        shutil.copytree(source.jobs / job.job_id, folder.jobs / job.job_id, dirs_exist_ok=True)
        for made in job.result.artifacts.values():
            for path in source.artifacts.glob(f"*/{made}"):
                target = folder.artifacts / path.relative_to(source.artifacts)
                shutil.copytree(path, target, dirs_exist_ok=True)
    return folder


def copied(source: SessionFolder, sessions: Path) -> SessionFolder:
    """The whole session once more, under another root."""
    shutil.copytree(source.root, sessions / source.name)
    return SessionFolder.open(sessions / source.name)


def as_it_was_before(record: Record, folder: SessionFolder) -> SessionFolder:
    """The session with its log cut off before ``record``, as if nothing later had been written or signed."""
    lines = folder.decisions.read_bytes().splitlines(keepends=True)
    folder.decisions.write_bytes(b"".join(lines[: record.seq - 1]))
    shutil.rmtree(folder.signatures)
    return folder


def overrides(config: Config) -> list[str]:
    """The command line's ``--set`` options that give this configuration."""
    options: list[str] = []
    default = Config().model_dump(mode="json")
    for section, value in config.model_dump(mode="json").items():
        keys = value.items() if isinstance(value, dict) else ()
        pairs = [(f"{section}.{key}", inner) for key, inner in keys if inner != default[section][key]]
        if not isinstance(value, dict) and value != default[section]:
            pairs = [(section, value)]
        options += [
            part
            for key, inner in pairs
            for part in ("--set", f"{key}={'none' if inner is None else json.dumps(inner)}")
        ]
    return options


def run_to_end(folder: SessionFolder, *, reopen: bool = False) -> Outcome:
    """The host and the loop in this process, until the session ends."""
    return drive(folder, Console(file=io.StringIO()), reopen=reopen)


@asynccontextmanager
async def client_of(folder: SessionFolder, *, mode: str = "auto") -> AsyncIterator[Client]:
    """An MCP client on the server of a host that owns the session."""
    async with own_session(folder) as server, Client(server, mode=mode) as client:
        yield client


def with_client(folder: SessionFolder, act: Callable[[Client], Awaitable[Any]], *, mode: str = "auto") -> Any:
    """Run ``act`` on a client of the session's owner."""

    async def run() -> Any:
        async with client_of(folder, mode=mode) as client:
            return await act(client)

    return asyncio.run(run())


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that must not fail; where it starts a job, wait for its end and return the last handle."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.structured_content
    handle = dict(result.structured_content or {})
    while "job_id" in handle and handle["state"] == "running":
        waited = await client.call_tool("wait_for_job", {"job_id": handle["job_id"], "timeout_s": 5.0})
        assert not waited.is_error, waited.structured_content
        handle = dict(waited.structured_content or {})
    return handle


def records_of(folder: SessionFolder, kind: str = "") -> list[Record]:
    """The log's records, of one kind where given."""
    return [record for record in read_records(folder.decisions) if kind in ("", record.kind)]


def decisions_of(folder: SessionFolder) -> list[dict[str, Any]]:
    """Every decision in order, in its plain form."""
    return [record.body["decision"] for record in records_of(folder, "decision")]


def outcomes_of(folder: SessionFolder, tool: str) -> list[dict[str, Any]]:
    """Bodies of the outcomes of one tool that succeeded."""
    return [
        r.body for r in records_of(folder, "outcome") if r.body["tool"] == tool and r.body.get("ok", False)
    ]


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below with its size and time of change: equal before and after means that nothing was written."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def proda(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """The command line as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from agent.cli import main; main()", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
    )


@dataclass(frozen=True, slots=True)
class FinishedSession:
    """A session that was run to its end, and how it ended. Tests read it and never change it: they take copies."""

    folder: SessionFolder
    outcome: Outcome


def finish_one(bench: Bench) -> FinishedSession:
    """A session of one round after V1, run to the end of its budget."""
    folder = bench.session(bench.root / "sessions")
    return FinishedSession(folder, run_to_end(folder))
