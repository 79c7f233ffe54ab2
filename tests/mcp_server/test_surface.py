"""Resources, prompts and completion of a session, for clients of both protocol eras, in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, PromptReference, ResourceTemplateReference

from mcp_server.hosting import own_session, read_session
from mcp_server.prompts import PROMPTS
from mcp_server.resources import ENTRIES, STATUS, VIEWS, session_uri, target_of
from mcp_server.server import DIGEST_KEY
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.records import load_benchmark
from proda_core.session import SessionFolder
from proda_core.types import Benchmark, KnowledgeSnapshot, Split
from tests.sessions import Bench, FinishedSession, copied, outcomes_of, records_of, tree
from tools.base import Tool
from tools.registry import TOOLS, tools_digest

pytestmark = pytest.mark.filterwarnings("error::mcp.MCPDeprecationWarning")
MODES = ("auto", "legacy")
NOBODYS = "0" * 16


@pytest.fixture(scope="module")
def folder(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A copy of the finished session."""
    return copied(finished_session.folder, tmp_path_factory.mktemp("surface"))


@pytest.fixture(scope="module")
def snapshot(folder: SessionFolder) -> KnowledgeSnapshot:
    made = outcomes_of(folder, "extract_knowledge")[0]["artifacts"]["snapshot"]
    return load_snapshot(folder.store, made)


@pytest.fixture(scope="module")
def benchmark(folder: SessionFolder) -> Benchmark:
    made = outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    return load_benchmark(folder.store, made)


def reading(folder: SessionFolder, act: Callable[[Client], Awaitable[Any]], mode: str = "auto") -> Any:
    """Run ``act`` on a client of a reader."""

    async def run() -> Any:
        async with read_session(folder) as server, Client(server, mode=mode) as client:
            return await act(client)

    return asyncio.run(run())


