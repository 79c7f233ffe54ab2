"""Hostile calls on a served session: refused or without effect, none shown a sealed item, each refusal noted once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, own_session
from mcp_server.refusals import Refusals
from proda_core.clock import FakeClock
from proda_core.ledger import read_budget
from proda_core.records import load_benchmark
from proda_core.session import SessionFolder
from proda_core.types import Item, Split
from tests.mcp_server.hostile_calls import (
    SHELL,
    VERSION,
    Call,
    at_every_tool,
    at_the_door,
    at_the_page,
    bad_values,
    misshapen,
    rpc,
    sealed_reads,
    sealed_texts,
    tool,
)
from tests.mcp_server.test_http import client_with
from tests.mcp_server.test_server import VALID
from tests.sessions import (
    Bench,
    FinishedSession,
    Listener,
    copied,
    done,
    outcomes_of,
    records_of,
    tree,
    with_client,
)
from tests.tools.test_sealed_stays_sealed import texts_of
from tools.registry import TOOLS

NOBODY = "i_" + "0" * 16
MOVES = ("decisions.jsonl", "refusals.jsonl", "ledger.sqlite", "serving.json", "signatures/")
"""What changes while a host only stands there: its meter ticks. The log and the ledger's limits are compared by what they say."""


@dataclass(frozen=True, slots=True)
class State:
    """What a call may not change."""

    files: dict[str, tuple[int, int]]
    log: list[str]  # hashes of all records but refusals
    limits: dict[str, Any]
    asked: int  # of the inbox


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call. ``noted`` are the lines that it added to the file of refusals."""

    call: Call
    status: int
    answer: str
    noted: list[dict[str, Any]]
    changed: bool

    @property
    def error(self) -> dict[str, Any] | None:
        """The typed error, or the protocol's; None for an answer or an empty body."""
        try:
            message = json.loads(self.answer)
        except ValueError:
            return None
        result = message.get("result") or {}
        if result.get("isError"):
            return dict(result["structuredContent"]["error"])
        found = message.get("error")
        return dict(found) if isinstance(found, dict) else None  # a refused token's is a word

    @property
    def refused(self) -> bool:
        return self.status >= 400 or self.error is not None


@dataclass(frozen=True, slots=True)
class Siege:
    """A served session after all hostile calls."""

    folder: SessionFolder
    sealed: tuple[Item, ...]
    dev: tuple[Item, ...]
    outcomes: list[Outcome]
    said: list[logging.LogRecord]


def state_of(folder: SessionFolder) -> State:
    return State(
        {name: found for name, found in tree(folder.root).items() if not name.startswith(MOVES)},
        [record.key for record in records_of(folder) if record.kind != "refusal"],
        {name: meter.limit for name, meter in vars_of(read_budget(folder.ledger)).items()},
        len(folder.steering.requests()),
    )


def vars_of(budget: Any) -> dict[str, Any]:
    return {name: getattr(budget, name) for name in type(budget).__dataclass_fields__}


def lines_of(folder: SessionFolder) -> list[dict[str, Any]]:
    path = folder.refusals
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def send(http: httpx2.AsyncClient, url: str, folder: SessionFolder, call: Call) -> tuple[int, str]:
    access = access_to(folder.access)
    tokens = {"steer": access.steer, "read": access.read, "half": access.steer[:20]}
    given: dict[str, str | None] = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": VERSION,
        "Authorization": f"Bearer {tokens[call.by]}" if call.by else None,
        **call.headers,
    }
    headers = {name: text for name, text in given.items() if text is not None}

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(call.body), 1 << 16):
            yield call.body[start : start + (1 << 16)]

    where = url.removesuffix("/mcp") + call.path.replace("{steer}", access.steer)
    content = pieces() if call.chunked else call.body
    answer = await http.request(call.method, where, headers=headers, content=content)
    return answer.status_code, answer.text


