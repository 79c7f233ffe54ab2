"""Sessions stopped at a stage, for attacks between two calls: everything up to there was really called through the tools."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mcp import Client

from proda_core.artifacts import MANIFEST, file_digest
from proda_core.session import SessionFolder
from tests.sessions import Bench, done, records_of, seeded, with_client


async def to_mixture(client: Client) -> None:
    """Corpus to Examples: the next call is compose_mixture of V1."""
    for tool in ("curate_corpus", "extract_knowledge", "build_benchmark", "synthesise_examples"):
        await done(client, tool)
    await done(client, "evaluate_model", model="base")


async def to_patch(client: Client) -> None:
    """Up to the first patch: the next call is compose_mixture of it."""
    await to_mixture(client)
    mixture = await done(client, "compose_mixture", kind="v1")
    trained = await done(client, "train_adapter", mixture_id=mixture["mixture_id"])
    scored = await done(client, "evaluate_model", model=trained["artifacts"]["adapter"])
    diagnosed = await done(client, "diagnose_failures", report_id=scored["artifacts"]["report"])
    await done(client, "write_patch", diagnosis_id=diagnosed["artifacts"]["diagnosis"])


def session_at(
    stage: Callable[[Client], Any], bench: Bench, source: SessionFolder, sessions: Path
) -> SessionFolder:
    """A session on ``source``'s finished jobs, brought to ``stage``; its store holds only what its own log names."""
    folder = seeded(bench.session(sessions), source)
    with_client(folder, stage)
    named = {made for record in records_of(folder, "outcome") for made in record.body["artifacts"].values()}
    for artifact in sorted(folder.artifacts.glob("*/?_*")):
        if artifact.name not in named:
            shutil.rmtree(artifact)
    return folder


def artifact_of(folder: SessionFolder, tool: str, kind: str) -> str:
    """The artifact that the newest outcome of ``tool`` names."""
    made = [r.body["artifacts"] for r in records_of(folder, "outcome") if r.body["tool"] == tool]
    return str(made[-1][kind])


def rewrite(folder: SessionFolder, kind: str, key: str, name: str, lines: Iterable[Any], **meta: Any) -> None:
    """Change a data file of an artifact and its manifest's digest with it, as somebody would who knows the store."""
    path = folder.store.path(kind, key)
    (path / name).write_text(
        "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines),
        encoding="utf-8",
    )
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][name] = file_digest(path / name)
    manifest["meta"].update(meta)
    manifest["digest"] = ""  # as if it had been written before there was one
    (path / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def lines_of(folder: SessionFolder, kind: str, key: str, name: str) -> list[Any]:
    text = (folder.store.path(kind, key) / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
