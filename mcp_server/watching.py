"""Subscriptions: whoever watches a resource is told when the session has changed it.

The session's files are looked at twice a second while somebody watches, so it makes no difference which process changes them. A
notification says that a resource changed and not how: clients read it again. Both eras of the protocol are served: a client of
the newer opens a stream, one of the older subscribes on its connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from mcp import MCPError
from mcp.server import Server
from mcp.server.connection import Connection
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionFilter,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from mcp_server.resources import INBOX, PROGRESS, RECORD, UNKNOWN, target_of
from mcp_server.tasks import Context
from proda_core.errors import ProdaError
from proda_core.jobs import LocalExecutor
from proda_core.jobs.folder import JobFolder
from tools.host import Host

Lifespan = Callable[[Server[dict[str, Any]]], AbstractAsyncContextManager[dict[str, Any]]]
_LOG = logging.getLogger(__name__)
_LOOK_S = 0.5
_SEND_S = 2.0  # what a client of the older era may take to read a notification before it is sent no more
_MOST_WATCHED = 256  # resources at once, over all clients
_TOO_MANY = f"{_MOST_WATCHED} resources are watched already; watch fewer, or the session's own"


class Changes:
    """What became of a session since the last look, as the names that resources are changed by."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._log: tuple[int, int] = (0, 0)
        self._records = 0
        self._running: set[str] = set()
        self._jobs: dict[str, tuple[str, int, bool]] = {}
        self._inbox: frozenset[str] = frozenset()

    def look(self) -> set[str]:
        """The changes; everything there is at the first look."""
        found = self._new_records()
        jobs = {job: self._job(job) for job in self._running}
        inbox = frozenset(path.name for path in self._host.folder.inbox.glob("*"))
        if jobs != self._jobs:
            found.add(PROGRESS)
        if inbox != self._inbox:
            found.add(INBOX)
        self._jobs, self._inbox = jobs, inbox
        return found

    def _job(self, job_id: str) -> tuple[str, int, bool]:
        """Its state (a lost worker leaves no word), when it last came on, and whether it was told to end."""
        folder = JobFolder.of(self._host.folder.jobs, job_id)
        state = LocalExecutor(self._host.folder.root).status(job_id).state
        return state.value, _changed_at(folder.path / "progress.json")[0], folder.cancel.exists()

    def _new_records(self) -> set[str]:
        log = _changed_at(self._host.folder.decisions)
        if log == self._log:
            return set()
        self._log = log
        try:
            records = self._host.records()
        except ProdaError:  # a log that cannot be trusted: the resources themselves say so
            return {RECORD}
        new = records[self._records :] if len(records) >= self._records else records
        self._records = len(records)
        closed = {r.key for r in records if r.kind == "outcome"}
        self._running = {
            str(r.body["job_id"])
            for r in records
            if r.kind == "intent" and "job_id" in r.body and r.key not in closed
        }
        made = {str(r.body["tool"]) for r in new if r.kind == "outcome"}
        return {RECORD, *(r.kind for r in new), *made}