async def besiege(folder: SessionFolder, item: Item) -> list[Outcome]:
    """Every call on the served session, one after another, with what each of them did."""
    outcomes: list[Outcome] = []
    urls: list[str] = []
    async with own_session(folder, serving=Serving(Address(), True, urls.append)):
        async with client_with(urls[0], access_to(folder.access).steer) as client:
            templates = await templates_of(client)
        job_id = next(r.body["job_id"] for r in records_of(folder, "intent") if "job_id" in r.body)
        texts = {"a sealed ID": item.item_id, "a sealed question": item.stem}
        calls = [
            *at_the_door(),
            *at_the_page(item.item_id),
            *misshapen(),
            *bad_values(job_id),
            *at_every_tool(TOOLS, VALID),
            *sealed_texts(TOOLS, VALID, texts),
            *sealed_reads(templates, item.item_id),
            rpc("a file", "resources/read", {"uri": "file:///etc/passwd"}),
        ]
        calls += [twin_of(call, item.item_id) for call in calls if names(call, item.item_id)]
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
            state = state_of(folder)
            for call in calls:
                before = len(lines_of(folder))
                status, answer = await send(http, urls[0], folder, call)
                after = state_of(folder)
                outcomes.append(Outcome(call, status, answer, lines_of(folder)[before:], after != state))
                state = after
    return outcomes


def twin_of(call: Call, item_id: str) -> Call:
    """The same call about an item that is not there."""
    headers = {name: text and text.replace(item_id, NOBODY) for name, text in call.headers.items()}
    body = call.body.replace(item_id.encode(), NOBODY.encode())
    path = call.path.replace(item_id, NOBODY)
    return replace(call, name=f"{call.name}, of nobody", body=body, headers=headers, path=path)


def names(call: Call, item_id: str) -> bool:
    return item_id.encode() in call.body or item_id in call.path


async def templates_of(client: Client) -> list[str]:
    """Every resource template and resource that the server offers, whatever they are."""
    if client.server_capabilities.resources is None:
        return []
    templates = (await client.list_resource_templates()).resource_templates
    return [t.uri_template for t in templates] + [
        str(r.uri) for r in (await client.list_resources()).resources
    ]


