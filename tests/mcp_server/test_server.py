"""The registry as an MCP server, in memory, for clients of both protocol eras: schemas, strictness, typed errors, logging."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPDeprecationWarning, MCPError

from mcp_server.hosting import own_session, read_session
from proda_core import errors
from proda_core.knowledge.snapshot import load_snapshot
from proda_core.session import SessionFolder
from tests.sessions import Bench, FinishedSession, copied, done, records_of, tree, with_client
from tools.base import Tool
from tools.registry import TOOLS

pytestmark = pytest.mark.filterwarnings("error::mcp.MCPDeprecationWarning")
MODES = ("auto", "legacy")
BY_NAME = {tool.name: tool for tool in TOOLS}
ABOUT_THE_GRAPH = ("graph_stats", "show_concept", "find_path")
SHOWN_ONCE_MADE = {
    **dict.fromkeys(
        (*ABOUT_THE_GRAPH, "trace_source", "explain_result", "show_mastery"), "call extract_knowledge first"
    ),
    **dict.fromkeys(
        ("show_failures", "show_rounds", "map_failure", "show_repairs"), "no such round was scored"
    ),
    "show_decisions": "no such decision was made",
    "replay_session": "nothing was decided",
    "show_item": "call build_benchmark first",
}
"""Tools that read what a fresh session does not have, and what they say of it."""
NO_JOB = "j_" + "0" * 16
VALID: dict[str, dict[str, Any]] = {
    "report_session": {"first": 0},
    "show_rounds": {"round": 1, "first": 0},
    "show_decisions": {"decision": 1, "first": 0},
    "show_jobs": {"first": 0},
    "show_item": {"id": "i_" + "0" * 16},
    "show_mastery": {"term": "x", "round": 1, "first": 0},
    "map_failure": {"item_id": "i_" + "0" * 16, "round": 1},
    "show_repairs": {"round": 1, "first": 0},
    "show_failures": {"round": 1, "diagnosed": "concept_gap", "first": 0},
    "trace_source": {"id": "c_" + "0" * 16},
    "explain_result": {"id": "V1:i_" + "0" * 16, "first": 0},
    "replay_session": {"set": ["policy.min_patchable=3"], "first": 0},
    "show_concept": {"term": "x"},
    "find_path": {"start": "x", "end": "y"},
    "compose_mixture": {"kind": "v1"},
    "train_adapter": {"mixture_id": "m_" + "0" * 16},
    "evaluate_model": {"model": "base"},
    "diagnose_failures": {"report_id": "q_" + "0" * 16},
    "write_patch": {"diagnosis_id": "y_" + "0" * 16},
    "judge_candidate": {"report_id": "q_" + "0" * 16},
    "steer_session": {"action": "note", "by": "ann", "why": "a look"},
    "record_decision": {
        "key": "decision-0",
        "decision": {
            "kind": "replay",
            "reason": "because",
            "options": [{"kind": "replay", "taken": True, "reason": "because"}],
            "stop_reason": None,
            "chosen_by": "operator",
        },
    },
    "finish_session": {"reason": "request", "detail": ""},
    "wait_for_job": {"job_id": NO_JOB},
    "cancel_job": {"job_id": NO_JOB},
}
"""Arguments of the right form for every tool that takes any."""


@pytest.fixture
def fresh(bench: Bench, tmp_path: Path) -> SessionFolder:
    """A session in which nothing was done yet."""
    return bench.session(tmp_path)


def call(folder: SessionFolder, tool: str, arguments: dict[str, Any], *, mode: str = "auto") -> Any:
    return with_client(folder, lambda client: client.call_tool(tool, arguments), mode=mode)


def error_of(result: Any) -> dict[str, Any]:
    assert result.is_error, result.structured_content
    error: dict[str, Any] = result.structured_content["error"]
    assert error["message"] in result.content[0].text
    return error


@pytest.mark.parametrize("mode", MODES)
def test_a_server_promises_no_notice_that_it_does_not_give(fresh: SessionFolder, mode: str) -> None:
    async def act(client: Client) -> None:
        told = client.server_capabilities
        assert told.tools and told.prompts and told.resources and told.resources.subscribe
        assert [one.list_changed for one in (told.tools, told.prompts, told.resources)] == [False] * 3
        assert (told.logging is None) is (mode == "auto")

    with_client(fresh, act, mode=mode)


def test_a_client_of_the_older_era_may_set_a_level_of_messages_that_never_come(fresh: SessionFolder) -> None:
    async def act(client: Client) -> None:
        with pytest.warns(MCPDeprecationWarning):
            await client.set_logging_level("debug")

    with_client(fresh, act, mode="legacy")


@pytest.mark.parametrize("mode", MODES)
def test_every_registered_tool_is_listed_with_both_schemas_and_a_description(
    fresh: SessionFolder, mode: str
) -> None:
    listed = with_client(fresh, lambda client: client.list_tools(), mode=mode).tools
    assert [tool.name for tool in listed] == [tool.name for tool in TOOLS]
    for tool in listed:
        assert tool.description and tool.input_schema["additionalProperties"] is False
        assert tool.input_schema == BY_NAME[tool.name].arguments.model_json_schema()
        kinds = [kind["$ref"].rpartition("/")[2] for kind in tool.output_schema["anyOf"]]
        assert kinds == [BY_NAME[tool.name].result.__name__, "Failure"]


def test_annotations_say_which_tools_only_read(fresh: SessionFolder) -> None:
    listed = with_client(fresh, lambda client: client.list_tools()).tools
    for tool in listed:
        assert tool.annotations.read_only_hint is (BY_NAME[tool.name].scope == "read")
        assert tool.annotations.open_world_hint is False
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.idempotent_hint is (tool.name != "steer_session")
    assert {t.name for t in TOOLS if t.scope == "read"} == {
        "get_status",
        "report_session",
        "verify_log",
        "show_jobs",
        "show_budget",
        *SHOWN_ONCE_MADE,
    }
    assert [t.name for t in TOOLS if t.scope == "steer"] == ["steer_session"]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_an_unknown_argument_is_refused_and_named(tool: Tool) -> None:
    from mcp_server.server import parse_arguments

    with pytest.raises(errors.ToolError, match=r"surprise.*not permitted"):
        parse_arguments(tool, {**VALID.get(tool.name, {}), "surprise": 1})


def test_tools_with_arguments_take_them_in_their_right_form() -> None:
    from mcp_server.server import parse_arguments

    assert {tool.name for tool in TOOLS if tool.arguments.model_fields} == set(VALID)
    for name, arguments in VALID.items():
        parse_arguments(BY_NAME[name], arguments)


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("wait_for_job", {"job_id": NO_JOB, "timeout_s": "2"}, "timeout_s"),
        ("wait_for_job", {"job_id": NO_JOB, "timeout_s": True}, "timeout_s"),
        ("wait_for_job", {"job_id": NO_JOB, "timeout_s": 26}, "timeout_s"),
        ("wait_for_job", {"job_id": 7}, "job_id"),
        ("compose_mixture", {"kind": 1}, "kind"),
        ("compose_mixture", {"kind": "V1"}, "kind"),
        ("compose_mixture", {"kind": "v1", "patch_id": None}, "patch_id"),
        ("show_concept", {"term": ["x"]}, "term"),
        ("trace_source", {"id": "../../etc/passwd"}, "id"),
        ("show_failures", {"round": -1}, "round"),
        ("show_failures", {"first": "0"}, "first"),
        ("show_rounds", {"round": "1"}, "round"),
        ("show_decisions", {"decision": 0}, "decision"),
        ("show_jobs", {"first": -1}, "first"),
        ("show_item", {"id": "../items.jsonl"}, "id"),
        ("show_mastery", {"term": ""}, "term"),
        ("map_failure", {"item_id": "i_sealed"}, "item_id"),
        ("show_repairs", {"round": "2"}, "round"),
        ("show_concept", {"term": ""}, "term"),
        ("record_decision", {"key": "decision-0", "decision": "stop"}, "decision"),
        ("finish_session", {"reason": "bored", "detail": ""}, "reason"),
        ("finish_session", {"reason": "request"}, "detail"),
        ("steer_session", {"action": "explode", "by": "a", "why": "b"}, "action"),
        ("steer_session", {"action": "note", "by": "a"}, "why"),
        ("steer_session", {"action": "note", "by": "a", "why": "x" * 501}, "why"),
        ("steer_session", {"action": "budget", "by": "a", "why": "b", "rounds": 1.5}, "rounds"),
        ("steer_session", {"action": "budget", "by": "a", "why": "b", "rounds": 0}, "rounds"),
        ("steer_session", {"action": "budget", "by": "a", "why": "b", "rounds": 10**400}, "rounds"),
        ("steer_session", {"action": "budget", "by": "a", "why": "b", "wall_s": "9"}, "wall_s"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_value_of_another_type_is_refused_by_field_and_never_coerced(
    fresh: SessionFolder, tool: str, arguments: dict[str, Any], field: str, mode: str
) -> None:
    error = error_of(call(fresh, tool, arguments, mode=mode))
    assert error["type"] == "ToolError"
    assert error["message"].startswith(f"{tool}: {field}: ")


@pytest.mark.parametrize("mode", MODES)
def test_a_refusal_does_not_echo_the_value(fresh: SessionFolder, mode: str) -> None:
    secret = "sk-not-to-be-repeated"
    result = call(fresh, "wait_for_job", {"job_id": secret, "timeout_s": 1.0}, mode=mode)
    assert error_of(result)["message"]
    assert secret not in result.model_dump_json()


_ATTEMPTS = (
    "../../etc/passwd",
    "j_" + "0" * 15 + "/",
    "j_" + "0" * 16 + "\n",
    "J_" + "0" * 16,
    "j_" + "g" * 16,
    "",
)


@pytest.mark.parametrize("attempt", _ATTEMPTS)
@pytest.mark.parametrize(
    ("tool", "field"),
    [
        ("wait_for_job", "job_id"),
        ("cancel_job", "job_id"),
        ("train_adapter", "mixture_id"),
        ("evaluate_model", "model"),
        ("diagnose_failures", "report_id"),
        ("write_patch", "diagnosis_id"),
        ("judge_candidate", "report_id"),
        ("compose_mixture", "patch_id"),
    ],
)
def test_ids_have_one_pattern_and_no_path_fits_it(attempt: str, tool: str, field: str) -> None:
    from mcp_server.server import parse_arguments

    if tool == "compose_mixture" and not attempt:
        return  # no patch
    with pytest.raises(errors.ToolError, match=field):
        parse_arguments(BY_NAME[tool], {**VALID[tool], field: attempt})


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_tool_is_a_protocol_error(fresh: SessionFolder, mode: str) -> None:
    async def act(client: Client) -> None:
        with pytest.raises(MCPError, match="unknown tool"):
            await client.call_tool("drop_guard", {})

    with_client(fresh, act, mode=mode)


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("extract_knowledge", "call curate_corpus first"),
        ("build_benchmark", "call extract_knowledge first"),
        ("synthesise_examples", "call extract_knowledge first"),
        ("evaluate_model", "call build_benchmark first"),
        ("train_adapter", "not an artifact of this session"),
        ("compose_mixture", "call build_benchmark first"),
        ("wait_for_job", "no job j_"),
        ("observe_session", "train and evaluate V1 first"),
        ("record_decision", "call observe_session first"),
    ],
)
def test_a_call_out_of_turn_says_what_to_call_first_and_is_logged_as_a_refusal(
    fresh: SessionFolder, tool: str, message: str
) -> None:
    error = error_of(call(fresh, tool, VALID.get(tool, {})))
    assert message in error["message"]
    logged = records_of(fresh, "refusal")[-1].body
    assert (logged["tool"], logged["error"], logged["message"]) == (tool, error["type"], error["message"])


def test_a_malformed_call_is_logged_as_a_refusal_too(fresh: SessionFolder) -> None:
    error = error_of(call(fresh, "compose_mixture", {"kind": "v1", "force": True}))
    assert "force" in error["message"]
    assert records_of(fresh, "refusal")[-1].body["message"] == error["message"]


def reading(folder: SessionFolder, act: Callable[[Client], Awaitable[Any]], mode: str) -> Any:
    async def run() -> Any:
        async with read_session(folder) as server, Client(server, mode=mode) as client:
            return await act(client)

    return asyncio.run(run())


@pytest.mark.parametrize("mode", MODES)
def test_a_reader_gets_the_tools_that_read_and_steer_and_changes_nothing_but_the_inbox(
    fresh: SessionFolder, mode: str
) -> None:
    with_client(fresh, lambda client: client.call_tool("get_status", {}))
    before = tree(fresh.root)

    async def act(client: Client) -> list[str]:
        names = [tool.name for tool in (await client.list_tools()).tools]
        for name in names:
            result = await client.call_tool(name, VALID.get(name, {}))
            if name in SHOWN_ONCE_MADE:
                assert SHOWN_ONCE_MADE[name] in error_of(result)["message"]
            else:
                assert not result.is_error, (name, result.content)
        with pytest.raises(MCPError, match="unknown tool"):
            await client.call_tool("curate_corpus", {})
        return names

    assert reading(fresh, act, mode) == [tool.name for tool in TOOLS if tool.scope != "work"]
    after = tree(fresh.root)
    assert {name: found for name, found in after.items() if not name.startswith("inbox")} == before
    (posted,) = fresh.steering.requests()
    assert (posted.kind, posted.why) == ("note", VALID["steer_session"]["why"])


@pytest.mark.parametrize("tool", ["report_session", "verify_log", "get_status"])
def test_a_reader_of_a_session_never_hosted_answers_or_says_so(fresh: SessionFolder, tool: str) -> None:
    before = tree(fresh.root)
    result = reading(fresh, lambda client: client.call_tool(tool, {}), "auto")
    if result.is_error:
        assert error_of(result)["type"] in dir(errors)
    assert tree(fresh.root) == before


def test_what_is_asked_again_is_one_request_until_it_is_taken_and_another_after(fresh: SessionFolder) -> None:
    async def act(client: Client) -> None:
        async def ask(action: str, by: str = "ann", **more: Any) -> str:
            asked = {"action": action, "by": by, "why": "so", **more}
            return str((await done(client, "steer_session", **asked))["request_id"])

        veto = await ask("veto", option="patch")
        await ask("note", by="bob")
        assert await ask("veto", option="patch") == veto
        assert await ask("veto", by="bob", option="patch") != veto != await ask("veto", option="replay")
        budget = await ask("budget", rounds=2)
        assert await ask("budget", rounds=2) == budget != await ask("budget", rounds=3)
        paused = await ask("pause")
        await ask("resume")
        assert await ask("pause") != paused  # what was taken back is asked anew
        taken = (await done(client, "apply_steering"))["applied"]
        assert len(taken) == len(fresh.steering.requests()) == 9
        assert await ask("pause") not in taken

    with_client(fresh, act)


def test_a_second_owner_is_refused_while_the_first_lives(fresh: SessionFolder) -> None:
    async def twice() -> None:
        async with own_session(fresh), own_session(fresh):
            raise AssertionError("two hosts")

    with pytest.raises(errors.SessionError, match="is in use by process"):
        asyncio.run(twice())


def test_deprecated_protocol_calls_would_fail_these_tests() -> None:
    import warnings

    with pytest.raises(MCPDeprecationWarning):
        warnings.warn("sampling", MCPDeprecationWarning, stacklevel=1)


def test_a_reader_beside_the_owner_gets_its_answers_on_the_graph_from_a_copy_that_goes_with_it(
    finished_session: FinishedSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    snapshot = load_snapshot(folder.store, next((folder.artifacts / "snapshot").iterdir()).name)
    chain = next(iter(snapshot.chains.values()))
    start, end = (snapshot.term(chain.concept_ids[at]) for at in (0, -1))
    asked = {"graph_stats": {}, "show_concept": {"term": start}, "find_path": {"start": start, "end": end}}
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    async def answers(client: Client) -> dict[str, Any]:
        found = await asyncio.gather(*(client.call_tool(name, given) for name, given in asked.items()))
        assert not any(result.is_error for result in found)
        return {name: result.structured_content for name, result in zip(asked, found, strict=True)}

    async def both(owner: Client) -> None:
        told = await answers(owner)
        async with read_session(folder) as server, Client(server) as reader:
            assert await answers(reader) == told
            assert list(scratch.iterdir())
        assert told["graph_stats"]["orphans"] == 0 and told["find_path"]["steps"]

    with_client(folder, both)
    assert not list(scratch.iterdir())
