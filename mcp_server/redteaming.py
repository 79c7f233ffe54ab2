"""Where the red team works: copies of one small session at its stages, and real hosts and clients of them.

The session is a finished one. Each stage is made once, by calling the tools of a new session that finds the finished one's jobs
done; every attack gets a copy of its own, so that none sees what another did.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from time import monotonic
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from evals.redteam import ATTACKS, Answer, Attack, Stage
from evals.redteam.foreign import leaks_in
from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, create_session, own_session
from proda_core.artifacts import write_atomic
from proda_core.config import config_from
from proda_core.demo import DEMO_CORPUS
from proda_core.errors import ConfigError, ToolError
from proda_core.jobs import Progress
from proda_core.session import SessionFolder
from proda_core.students.base_model import POCKET, resolve_base

__all__ = ["ATTACK_NAMES", "Grounds", "red_team", "red_team_files", "small_session"]
ATTACK_NAMES = tuple(attack.name for attack in ATTACKS)
DOCUMENTS = 4  # of each discipline
SMALL: dict[str, Any] = {
    "name": "attacked",
    "synthesis": {"general_rows": 40},
    "training": {"epochs": 2, "probe_rows": 20},
    "mixture": {"rows": 200},
    "benchmark": {"min_items": 4, "max_items": 30, "min_groups": 2, "scoring": "loglikelihood"},
    "general": {"suite_items": 10},
    "policy": {"min_patchable": 1},
    "budget": {"rounds": 1, "disk_bytes": None},
}
_POLL_S = 2.0
_MOST = 50  # refusals told


class _Client:
    """Calls over one MCP client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, tool: str, **arguments: Any) -> Answer:
        result = await self._client.call_tool(tool, arguments)
        return Answer(not result.is_error, dict(result.structured_content or {}))

    async def done(self, tool: str, **arguments: Any) -> Answer:
        answer = await self(tool, **arguments)
        while answer.ok and answer.body.get("state") == "running":
            answer = await self("wait_for_job", job_id=answer.body["job_id"], timeout_s=_POLL_S)
        return answer


class Grounds:
    """A Ground over a finished session, in a folder of its own."""

    def __init__(self, finished: SessionFolder, work: Path) -> None:
        self._finished, self._work = finished, work
        self._stages: dict[Stage, SessionFolder] = {Stage.ENDED: finished}

    @property
    def scratch(self) -> Path:
        self._work.mkdir(parents=True, exist_ok=True)
        return Path(mkdtemp(dir=self._work))

    async def session(self, stage: Stage) -> SessionFolder:
        """A copy; the stage itself is made when it is first asked for."""
        if stage not in self._stages:
            self._stages[stage] = await self._made(stage)
        source = self._stages[stage]
        target = self.scratch / source.name
        shutil.copytree(source.root, target)
        return SessionFolder.open(target)

    @asynccontextmanager
    async def hosted(self, folder: SessionFolder) -> AsyncIterator[_Client]:
        async with own_session(folder) as server, Client(server) as client:
            yield _Client(client)

    @asynccontextmanager
    async def served(self, folder: SessionFolder) -> AsyncIterator[_Client]:
        urls: list[str] = []
        async with own_session(folder, serving=Serving(Address(), True, urls.append)):
            headers = {"Authorization": f"Bearer {access_to(folder.access).read}"}
            async with (
                httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
                Client(streamable_http_client(urls[0], http_client=http)) as client,
            ):
                yield _Client(client)

    async def _made(self, stage: Stage) -> SessionFolder:
        finished = self._finished
        folder = create_session(self.scratch, finished.config, finished.corpus_path)
        for name in ("artifacts", "jobs"):
            shutil.copytree(finished.root / name, folder.root / name, dirs_exist_ok=True)
        async with self.hosted(folder) as tools:
            await _bring(tools, stage)
        return folder


async def _bring(tools: _Client, stage: Stage) -> None:
    """The calls of a session up to a stage, as its controller makes them."""

    async def made(tool: str, kind: str, **arguments: Any) -> str:
        answer = await tools.done(tool, **arguments)
        if not answer.ok or answer.body["state"] != "finished":
            raise ToolError(f"{tool} did not do its work: {answer.body}")
        return str(answer.body["artifacts"][kind])

    for tool, kind in (
        ("curate_corpus", "corpus"),
        ("extract_knowledge", "snapshot"),
        ("build_benchmark", "benchmark"),
    ):
        await made(tool, kind)
    if stage is Stage.WRITING:
        return
    await made("synthesise_examples", "examples")
    await made("evaluate_model", "report", model="base")
    first = await _trained(tools, made, kind="v1")
    report = await made("evaluate_model", "report", model=first)
    diagnosis = await made("diagnose_failures", "diagnosis", report_id=report)
    if stage is Stage.PATCHING:
        return
    patch = await made("write_patch", "patch", diagnosis_id=diagnosis)
    second = await _trained(tools, made, kind="patch", patch_id=patch)
    if stage is Stage.JUDGING:
        await made("evaluate_model", "report", model=second)


