"""Subscriptions: whoever watches a resource is told when it changes and not when it does not, in both protocol eras."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPDeprecationWarning, MCPError
from mcp.client.subscriptions import ResourceUpdated
from mcp_types import ResourceUpdatedNotification, SubscriptionFilter

from mcp_server.hosting import own_session, read_session, reading_host
from mcp_server.resources import VIEWS, read_resource, session_uri, target_of
from mcp_server.watching import Changes
from proda_core.records import load_benchmark
from proda_core.session import SessionFolder, SteerKind
from proda_core.types import Split
from tests.sessions import FinishedSession, copied, done, outcomes_of, records_of

MODES = ("auto", "legacy")
WITHIN_S = 20.0


@pytest.fixture
def folder(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    return copied(finished_session.folder, tmp_path)


class Told:
    """What a client was told of, in order."""

    def __init__(self) -> None:
        self._uris: asyncio.Queue[str] = asyncio.Queue()

    async def hear(self, message: Any) -> None:
        """The older era's notifications, as a client's message handler."""
        if isinstance(message, ResourceUpdatedNotification):
            self._uris.put_nowait(message.params.uri)

    async def follow(self, events: Any) -> None:
        """The newer era's stream."""
        async for event in events:
            assert isinstance(event, ResourceUpdated)
            self._uris.put_nowait(event.uri)

    async def next(self) -> str:
        return await asyncio.wait_for(self._uris.get(), WITHIN_S)


@asynccontextmanager
async def watched(server: Any, mode: str, *uris: str) -> AsyncIterator[tuple[Client, Told]]:
    """A client that watches ``uris`` in the way of its era."""
    told = Told()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(server, mode=mode, message_handler=told.hear))
        assert client.server_capabilities.resources and client.server_capabilities.resources.subscribe
        if mode == "legacy":
            for uri in uris:
                with pytest.warns(MCPDeprecationWarning):
                    await client.subscribe_resource(uri)
        else:
            events = await stack.enter_async_context(client.listen(resource_subscriptions=uris))
            assert events.honored == SubscriptionFilter(resource_subscriptions=list(uris))
            following = asyncio.create_task(told.follow(events))
            stack.callback(following.cancel)
        yield client, told


@pytest.mark.parametrize("mode", MODES)
def test_a_decision_is_told_to_who_watches_decisions_or_status_and_not_to_who_watches_rounds(
    folder: SessionFolder, mode: str
) -> None:
    decisions, rounds, status = (session_uri(folder.name, view) for view in ("decisions", "rounds", ""))

    async def run() -> list[str]:
        async with (
            own_session(folder) as server,
            watched(server, mode, decisions, rounds, status) as (client, told),
        ):
            before = json.loads((await client.read_resource(decisions)).contents[0].text)
            key = (await done(client, "observe_session"))["key"]
            decision = records_of(folder, "decision")[-1].body["decision"]
            await done(client, "record_decision", key=key, decision=decision)
            heard = [await told.next()]
            while decisions not in heard:
                heard.append(await told.next())
            after = json.loads((await client.read_resource(decisions)).contents[0].text)
            assert after["total"] == before["total"] + 1
            folder.steering.post(SteerKind.NOTE, by="ann", why="what is told next is told of this")
            heard.append(await told.next())
            while heard[-1] != status:
                heard.append(await told.next())
            return heard

    assert set(asyncio.run(run())) == {decisions, status}


@pytest.mark.parametrize("mode", MODES)
def test_a_reader_tells_what_another_process_changed(folder: SessionFolder, mode: str) -> None:
    async def run() -> str:
        status = session_uri(folder.name)
        async with read_session(folder) as server, watched(server, mode, status) as (client, told):
            folder.steering.post(SteerKind.NOTE, by="ann", why="hello")
            heard = await told.next()
            now = json.loads((await client.read_resource(status)).contents[0].text)
            assert now["waiting_requests"] == 1
            return heard

    assert asyncio.run(run()) == session_uri(folder.name)


def test_who_unsubscribed_or_went_is_not_watched_for_any_more(folder: SessionFolder) -> None:
    status, jobs, rounds = (session_uri(folder.name, view) for view in ("", "jobs", "rounds"))

    async def run() -> None:
        async with read_session(folder) as server:
            seen: list[Any] = []
            async with server.lifespan(server) as state:
                watch = state["watch"]
                server.lifespan = lambda _server: _given(state)  # every client meets this watch
                async with (
                    watched(server, "legacy", status, jobs) as (old, _),
                    watched(server, "auto", jobs),
                    watched(server, "legacy", rounds),
                ):
                    seen.append(watch.watched())
                    for uri in (status, jobs, status):
                        with pytest.warns(MCPDeprecationWarning):
                            await old.unsubscribe_resource(uri)
                    seen.append(watch.watched())
                seen.append(watch.watched())
            assert seen == [{status, jobs, rounds}, {jobs, rounds}, set()]

    asyncio.run(run())


