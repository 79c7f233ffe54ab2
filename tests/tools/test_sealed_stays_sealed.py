"""No tool shows a sealed item: every tool's result and every job's handle of a finished session, searched for sealed text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcp import Client

from mcp_server.hosting import write_report
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.layout import choice_prompt
from proda_core.records import load_benchmark, load_examples
from proda_core.types import Item, Split
from tests.sessions import FinishedSession, copied, outcomes_of, records_of, with_client
from tools.registry import TOOLS


def texts_of(item: Item) -> list[str]:
    """What would give a sealed item away. Its options are concepts' terms, which the graph shows on their own."""
    together = ["\n".join(item.options), ", ".join(item.options), json.dumps(list(item.options))[1:-1]]
    return [item.item_id, item.stem, choice_prompt(item.stem, item.options), *together]


def ids_of(folder: Any, snapshot_id: str) -> list[str]:
    """Every concept, relation, chain, item and training row of the session."""
    snapshot = load_snapshot(folder.store, snapshot_id)
    made = [outcomes_of(folder, tool)[0]["artifacts"] for tool in ("build_benchmark", "synthesise_examples")]
    items = [item.item_id for item in load_benchmark(folder.store, made[0]["benchmark"]).items]
    rows = [row.example_id for row in load_examples(folder.store, made[1]["examples"])]
    return [*snapshot.concepts, *snapshot.relations, *snapshot.chains, *items, *rows]


async def everything(client: Client, folder: Any) -> dict[str, str]:
    """Every call of the session once more, every job's handle, every tool that looks, each as the client gets it."""
    calls: list[tuple[str, dict[str, Any]]] = [(t.name, {}) for t in TOOLS if not t.arguments.model_fields]
    for record in records_of(folder, "intent"):
        arguments = {k: v for k, v in record.body["arguments"].items() if k not in ("after", "round")}
        calls.append((record.body["tool"], arguments))
        if "job_id" in record.body:
            calls += [(tool, {"job_id": record.body["job_id"]}) for tool in ("wait_for_job", "cancel_job")]
    snapshot = folder.store.path(
        "snapshot", outcomes_of(folder, "extract_knowledge")[0]["artifacts"]["snapshot"]
    )
    concepts = sorted(load_snapshot(folder.store, snapshot.name).concepts)
    calls += [("show_concept", {"term": key}) for key in concepts]
    calls += [("trace_source", {"id": key}) for key in ids_of(folder, snapshot.name)]
    calls += [
        ("show_failures", {"round": number, "first": first}) for number in (1, 2) for first in (0, 12, 24)
    ]
    calls += [("find_path", {"start": a, "end": b}) for a in concepts[:8] for b in concepts[:8]]
    seen: dict[str, str] = {}
    for tool, arguments in calls:
        result = await client.call_tool(tool, arguments)
        seen[f"{tool} {json.dumps(arguments)}"] = json.dumps(
            result.model_dump(mode="json", by_alias=True), ensure_ascii=False
        )
    return seen


def test_no_result_of_any_tool_and_no_page_contains_a_sealed_item(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    seen = with_client(folder, lambda client: everything(client, folder))
    assert {name.split(" ")[0] for name in seen} | {"record_decision", "finish_session", "steer_session"} == {
        t.name for t in TOOLS
    }
    view = json.loads(seen["report_session {}"])["structuredContent"]
    seen["report.html"] = write_report(folder, view).read_text(encoding="utf-8")
    seen["decisions.jsonl"] = folder.decisions.read_text(encoding="utf-8")
    benchmark = load_benchmark(
        folder.store, outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    )
    sealed = benchmark.of(Split.SEALED)
    assert len(sealed) >= 4
    stems = {item.stem for item in benchmark.of(Split.DEV)}
    for item in sealed:
        for text in texts_of(item):
            escaped = json.dumps(text, ensure_ascii=False)[1:-1]
            shown = [name for name, body in seen.items() if text in body or escaped in body]
            assert not shown or text in stems, (item.item_id, shown[:3])


def test_sealed_scores_on_disk_keep_neither_answer_nor_output(finished_session: FinishedSession) -> None:
    folder = finished_session.folder
    for report in sorted(folder.artifacts.glob("report/*/report.json")):
        scores = json.loads(report.read_text(encoding="utf-8"))["sealed"]
        assert scores and all(score["answer"] is None and score["output"] == "" for score in scores)