async def _trained(tools: _Client, made: Callable[..., Any], **arguments: str) -> str:
    composed = await tools("compose_mixture", **arguments)
    if not composed.ok:
        raise ToolError(f"compose_mixture did not do its work: {composed.body}")
    return str(await made("train_adapter", "adapter", mixture_id=composed.body["mixture_id"]))


def small_session(out: Path) -> SessionFolder:
    """The session that is attacked: a corner of the shipped corpus, a copy of the embedded base, and everything as in earnest.

    Made under ``out``, or found there again; the caller runs it to its end.
    """
    corpus, base = out / "corpus", out / "base"
    for discipline in sorted(path for path in DEMO_CORPUS.iterdir() if path.is_dir()):
        (corpus / discipline.name).mkdir(parents=True, exist_ok=True)
        for text in sorted(discipline.iterdir())[:DOCUMENTS]:
            shutil.copy(text, corpus / discipline.name)
    if not base.exists():
        shutil.copytree(resolve_base(POCKET), base)
    config = config_from({**SMALL, "student": {"base": str(base.absolute()), "threads": 1}})
    return create_session(out / "session", config, corpus)


def chosen(names: Sequence[str]) -> tuple[Attack, ...]:
    """The attacks of these names, all for none. ConfigError for a name there is not."""
    unknown = sorted(set(names) - set(ATTACK_NAMES))
    if unknown:
        raise ConfigError(f"no attack is called {unknown[0]!r}; choose from {', '.join(ATTACK_NAMES)}")
    return tuple(attack for attack in ATTACKS if not names or attack.name in names)


async def red_team(
    finished: SessionFolder, names: Sequence[str], *, out: Path, tell: Callable[[str, Progress], None]
) -> dict[str, Any]:
    """Carry the attacks out on copies of a finished session; what became of each, as JSON. ``tell`` hears of each attack.

    What was found is kept in ``out`` attack by attack: a run that was killed goes on with those that are left.
    """
    attacks, kept = chosen(names), out / "attempts"
    kept.mkdir(parents=True, exist_ok=True)
    left = [attack for attack in attacks if not (kept / f"{attack.name}.json").exists()]
    grounds, began = Grounds(finished, out / "copies"), monotonic()
    for number, attack in enumerate(left):
        spent = (monotonic() - began) / max(1, number)
        tell(attack.name, Progress(number, len(left), spent * (len(left) - number) if number else None))
        attempt = await attack.try_it(grounds)
        write_atomic(kept / f"{attack.name}.json", json.dumps(asdict(attempt)).encode())
    shutil.rmtree(out / "copies", ignore_errors=True)
    rows = [{**about(one), **json.loads((kept / f"{one.name}.json").read_bytes())} for one in attacks]
    shutil.rmtree(kept)  # told now: the next run is a new one
    return {
        "session": finished.name,
        "attacks": rows,
        "succeeded": [row["name"] for row in rows if row["won"] and not row["open_because"]],
        "unlogged": [row["name"] for row in rows if not row["won"] and not row["stopped"]],
    }


def about(attack: Attack) -> dict[str, str]:
    """An attack in words."""
    names = ("name", "family", "by", "wants", "guard", "success", "open_because")
    return {name: getattr(attack, name) for name in names}


def red_team_files(rows: Path, benchmark: Path) -> dict[str, Any]:
    """The leaks looked for in somebody else's rows and benchmark; what was found of each, as JSON."""
    with TemporaryDirectory(prefix="proda-redteam-") as scratch:
        found = leaks_in(rows, benchmark, Path(scratch))
    leaks = [
        {**about(leak.attack), "lines": list(leak.lines), "planted": leak.planted, "seen": leak.seen}
        for leak in found.leaks
    ]
    return {
        "rows": found.rows,
        "items": found.items,
        "attacks": leaks,
        "refused": [asdict(refusal) for refusal in found.refused[:_MOST]],
        "succeeded": [leak["name"] for leak in leaks if leak["lines"]]
        + (["any-leak"] if found.refused else []),
    }