async def text_of(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert content.uri == uri and content.mime_type == "application/json"
    return str(content.text)


async def refusal_of(asked: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(MCPError) as refused:
        await asked
    return refused.value.code, refused.value.message


def some_of_each(benchmark: Benchmark) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """A URI of each kind with the tool and the arguments that it is another way to ask for."""
    item = benchmark.of(Split.DEV)[0]
    concept = item.l1_ids[0]
    return {
        f"proda://round/{1}": ("round", "show_rounds", {"round": 1}),
        f"proda://decision/{2}": ("decision", "show_decisions", {"decision": 2}),
        f"proda://item/{item.item_id}": ("item", "show_item", {"id": item.item_id}),
        f"proda://concept/{concept}": ("concept", "show_concept", {"term": concept}),
        f"proda://mastery/{concept}": ("mastery", "show_mastery", {"term": concept}),
        f"proda://chain/{item.chain_id}": ("chain", "trace_source", {"id": item.chain_id}),
    }


@pytest.mark.parametrize("mode", MODES)
def test_every_resource_is_what_its_tool_answers(
    folder: SessionFolder, benchmark: Benchmark, mode: str
) -> None:
    before = tree(folder.root)
    some = some_of_each(benchmark)
    assert {kind for kind, _, _ in some.values()} == ENTRIES.keys()

    async def act(client: Client) -> None:
        listed = {resource.uri: resource for resource in (await client.list_resources()).resources}
        views = {session_uri(folder.name, name): view for name, view in {"": STATUS, **VIEWS}.items()}
        assert listed.keys() == views.keys()
        asked = {uri: (view.tool.name, {}) for uri, view in views.items()}
        asked |= {uri: (tool, arguments) for uri, (_, tool, arguments) in some.items()}
        asked[session_uri(folder.name, "failures") + "?first=3"] = ("show_failures", {"first": 3})
        for uri, (tool, arguments) in asked.items():
            called = await client.call_tool(tool, arguments)
            assert not called.is_error, (tool, called.content)
            assert await text_of(client, uri) == called.content[0].text
            if uri in listed:
                assert f"The same as the tool {tool}." in (listed[uri].description or "")

    reading(folder, act, mode)
    assert tree(folder.root) == before


def test_every_resource_stands_on_a_tool_that_only_reads() -> None:
    behind = [view.tool for view in VIEWS.values()] + [one.tool for one in ENTRIES.values()] + [STATUS.tool]
    assert {tool.scope for tool in behind} == {"read"}
    assert {tool.name for tool in behind} <= {tool.name for tool in TOOLS}


@pytest.mark.parametrize("mode", MODES)
def test_the_templates_are_those_of_session_round_decision_item_concept_and_chain(
    folder: SessionFolder, mode: str
) -> None:
    found = reading(folder, lambda client: client.list_resource_templates(), mode).resource_templates
    assert [template.uri_template for template in found] == [
        "proda://session/{session}",
        "proda://session/{session}/{view}{?first}",
        "proda://round/{round}",
        "proda://decision/{decision}",
        "proda://item/{item}",
        "proda://concept/{concept}",
        "proda://mastery/{concept}",
        "proda://chain/{chain}",
    ]
    assert all(template.title and template.description for template in found)


BAD = (
    "",
    "proda://",
    "file:///etc/passwd",
    "proda://session/",
    "proda://session/another-0123456789ab",
    "proda://session/../etc/passwd",
    "proda://session/%2e%2e%2fetc",
    "proda://session/{name}/secrets",
    "proda://session/{name}/rounds?first=-1",
    "proda://session/{name}/rounds?first=01",
    "proda://session/{name}/rounds?first=1&force=1",
    "proda://session/{name}/rounds?",
    "proda://session/{name}/rounds/",
    "proda://session/{name}/budget?first=1",
    "PRODA://session/{name}",
    "proda://round/-1",
    "proda://round/01",
    "proda://round/1e1",
    "proda://round/99999999999999999999",
    "proda://decision/0",
    "proda://item/../../benchmark/items.jsonl",
    f"proda://item/c_{NOBODYS}",
    f"proda://item/i_{NOBODYS}\n",
    f"proda://item/I_{NOBODYS}",
    f"proda://item/i%5F{NOBODYS}",
    f"proda://item/i_{NOBODYS}?x=1",
    f"proda://item/i_{NOBODYS}#x",
    "proda://concept/photosynthesis",
    f"proda://chain/c_{NOBODYS}",
    "proda://round/" + "1" * 1000,
)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_no_resource_is_a_protocol_error_that_repeats_nothing(
    folder: SessionFolder, mode: str
) -> None:
    async def act(client: Client) -> set[tuple[int, str]]:
        uris = [uri.replace("{name}", folder.name) for uri in BAD]
        assert [uri for uri in uris if target_of(uri, folder.name) is not None] == []
        return {await refusal_of(client.read_resource(uri)) for uri in uris}

    ((code, message),) = reading(folder, act, mode)
    assert code == INVALID_PARAMS
    assert message.startswith("no such resource") and "passwd" not in message


@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_there_is_said_in_the_tools_words(folder: SessionFolder, mode: str) -> None:
    async def act(client: Client) -> dict[str, tuple[int, str]]:
        uris = ("round/77", "decision/77", f"item/i_{NOBODYS}", f"concept/c_{NOBODYS}", f"chain/g_{NOBODYS}")
        return {uri: await refusal_of(client.read_resource(f"proda://{uri}")) for uri in uris}

    said = reading(folder, act, mode)
    assert {code for code, _ in said.values()} == {INVALID_PARAMS}
    assert "scored are: 0, 1, 2" in said["round/77"][1]
    assert "there are 2" in said["decision/77"][1]
    assert "no dev item of this session" in said[f"item/i_{NOBODYS}"][1]


@pytest.mark.parametrize("mode", MODES)
def test_a_session_without_anything_answers_each_prompt_and_resource_or_says_what_is_missing(
    bench: Bench, tmp_path: Path, mode: str
) -> None:
    fresh = bench.session(tmp_path)

    async def act(client: Client) -> list[str]:
        said = []
        for resource in (await client.list_resources()).resources:
            try:
                await client.read_resource(resource.uri)
            except MCPError as error:
                said.append(error.message)
        assert (await client.get_prompt("audit_session", {})).messages
        for name in PROMPTS.keys() - {"audit_session"}:
            arguments = {PROMPTS[name].argument: "1"} if PROMPTS[name].argument else {}
            said.append((await refusal_of(client.get_prompt(name, arguments)))[1])
        for name in ("term", "round"):
            ref = PromptReference(name="what_is_unknown" if name == "term" else "why_round")
            assert (await client.complete(ref, {"name": name, "value": ""})).completion.values == []
        return said

    async def run() -> list[str]:
        async with own_session(fresh) as server, Client(server, mode=mode) as client:
            return await act(client)

    for message in asyncio.run(run()):
        assert any(said in message for said in ("call ", "run the extraction first", "scored are: none yet"))


@pytest.mark.parametrize("mode", MODES)
def test_prompts_ask_in_our_words_and_attach_what_answers_as_resources(
    folder: SessionFolder, benchmark: Benchmark, snapshot: KnowledgeSnapshot, mode: str
) -> None:
    concept = benchmark.of(Split.DEV)[0].l1_ids[0]
    status = session_uri(folder.name)
    asked = {
        "why_round": ({"round": "2"}, ["proda://round/2", "proda://decision/1"]),
        "what_is_unknown": (
            {"term": snapshot.term(concept).upper()},
            [f"proda://concept/{concept}", f"proda://mastery/{concept}"],
        ),
        "plan_patch": ({}, [status, *(f"{status}/{view}" for view in ("rounds", "failures", "budget"))]),
        "audit_session": ({}, [status, *(f"{status}/{view}" for view in ("log", "decisions", "budget"))]),
    }

    async def act(client: Client) -> None:
        listed = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert listed.keys() == PROMPTS.keys() == asked.keys()
        for name, (arguments, uris) in asked.items():
            assert [argument.name for argument in listed[name].arguments or []] == list(arguments)
            said = await client.get_prompt(name, arguments)
            text, *attached = [message.content for message in said.messages]
            assert text.text == PROMPTS[name].text.format(round="2", concept=concept)
            assert [one.resource.uri for one in attached] == uris
            for one in attached:
                read = json.loads(one.resource.text)
                told = json.loads(await text_of(client, one.resource.uri))
                for moving in ("resources", "budget", "wall_s_by_tool"):  # the time goes on
                    read.pop(moving, None), told.pop(moving, None)
                assert read == told

    reading(folder, act, mode)


def test_no_word_of_the_corpus_the_model_or_the_caller_stands_in_a_prompts_question(
    folder: SessionFolder, snapshot: KnowledgeSnapshot
) -> None:
    concept = next(iter(snapshot.concepts.values()))

    async def act(client: Client) -> str:
        said = await client.get_prompt("what_is_unknown", {"term": concept.term})
        return str(said.messages[0].content.text)

    text = reading(folder, act)
    assert concept.term.casefold() not in text.casefold() and concept.concept_id in text


@pytest.mark.parametrize("mode", MODES)
def test_a_prompt_with_other_arguments_or_of_no_name_is_refused_by_the_names_there_are(
    folder: SessionFolder, mode: str
) -> None:
    async def act(client: Client) -> list[tuple[int, str]]:
        bad: list[tuple[str, dict[str, str]]] = [
            ("drop_guard", {}),
            ("why_round", {}),
            ("why_round", {"round": "1", "force": "yes"}),
            ("plan_patch", {"round": "1"}),
            ("why_round", {"round": "../1"}),
            ("why_round", {"round": "77"}),
            ("what_is_unknown", {"term": ""}),
            ("what_is_unknown", {"term": "x" * 201}),
            ("what_is_unknown", {"term": "no such thing at all"}),
        ]
        return [await refusal_of(client.get_prompt(name, arguments)) for name, arguments in bad]

    said = reading(folder, act, mode)
    assert {code for code, _ in said} == {INVALID_PARAMS}
    words = ("unknown prompt; there are why_round", "arguments: round", "arguments: round", "arguments: none")
    for (_, message), part in zip(said, words, strict=False):
        assert part in message
    assert "a number is needed" in said[4][1] and "scored are: 0, 1, 2" in said[5][1]
    assert "200 characters" in said[6][1] and "200 characters" in said[7][1] and "no concept" in said[8][1]


@pytest.mark.parametrize("mode", MODES)
def test_arguments_are_completed_with_what_the_session_has(
    folder: SessionFolder, benchmark: Benchmark, snapshot: KnowledgeSnapshot, mode: str
) -> None:
    dev = sorted(item.item_id for item in benchmark.of(Split.DEV))
    term = max((one.term for one in snapshot.concepts.values()), key=len)
    of_term = next(key for key, one in snapshot.concepts.items() if one.term == term)
    view = ResourceTemplateReference(uri="proda://session/{session}/{view}{?first}")

    async def act(client: Client) -> None:
        async def values(ref: Any, name: str, typed: str) -> list[str]:
            found = (await client.complete(ref, {"name": name, "value": typed})).completion
            assert found.total == len(found.values) or (found.has_more and len(found.values) == 100)
            return list(found.values)

        def template(name: str) -> ResourceTemplateReference:
            return ResourceTemplateReference(uri=f"proda://{name}/{{{name}}}")

        assert await values(PromptReference(name="why_round"), "round", "") == ["0", "1", "2"]
        assert await values(template("round"), "round", "2") == ["2"]
        assert await values(template("decision"), "decision", "") == ["1", "2"]
        assert await values(template("item"), "item", "") == dev
        assert await values(template("item"), "item", dev[0][:9]) == [
            key for key in dev if key.startswith(dev[0][:9])
        ]
        assert await values(template("chain"), "chain", "g_") == sorted(snapshot.chains)[:100]
        assert await values(template("concept"), "concept", of_term) == [of_term]
        assert await values(template("concept"), "concept", term.upper()) == [of_term]
        assert await values(PromptReference(name="what_is_unknown"), "term", term[:-1]) == [term]
        assert await values(template("session"), "session", folder.name[:3]) == [folder.name]
        assert await values(view, "view", "de") == ["decisions"]
        assert await values(view, "first", "") == []
        assert await values(template("item"), "item", "x" * 5000) == []

    reading(folder, act, mode)


@pytest.mark.parametrize("mode", MODES)
def test_completion_of_what_there_is_not_is_a_protocol_error(folder: SessionFolder, mode: str) -> None:
    async def act(client: Client) -> set[tuple[int, str]]:
        refs: list[tuple[Any, str]] = [
            (PromptReference(name="why_round"), "term"),
            (PromptReference(name="plan_patch"), ""),
            (PromptReference(name="drop_guard"), "round"),
            (ResourceTemplateReference(uri="proda://round/{round}"), "item"),
            (ResourceTemplateReference(uri="file:///{path}"), "path"),
        ]
        return {await refusal_of(client.complete(ref, {"name": name, "value": ""})) for ref, name in refs}

    ((code, message),) = reading(folder, act, mode)
    assert code == INVALID_PARAMS and message.startswith("no such prompt or resource template")


def changed(tool: Tool, **fields: Any) -> Tool:
    names = ("name", "description", "arguments", "result", "run", "scope")
    return Tool(**{**{name: getattr(tool, name) for name in names}, **fields})


def test_any_change_of_a_tools_schema_changes_the_digest_and_nothing_else_does() -> None:
    first, *rest = TOOLS
    other = TOOLS[2]
    assert first.result is not other.result and first.arguments is not other.arguments
    assert tools_digest() == tools_digest(list(TOOLS)) == tools_digest([changed(first, run=other.run), *rest])
    digests = {
        tools_digest([changed(first, **fields), *rest])
        for fields in (
            {},
            {"name": "get_state"},
            {"description": "Does something else."},
            {"arguments": other.arguments},
            {"result": other.result},
            {"scope": "work"},
        )
    }
    assert len(digests | {tools_digest(rest), tools_digest([*rest, first])}) == 8


@pytest.mark.parametrize("mode", MODES)
def test_the_digest_of_the_tools_is_published_and_logged_and_a_changed_schema_is_logged_anew(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    fresh = bench.session(tmp_path)

    async def published() -> set[str]:
        async with own_session(fresh) as server, Client(server, mode=mode) as client:
            status = await client.call_tool("get_status", {})
            listed = await client.list_tools()
            assert status.structured_content and listed.meta
            return {status.structured_content["tools_digest"], listed.meta[DIGEST_KEY]}

    def logged() -> list[str]:
        return [r.body["tools_digest"] for r in records_of(fresh, "session") if r.body["event"] == "opened"]

    first = tools_digest()
    assert asyncio.run(published()) == {first} == set(logged())
    assert asyncio.run(published()) == {first} and len(logged()) == 1
    monkeypatch.setattr("mcp_server.hosting.tools_digest", lambda: tools_digest(TOOLS[1:]))
    assert asyncio.run(published()) == {tools_digest(TOOLS[1:])}
    assert logged() == [first, tools_digest(TOOLS[1:])]