@asynccontextmanager
async def _given(state: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield state


def test_nothing_but_a_resource_of_the_session_can_be_watched_and_not_without_end(
    folder: SessionFolder,
) -> None:
    async def run() -> None:
        async with read_session(folder) as server, Client(server, mode="legacy") as client:
            for uri in ("file:///etc/passwd", "proda://session/another", "proda://round/01"):
                with pytest.warns(MCPDeprecationWarning), pytest.raises(MCPError, match="no such resource"):
                    await client.subscribe_resource(uri)
        async with read_session(folder) as server, Client(server) as client:
            many = [f"proda://round/{number}" for number in range(257)]
            with pytest.raises(MCPError, match="256 resources are watched already"):
                async with client.listen(resource_subscriptions=many):
                    raise AssertionError("listening")

    asyncio.run(run())


def test_whenever_the_answer_of_a_view_changes_so_do_what_it_is_changed_by(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    """The finished session's log once more, record by record, as a host would have written it."""
    folder = copied(finished_session.folder, tmp_path)
    lines = folder.decisions.read_bytes().splitlines(keepends=True)
    host = reading_host(folder)
    changes = Changes(host)
    uris = [
        session_uri(folder.name, view)
        for view in ("rounds", "decisions", "jobs", "failures", "repairs", "mastery")
    ]
    uris += [session_uri(folder.name), "proda://round/1", "proda://round/2", "proda://decision/1"]
    benchmark_id = outcomes_of(folder, "build_benchmark")[0]["artifacts"]["benchmark"]
    item = load_benchmark(folder.store, benchmark_id).of(Split.DEV)[0]
    uris += [f"proda://item/{item.item_id}", f"proda://chain/{item.chain_id}"]

    folder.decisions.write_bytes(b"")

    async def answers() -> dict[str, str]:
        found = {}
        for uri in uris:
            try:
                found[uri] = (await read_resource(host, uri)).text
            except MCPError as error:
                found[uri] = error.message
        return found

    async def run() -> dict[str, int]:
        changes.look()
        assert changes.look() == set()
        before, told_times = await answers(), dict.fromkeys(uris, 0)
        for line in lines:
            with folder.decisions.open("ab") as log:
                log.write(line)
            found, after = changes.look(), await answers()
            for uri in uris:
                target = target_of(uri, folder.name)
                assert target is not None
                told = bool(found & target.changed_by)
                told_times[uri] += told
                assert told or before[uri] == after[uri], (uri, line[:300])
            before = after
        return told_times

    told = asyncio.run(run())
    assert told[session_uri(folder.name, "decisions")] == len(records_of(folder, "decision"))
    assert told[session_uri(folder.name, "rounds")] < len(lines) / 2
    assert told[session_uri(folder.name)] == len(lines)


def test_a_job_that_gets_on_changes_status_and_jobs_and_nothing_else(folder: SessionFolder) -> None:
    intent = next(record for record in records_of(folder, "intent") if "job_id" in record.body)
    lines = folder.decisions.read_bytes().splitlines(keepends=True)
    folder.decisions.write_bytes(b"".join(lines[: intent.seq]))
    changes = Changes(reading_host(folder))
    changes.look()
    progress = folder.jobs / str(intent.body["job_id"]) / "progress.json"
    progress.write_bytes(progress.read_bytes() + b" ")
    found = changes.look()
    touched = {name for name, view in VIEWS.items() if found & view.changed_by}
    assert touched == {"jobs"} and found and changes.look() == set()
    (progress.parent / "result.json").rename(progress.parent / "lost.json")
    (progress.parent / "cancel").touch()
    assert changes.look() == found and changes.look() == set()
    (progress.parent / "cancel").unlink()  # as it was when its worker was lost, who left no word
    assert changes.look() == found and changes.look() == set()


def test_a_stream_takes_on_what_there_is_and_nothing_else(folder: SessionFolder) -> None:
    async def run() -> SubscriptionFilter:
        status = session_uri(folder.name)
        async with read_session(folder) as server, Client(server) as client:
            wanted = [status, "file:///etc/passwd"]
            async with client.listen(resource_subscriptions=wanted, tools_list_changed=True) as events:
                return events.honored

    assert asyncio.run(run()) == SubscriptionFilter(resource_subscriptions=[session_uri(folder.name)])


@pytest.mark.parametrize("mode", MODES)
def test_a_session_that_cannot_be_looked_at_for_a_while_is_watched_on(
    folder: SessionFolder, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, kept = session_uri(folder.name), folder.decisions.with_name("kept")

    async def run() -> str:
        async with read_session(folder) as server, watched(server, mode, status) as (_, told):
            folder.decisions.rename(kept)
            folder.decisions.symlink_to(folder.decisions)  # a loop: it cannot even be looked at
            async with asyncio.timeout(WITHIN_S):
                while not caplog.records:
                    await asyncio.sleep(0.01)
            folder.decisions.unlink()
            kept.rename(folder.decisions)
            folder.steering.post(SteerKind.NOTE, by="ann", why="back")
            return await told.next()

    assert asyncio.run(run()) == status
