"""The tasks extension over the session's own jobs: who declares it gets tasks, anybody else handles, of the same jobs."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    Request,
    Result,
)
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, own_session
from mcp_server.tasks import IDENTIFIER, TaskParams, UpdateParams
from proda_core.session import SessionFolder
from tests.sessions import Bench, client_of, done, records_of

ENDS = ("completed", "failed", "cancelled")
NO_JOB = "j_" + "0" * 16


class Answer(Result):
    """Whatever a tasks/ method answers."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, populate_by_name=True)


class Started(Answer):
    result_type: Literal["task"]
    task_id: str


class Get(Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams
    name_param = "taskId"


class Update(Request[UpdateParams, Literal["tasks/update"]]):
    method: Literal["tasks/update"] = "tasks/update"
    params: UpdateParams
    name_param = "taskId"


class Cancel(Request[TaskParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams
    name_param = "taskId"


class TakesTasks(ClientExtension):
    """A client's half of the extension: waits for a task's end and hands its result on, as if the call had taken that long."""

    identifier = IDENTIFIER

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return (ResultClaim(result_type="task", model=Started, resolve=self._resolve),)

    async def _resolve(self, started: Started, context: ClaimContext) -> CallToolResult:
        return CallToolResult.model_validate((await ended(context.session, started.task_id))["result"])


async def ask(session: Any, request: Request[Any, Any]) -> dict[str, Any]:
    """A tasks/ method's answer as it was on the wire."""
    answer = await session.send_request(request, Answer)
    return dict(answer.model_dump(by_alias=True, exclude_unset=True))


async def get(session: Any, task_id: str) -> dict[str, Any]:
    return await ask(session, Get(params=TaskParams(task_id=task_id)))


async def ended(session: Any, task_id: str) -> dict[str, Any]:
    """The task once it has ended, as often asked for as that takes."""
    while (task := await get(session, task_id))["status"] not in ENDS:
        await asyncio.sleep(0.05)
    return task


async def start(client: Client, tool: str) -> dict[str, Any]:
    """Call a tool that starts a job; the task on the wire."""
    started = await client.session.call_tool(tool, {}, allow_claimed=True)
    assert isinstance(started, Started)
    return dict(started.model_dump(by_alias=True, exclude_unset=True))


@pytest.fixture
def fresh(bench: Bench, tmp_path: Path) -> SessionFolder:
    return bench.session(tmp_path)


@asynccontextmanager
async def taking_tasks(folder: SessionFolder) -> AsyncIterator[Client]:
    """A client that declares the extension, on a host of the session."""
    async with own_session(folder) as server, Client(server, extensions=[TakesTasks()]) as client:
        yield client


def test_a_client_that_takes_tasks_gets_the_call_s_own_result_when_the_task_is_done(
    fresh: SessionFolder,
) -> None:
    async def run() -> tuple[CallToolResult, CallToolResult]:
        async with taking_tasks(fresh) as client:
            result = await client.call_tool("curate_corpus", {})
            return result, await client.call_tool(
                "wait_for_job", {"job_id": result.structured_content["job_id"]}
            )

    by_task, by_tool = asyncio.run(run())
    assert by_task.structured_content["state"] == "finished" and by_task.structured_content["artifacts"]
    assert by_task.structured_content == {
        **by_tool.structured_content,
        "wall_left_s": by_task.structured_content["wall_left_s"],
    }


def test_a_task_has_the_job_s_id_times_and_end_and_stays_when_its_client_has_gone(
    fresh: SessionFolder,
) -> None:
    async def run() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        async with own_session(fresh) as server:
            async with Client(server, extensions=[TakesTasks()]) as first:
                started = await start(first, "curate_corpus")
                seen = await get(first.session, started["taskId"])
            async with Client(server, extensions=[TakesTasks()]) as second:
                return started, seen, await ended(second.session, started["taskId"])

    started, seen, task = asyncio.run(run())
    intent = records_of(fresh, "intent")[0]
    assert started["taskId"] == seen["taskId"] == task["taskId"] == intent.body["job_id"]
    assert started["status"] == "working" and started["ttlMs"] is None and started["pollIntervalMs"] > 0
    assert started["createdAt"] == task["createdAt"] == intent.at < task["lastUpdatedAt"]
    assert not {"result", "error", "requestState", "task"} & started.keys()
    assert task["status"] == "completed" and task["resultType"] == "complete"
    assert (
        task["result"]["structuredContent"]["artifacts"] == records_of(fresh, "outcome")[0].body["artifacts"]
    )


def test_the_same_call_again_is_the_same_task_and_the_result_itself_once_it_is_done(
    fresh: SessionFolder,
) -> None:
    async def run() -> None:
        async with taking_tasks(fresh) as client:
            started = await start(client, "curate_corpus")
            await ended(client.session, started["taskId"])
            again = await client.session.call_tool("curate_corpus", {}, allow_claimed=True)
            assert isinstance(again, CallToolResult) and again.structured_content
            assert again.structured_content["job_id"] == started["taskId"]

    asyncio.run(run())
    assert len(records_of(fresh, "intent")) == 1


def test_a_cancelled_task_ends_as_cancelled_and_one_that_ended_stays_as_it_is(fresh: SessionFolder) -> None:
    async def run() -> None:
        async with taking_tasks(fresh) as client:
            task_id = (await start(client, "curate_corpus"))["taskId"]
            answers = [await ask(client.session, Cancel(params=TaskParams(task_id=task_id)))]
            assert (await ended(client.session, task_id))["status"] == "cancelled"
            answers.append(await ask(client.session, Cancel(params=TaskParams(task_id=task_id))))
            update = UpdateParams(task_id=task_id, input_responses={"nobody": "asked"})
            answers.append(await ask(client.session, Update(params=update)))
            assert [answer.keys() - {"_meta"} for answer in answers] == [{"resultType"}] * 3
            assert (await get(client.session, task_id))["status"] == "cancelled"

    asyncio.run(run())


def test_a_job_that_failed_is_a_task_completed_with_an_error(bench: Bench, tmp_path: Path) -> None:
    own = replace(bench, corpus=Path(shutil.copytree(bench.corpus, tmp_path / "corpus")))
    fresh = own.session(tmp_path)
    for text in fresh.corpus_path.rglob("*"):
        if text.is_file():
            text.unlink()

    async def run() -> dict[str, Any]:
        async with taking_tasks(fresh) as client:
            return await ended(client.session, (await start(client, "curate_corpus"))["taskId"])

    task = asyncio.run(run())
    assert task["status"] == "completed" and task["result"]["isError"] and "error" not in task
    assert task["result"]["structuredContent"]["state"] == "failed" and task["result"]["content"][0]["text"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_that_does_not_declare_tasks_gets_handles_and_is_refused_the_methods(
    fresh: SessionFolder, mode: str
) -> None:
    async def run() -> None:
        async with client_of(fresh, mode=mode) as client:
            started = await client.call_tool("curate_corpus", {})
            assert started.structured_content and started.structured_content["state"] == "running"
            for request in (Get, Cancel):
                with pytest.raises(MCPError) as refused:
                    await ask(client.session, request(params=TaskParams(task_id=NO_JOB)))
                code = METHOD_NOT_FOUND if mode == "legacy" else MISSING_REQUIRED_CLIENT_CAPABILITY
                assert refused.value.code == code

    asyncio.run(run())


@pytest.mark.parametrize("task_id", [NO_JOB, "../../etc/passwd", ""])
def test_a_task_that_is_not_there_is_a_protocol_error_and_its_id_is_not_repeated(
    fresh: SessionFolder, task_id: str
) -> None:
    async def run() -> None:
        async with taking_tasks(fresh) as client:
            for request in (
                Get(params=TaskParams(task_id=task_id)),
                Cancel(params=TaskParams(task_id=task_id)),
                Update(params=UpdateParams(task_id=task_id, input_responses={})),
            ):
                with pytest.raises(MCPError) as refused:
                    await ask(client.session, request)
                assert refused.value.code == INVALID_PARAMS and "passwd" not in refused.value.message

    asyncio.run(run())


def test_over_http_tasks_need_the_token_that_steers_and_a_header_that_names_them(
    fresh: SessionFolder,
) -> None:
    async def run() -> None:
        urls: list[str] = []
        async with own_session(fresh, serving=Serving(Address(), True, urls.append)):
            access = access_to(fresh.access)
            async with over_http(urls[0], access.steer) as client:
                task_id = (await start(client, "curate_corpus"))["taskId"]
                assert (await ended(client.session, task_id))["status"] == "completed"
                with pytest.raises(MCPError) as refused:
                    await ask(client.session, Unrouted(params=TaskParams(task_id=task_id)))
                assert refused.value.code == HEADER_MISMATCH
            async with over_http(urls[0], access.read) as client:
                with pytest.raises(MCPError, match="needs the token that steers"):
                    await get(client.session, task_id)

    asyncio.run(run())


class Unrouted(Get):
    name_param = None


@asynccontextmanager
async def over_http(url: str, token: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), extensions=[TakesTasks()]) as client,
    ):
        yield client


def test_waiting_for_a_job_tells_how_far_it_is_and_never_the_same_twice(fresh: SessionFolder) -> None:
    waits: list[list[float]] = []

    async def hear(units: float, total: float | None, note: str | None) -> None:
        assert total and 0 <= units <= total and note
        waits[-1].append(units)

    async def run() -> None:
        async with client_of(fresh) as client:
            assert (await done(client, "curate_corpus"))["state"] == "finished"
            handle = (await client.call_tool("extract_knowledge", {})).structured_content
            while handle["state"] == "running":
                waits.append([])
                arguments = {"job_id": handle["job_id"], "timeout_s": 5.0}
                waited = await client.call_tool("wait_for_job", arguments, progress_callback=hear)
                assert not waited.is_error, waited.structured_content
                handle = waited.structured_content

    asyncio.run(run())
    assert max(len(told) for told in waits) > 1
    assert all(told == sorted(set(told)) for told in waits)
