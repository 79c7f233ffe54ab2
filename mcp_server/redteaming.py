"""Where the red team works: copies of one small session at its stages, and real hosts and clients of them.

The session is a finished one. Each stage is made once, by calling the tools of a new session that finds the finished one's jobs
done; every attack gets a copy of its own, so that none sees what another did.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from evals.redteam import ATTACKS, Answer, Attack, Stage
from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, create_session, own_session
from proda_core.errors import ConfigError, ToolError
from proda_core.session import SessionFolder

__all__ = ["ATTACK_NAMES", "Grounds", "red_team"]
ATTACK_NAMES = tuple(attack.name for attack in ATTACKS)
_POLL_S = 2.0


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

    def session(self, stage: Stage) -> SessionFolder:
        """ToolError for a stage that was not prepared."""
        if stage not in self._stages:
            raise ToolError(f"stage {stage} was not prepared")
        source = self._stages[stage]
        target = self.scratch / source.name
        shutil.copytree(source.root, target)
        return SessionFolder.open(target)

    async def prepare(self, stages: Sequence[Stage]) -> None:
        """Bring a session to each of these stages, by its tools."""
        for stage in stages:
            if stage not in self._stages:
                self._stages[stage] = await self._made(stage)

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


def chosen(names: Sequence[str]) -> tuple[Attack, ...]:
    """The attacks of these names, all for none. ConfigError for a name there is not."""
    unknown = sorted(set(names) - set(ATTACK_NAMES))
    if unknown:
        raise ConfigError(f"no attack is called {unknown[0]!r}; proda bench redteam --list names them")
    return tuple(attack for attack in ATTACKS if not names or attack.name in names)


async def red_team(
    finished: SessionFolder, names: Sequence[str], *, out: Path, tell: Callable[[str, int, int], None]
) -> dict[str, Any]:
    """Carry the attacks out on copies of a finished session; what became of each, as JSON. ``tell``: attack, number, of."""
    attacks = chosen(names)
    grounds = Grounds(finished, out / "copies")
    tell("bringing sessions to their stages", 0, len(attacks))
    await grounds.prepare(list(Stage))
    rows = []
    for number, attack in enumerate(attacks):
        tell(attack.name, number, len(attacks))
        attempt = await attack.try_it(grounds)
        about = {key: value for key, value in asdict(attack).items() if key != "act"}
        rows.append({**about, **asdict(attempt)})
    shutil.rmtree(out / "copies")
    won = [row["name"] for row in rows if row["won"] and not row["open_because"]]
    unlogged = [row["name"] for row in rows if not row["won"] and not row["stopped"]]
    return {"session": finished.name, "attacks": rows, "succeeded": won, "unlogged": unlogged}
