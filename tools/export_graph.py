"""export_graph: name the whole graph as JSON lines, written once beside the snapshot and named by its digest."""

from __future__ import annotations

import asyncio
from pathlib import Path

from proda_core.ids import make_id
from proda_core.serialize import write_lines
from tools.base import NoArguments, Tool, ToolModel
from tools.host import Host
from tools.work import book_of


class Exported(ToolModel):
    """Where the files lie, on the host's machine."""

    folder: str
    files: list[str]


async def export_graph(host: Host, _arguments: NoArguments) -> Exported:
    return await asyncio.to_thread(_export, host)


def _export(host: Host) -> Exported:
    snapshot_id = book_of(host).need("snapshot_id")
    snapshot = host.snapshot(snapshot_id)

    def write(folder: Path) -> None:
        for name in ("concepts", "relations", "chains"):
            write_lines(folder / f"{name}.jsonl", getattr(snapshot, name).values())

    key = make_id("f", snapshot_id)
    manifest = host.store.make("export", key, write, inputs={"snapshot": snapshot_id})
    return Exported(folder=str(host.store.path("export", key)), files=sorted(manifest.files))


TOOL = Tool(
    "export_graph",
    "Write concepts, relations and chains as JSON lines into the session folder and say where.",
    NoArguments,
    Exported,
    export_graph,
)