def _changed_at(path: Path) -> tuple[int, int]:
    """Time of change and size; zeros for a file that is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


class Watch:
    """The subscriptions of one server, and the task that looks while there are any."""

    def __init__(self, host: Host, *, look_s: float = _LOOK_S) -> None:
        self._session, self._changes, self._look_s = host.folder.name, Changes(host), look_s
        self._bus = InMemorySubscriptionBus()
        self._listen = ListenHandler(self._bus)
        self._streams: Counter[str] = Counter()
        self._connections: dict[Connection, set[str]] = {}
        self._wanted = asyncio.Event()
        self._looking = asyncio.Lock()
        self._troubled = False

    async def run(self) -> None:
        """Look and tell, for as long as this runs; sleeps while nobody watches."""
        while True:
            if not self.watched():
                self._wanted.clear()
                await self._wanted.wait()
            await asyncio.sleep(self._look_s)
            try:
                changed = await self._look()
            except (
                OSError,
                ProdaError,
            ) as error:  # the next look may do better; who asks is told by the answer
                if not self._troubled:
                    _LOG.warning("cannot look for changes of %s: %s", self._session, error)
                self._troubled = True
                continue
            self._troubled = False
            for uri in sorted(self.watched()):
                target = target_of(uri, self._session)
                if target is not None and changed & target.changed_by:
                    await self._tell(uri)

    async def listen(
        self, context: Context, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """A stream of the newer era, until the client goes."""
        asked = params.notifications.resource_subscriptions or []
        uris = [uri for uri in dict.fromkeys(asked) if target_of(uri, self._session) is not None]
        await self._begin(uris)
        honoured = params.model_copy(
            update={"notifications": SubscriptionFilter(resource_subscriptions=uris or None)}
        )
        with self._counted(uris):
            return await self._listen(context, honoured)

    async def subscribe(self, context: Context, params: SubscribeRequestParams) -> EmptyResult:
        """A subscription of the older era: it ends with its connection. MCPError for what is no resource's URI."""
        if target_of(params.uri, self._session) is None:
            raise MCPError(INVALID_PARAMS, UNKNOWN)
        await self._begin({params.uri})
        connection = _connection(context)
        if connection not in self._connections:
            self._connections[connection] = set()
            connection.exit_stack.callback(self._connections.pop, connection, None)
        self._connections[connection].add(params.uri)
        self._wanted.set()
        return EmptyResult()

    async def unsubscribe(self, context: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        """The end of a subscription; of one that there is not, nothing."""
        self._connections.get(_connection(context), set()).discard(params.uri)
        return EmptyResult()

    def watched(self) -> set[str]:
        """The URIs that somebody watches."""
        return set(self._streams).union(*self._connections.values())

    async def _begin(self, uris: Iterable[str]) -> None:
        """What was before the first subscription is no change."""
        watched = self.watched()
        if len(watched.union(uris)) > _MOST_WATCHED:
            raise MCPError(INVALID_PARAMS, _TOO_MANY)
        if not watched:
            await self._look()

    async def _look(self) -> set[str]:
        async with self._looking:
            return await asyncio.to_thread(self._changes.look)

    @contextmanager
    def _counted(self, uris: Iterable[str]) -> Iterator[None]:
        counted = Counter(uris)
        self._streams += counted
        self._wanted.set()
        try:
            yield
        finally:
            self._streams -= counted

    async def _tell(self, uri: str) -> None:
        await self._bus.publish(ResourceUpdated(uri=uri))
        for connection, uris in list(self._connections.items()):
            if uri in uris:
                try:
                    async with asyncio.timeout(_SEND_S):
                        await connection.send_resource_updated(uri)
                except TimeoutError:  # it reads no more: the others do not wait for it again
                    self._connections.pop(connection, None)


def _connection(context: Context) -> Connection:
    """The connection a request came on.

    The SDK means handlers to have it (its Context does, and its exit_stack is for their clean-up), but mcp 2.3 builds a
    ServerRequestContext, which holds it in the session alone.
    """
    return context.session._connection


def watching(host: Host) -> Lifespan:
    """The lifespan of a server whose clients may watch ``host``'s session."""

    @asynccontextmanager
    async def lifespan(_server: Server[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        watch = Watch(host)
        looking = asyncio.create_task(watch.run())
        try:
            yield {"watch": watch}
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    return lifespan


def offer_subscriptions(server: Server[dict[str, Any]]) -> None:
    """Let ``server``, whose lifespan is ``watching``, take subscriptions of both eras."""

    async def listen(context: Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        return await _watch(context).listen(context, params)

    async def subscribe(context: Context, params: SubscribeRequestParams) -> EmptyResult:
        return await _watch(context).subscribe(context, params)

    async def unsubscribe(context: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        return await _watch(context).unsubscribe(context, params)

    server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, listen)
    server.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)


def _watch(context: Context) -> Watch:
    watch: Watch = context.lifespan_context["watch"]
    return watch
