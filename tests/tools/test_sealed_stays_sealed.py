"""No tool shows a sealed item: every tool's result and every job's handle of a finished session, searched for sealed text.

Nor does a resource, a prompt or a completion; and each answers a sealed item's ID exactly as one that there is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import PromptReference, ResourceTemplateReference
from pydantic import BaseModel

from mcp_server.hosting import write_report
from mcp_server.resources import VIEWS
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.layout import choice_prompt
from proda_core.records import load_benchmark, load_examples
from proda_core.types import Benchmark, Item, Split
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
    made = [key for r in records_of(folder, "outcome") for key in r.body["artifacts"].values()]
    items = [key for key in ids_of(folder, snapshot.name) if key.startswith("i_")]
    asked = [*made, "V1", "V2", "decision-0", "decision-1"]
    calls += [("explain_result", {"id": key, "first": first}) for key in asked for first in (0, 40, 80, 120)]
    calls += [("explain_result", {"id": of + key}) for key in items for of in ("", "V1:")]
    calls += [("replay_session", {"set": changed}) for changed in ([], ["verdict.alpha=0.01"])]
    calls += [
        ("show_failures", {"round": number, "first": first}) for number in (1, 2) for first in (0, 12, 24)
    ]
    calls += [("map_failure", {"item_id": key}) for key in ids_of(folder, snapshot.name) if key[0] == "i"]
    calls += [("show_repairs", {"first": first}) for first in (0, 4, 8)]
    calls += [("find_path", {"start": a, "end": b}) for a in concepts[:8] for b in concepts[:8]]
    calls += [("show_item", {"id": key}) for key in ids_of(folder, snapshot.name) if key.startswith("i_")]
    calls += [("show_mastery", {"term": key}) for key in concepts[:12]]
    paged = ("report_session", "show_mastery", "show_rounds", "show_decisions", "show_jobs")
    calls += [(tool, {"first": first}) for tool in paged for first in (0, 1, 60)]
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
    seen["report.html"] = write_report(folder).read_text(encoding="utf-8")
    seen["decisions.jsonl"] = folder.decisions.read_text(encoding="utf-8")
    benchmark = load_benchmark(
        folder.store, outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    )
    sealed = benchmark.of(Split.SEALED)
    assert len(sealed) >= 4
    nothing_shows(benchmark, seen)


def nothing_shows(benchmark: Benchmark, seen: dict[str, str]) -> None:
    """None of the texts seen gives a sealed item away."""
    stems = {item.stem for item in benchmark.of(Split.DEV)}
    for item in benchmark.of(Split.SEALED):
        for text in texts_of(item):
            escaped = json.dumps(text, ensure_ascii=False)[1:-1]
            shown = [name for name, body in seen.items() if text in body or escaped in body]
            assert not shown or text in stems, (item.item_id, shown[:3])


async def said(asked: Awaitable[BaseModel]) -> str:
    """What a client is answered, or refused with."""
    try:
        answer = await asked
    except MCPError as error:
        return f"refused: {error.code} {error.message} {error.data}"
    return json.dumps(answer.model_dump(mode="json", by_alias=True), ensure_ascii=False)


async def without_a_key(client: Client) -> dict[str, str]:
    """Every resource and prompt that is asked for as it stands."""
    prompts = [one.name for one in (await client.list_prompts()).prompts if not one.arguments]
    asked: dict[str, Awaitable[BaseModel]] = {name: client.get_prompt(name, {}) for name in prompts}
    for resource in (await client.list_resources()).resources:
        asked[resource.uri] = client.read_resource(resource.uri)
    return {name: await said(one) for name, one in asked.items()}


async def with_a_key(client: Client, key: str) -> dict[str, str]:
    """Every template, prompt and completion asked with ``key``, and with the beginning of it where that is enough."""
    asked: dict[str, Awaitable[BaseModel]] = {}
    for form in (await client.list_resource_templates()).resource_templates:
        uri = re.sub(r"{[?a-z]+}", key, form.uri_template.removesuffix("{?first}"))
        asked[f"{form.name} KEY"] = client.read_resource(uri)
        ref = ResourceTemplateReference(uri=form.uri_template)
        for name in re.findall(r"{([a-z]+)}", form.uri_template):
            asked[f"{form.name} {name}=KEY"] = client.complete(ref, {"name": name, "value": key})
            asked[f"{form.name} {name}=K"] = client.complete(ref, {"name": name, "value": key[:6]})
    for prompt in (await client.list_prompts()).prompts:
        for argument in prompt.arguments or []:
            name, named = argument.name, PromptReference(name=prompt.name)
            asked[f"{prompt.name} KEY"] = client.get_prompt(prompt.name, {name: key})
            asked[f"{prompt.name} {name}=KEY"] = client.complete(named, {"name": name, "value": key})
    return {name: (await said(one)).replace(key, "KEY") for name, one in asked.items()}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_no_resource_prompt_or_completion_tells_a_sealed_item_from_one_that_is_not_there(
    finished_session: FinishedSession, tmp_path: Path, mode: str
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    made = outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    benchmark = load_benchmark(folder.store, made)
    sealed = [item.item_id for item in benchmark.of(Split.SEALED)]
    dev, nobodys = benchmark.of(Split.DEV)[0].item_id, "i_" + "0" * 16
    assert not any(item.item_id.startswith(nobodys[:6]) for item in benchmark.items)

    async def ask(client: Client) -> list[dict[str, str]]:
        given = [await with_a_key(client, key) for key in (dev, nobodys, *sealed)]
        return [await without_a_key(client), *given]

    standing, of_dev, unknown, *of_sealed = with_client(folder, ask, mode=mode)
    assert len(standing) == len(VIEWS) + 3 and len(unknown) == 30
    assert benchmark.of(Split.DEV)[0].stem in of_dev["item KEY"] and "KEY" in of_dev["item item=K"]
    nothing_shows(benchmark, standing)
    known = [item.item_id for item in benchmark.of(Split.DEV)]
    for key, found in zip(sealed, of_sealed, strict=True):
        completed = json.loads(found.pop("item item=K"))["completion"]["values"]
        assert completed == sorted(one for one in known if one.startswith(key[:6]))
        assert found == {name: unknown[name] for name in found}
        nothing_shows(benchmark, found)


def test_sealed_scores_on_disk_keep_neither_answer_nor_output(finished_session: FinishedSession) -> None:
    folder = finished_session.folder
    for report in sorted(folder.artifacts.glob("report/*/report.json")):
        scores = json.loads(report.read_text(encoding="utf-8"))["sealed"]
        assert scores and all(score["answer"] is None and score["output"] == "" for score in scores)