@pytest.fixture(scope="module")
def siege(finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    folder = copied(finished_session.folder, tmp_path_factory.mktemp("siege"))
    benchmark = load_benchmark(
        folder.store, outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    )
    sealed, dev = benchmark.of(Split.SEALED), benchmark.of(Split.DEV)
    listener = Listener()
    logging.getLogger().addHandler(listener)
    try:
        yield Siege(
            folder, tuple(sealed), tuple(dev), asyncio.run(besiege(folder, sealed[0])), listener.heard
        )
    finally:
        logging.getLogger().removeHandler(listener)


def test_what_must_be_refused_is_refused_with_a_status_or_a_typed_error(siege: Siege) -> None:
    by_hand = [*at_the_door(), *at_the_page(NOBODY), *misshapen(), *bad_values("j_" + "0" * 16)]
    assert len(by_hand) >= 50 and len({one.name for one in by_hand}) == len(by_hand)
    assert [one.call.name for one in siege.outcomes if one.call.refused and not one.refused] == []
    unhandled = [(one.call.name, one.status, one.answer) for one in siege.outcomes if one.status >= 500]
    unhandled += [
        (one.call.name, one.status, one.answer)
        for one in siege.outcomes
        if one.error and one.error.get("code") in (0, -32603)
    ]
    assert unhandled == []


def test_no_hostile_call_changes_the_session(siege: Siege) -> None:
    assert [one.call.name for one in siege.outcomes if one.changed] == []


def test_each_refusal_is_noted_once_and_nothing_else_is(siege: Siege) -> None:
    wrong = [
        (one.call.name, one.status, one.answer[:200], one.noted)
        for one in siege.outcomes
        if len(one.noted) != int(one.refused)
    ]
    assert wrong == []
    kinds = {line["kind"] for one in siege.outcomes for line in one.noted}
    assert kinds >= {
        "no_token",
        "wrong_token",
        "wrong_host",
        "forbidden",
        "too_large",
        "malformed",
        "not_found",
        "unknown_tool",
        "unknown_method",
        "tool",
    }
    names = {one.name for one in TOOLS}
    for one in siege.outcomes:
        for line in one.noted:
            assert line.keys() <= {"at", "kind", "nth", "by", "from", "tool", "error", "status"}
            assert line.get("tool", "get_status") in names and line["from"] == "127.0.0.1"
            assert line["by"] == (
                "" if one.call.by == "half" or "Authorization" in one.call.headers else one.call.by
            )


def test_a_refusal_at_the_sign_in_is_of_a_wrong_token(siege: Siege) -> None:
    at_the_door = [one for one in siege.outcomes if one.call.path == "/login"]
    assert len(at_the_door) == 2
    for one in at_the_door:
        assert (one.status, [line["kind"] for line in one.noted]) == (401, ["wrong_token"]), one.call.name


def test_a_read_that_the_tool_refused_is_noted_as_that_and_not_as_malformed(siege: Siege) -> None:
    read = next(one for one in siege.outcomes if one.call.name == "a sealed item: proda://item/{item}")
    assert [(line["kind"], line["error"]) for line in read.noted] == [("tool", "ToolError")]


def test_the_log_has_the_refusals_of_those_who_may_change_the_session_alone_and_stays_whole(
    siege: Siege,
) -> None:
    logged = [record.body for record in records_of(siege.folder, "refusal")]
    changing = {one.name for one in TOOLS if one.scope != "read"}
    expected = [
        line.get("tool", "steer_session")  # the page's form steers
        for one in siege.outcomes
        for line in one.noted
        if line["by"] == "steer" and (line.get("tool") in changing or one.status == 422)
    ]
    assert expected and [body["tool"] for body in logged] == expected
    assert max(len(json.dumps(body)) for body in logged) < 10_000  # however long what was refused was
    assert with_client(siege.folder, lambda client: done(client, "verify_log"))["ok"]


def test_no_answer_and_no_note_shows_a_sealed_item_or_a_token(siege: Siege) -> None:
    stems = {item.stem for item in siege.dev}
    access = access_to(siege.folder.access)
    sent = {one.call.name: one.call.path + one.call.body.decode("utf-8", "replace") for one in siege.outcomes}
    seen = {one.call.name: one.answer for one in siege.outcomes}
    seen["refusals"] = siege.folder.refusals.read_text(encoding="utf-8")
    seen["stderr"] = "\n".join(record.getMessage() for record in siege.said)
    forbidden = [text for item in siege.sealed for text in texts_of(item) if text not in stems]
    for text in (*forbidden, access.read, access.steer, "root:x:0:0"):
        escaped = json.dumps(text, ensure_ascii=False)[1:-1]
        shown = [name for name, body in seen.items() if text in body or escaped in body]
        assert [name for name in shown if escaped not in sent.get(name, "")] == [], text


def test_a_sealed_item_is_not_told_from_one_that_is_not_there(siege: Siege) -> None:
    answers = {one.call.name: (one.status, one.answer) for one in siege.outcomes}
    twins = {name: told for name, told in answers.items() if name.endswith(", of nobody")}
    assert len(twins) >= 10
    for name, (status, answer) in twins.items():
        found, told = answers[name.removesuffix(", of nobody")]
        assert (found, told.replace(siege.sealed[0].item_id, NOBODY)) == (status, answer), name


def test_hostile_callers_fill_no_terminal(siege: Siege) -> None:
    loud = [record.getMessage() for record in siege.said if record.levelno >= logging.WARNING]
    assert loud == []


def test_a_flood_of_refusals_stays_within_its_bound_and_is_still_counted(tmp_path: Path) -> None:
    path, bound = tmp_path / "refusals.jsonl", 4096
    with Refusals(path, most_bytes=bound, clock=FakeClock()) as refusals:
        for _ in range(5000):
            refusals.note("no_token", status=401)
    kept = sorted(tmp_path.iterdir())
    assert [one.name for one in kept] == ["refusals.jsonl", "refusals.jsonl.1"]
    assert all(one.stat().st_size <= bound for one in kept)
    assert json.loads(path.read_text().splitlines()[-1])["nth"] == 5000


def test_what_a_shell_would_run_is_kept_as_the_words_it_is(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bench.session(tmp_path / "sessions")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    async def act() -> None:
        urls: list[str] = []
        async with (
            own_session(folder, serving=Serving(Address(), True, urls.append)),
            httpx2.AsyncClient(trust_env=False) as http,
        ):
            for text in SHELL:
                call = tool("note", "steer_session", {"action": "note", "by": text, "why": text})
                assert (await send(http, urls[0], folder, call))[0] == 200

    asyncio.run(act())
    assert [(one.by, one.why) for one in folder.steering.requests()] == [(text, text) for text in SHELL]
    assert not list((tmp_path / "here").iterdir()) and not list(folder.root.rglob("pwned"))
