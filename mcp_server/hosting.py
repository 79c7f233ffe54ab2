"""Opening a session for a server: as its owner, with the lock and everything that may change it, or as a reader beside it.

An owner finishes what a killed host left (jobs that ended meanwhile get their outcomes), counts wall time while it lives, and
closes all it opened: when it ends no process of the session is left. ``write_report`` freezes the page as ``report.html``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp.server import Server

from mcp_server.conformance.server import fixture_server
from mcp_server.http import Address, caller_scopes, page_links, served
from mcp_server.page import freeze_page, gather_all
from mcp_server.refusals import Refusals
from mcp_server.server import build_server
from proda_core import __version__
from proda_core.artifacts import write_atomic
from proda_core.errors import LedgerError
from proda_core.ids import make_id
from proda_core.jobs import JobState, JobStatus, LocalExecutor
from proda_core.jobs.folder import JobFolder
from proda_core.knowledge.store import KnowledgeStore
from proda_core.ledger import Ledger
from proda_core.log import DecisionLog, SigningPlan
from proda_core.log.completeness import rounds_used
from proda_core.log.keys import key_path, own_key
from proda_core.session import SessionFolder
from proda_core.students.served.users import ServerFolder, held_up
from tools.create_session import create_session, session_name
from tools.estimate_run import RunEstimate, estimate_run
from tools.host import GraphCopy, Host, Owner
from tools.registry import TOOLS, tools_digest
from tools.work import job_handle

__all__ = [
    "Address",
    "RunEstimate",
    "Serving",
    "create_session",
    "estimate_run",
    "host_fixtures",
    "own_session",
    "page_links",
    "read_session",
    "session_name",
    "write_report",
]
_TICK_S = 1.0
_LOOK_S = 0.1
_ENDING_S = 5.0  # for workers that were told to end: above what they take by themselves


@dataclass(frozen=True, slots=True)
class Serving:
    """How a session is served over HTTP. ``drivable``: the tools that work too, for a session that nothing else drives."""

    address: Address
    drivable: bool
    tell: Callable[[str], None]  # hears the URL


@asynccontextmanager
async def own_session(
    folder: SessionFolder, *, serving: Serving | None = None
) -> AsyncIterator[Server[dict[str, Any]]]:
    """Be the session's host and serve all its tools in memory, and over HTTP if asked; SessionError when another process is."""
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.hosted())
        ledger = stack.enter_context(Ledger(folder.ledger, folder.config.budget))
        signing = _signing(folder)
        log = stack.enter_context(DecisionLog(folder.decisions, signing=signing))
        knowledge = stack.enter_context(KnowledgeStore(folder.knowledge))
        host = _host(folder, Owner(LocalExecutor(folder.root), ledger, log, knowledge))
        _refuse_forgotten_rounds(host)
        _note_start(host, signing)
        await _end_jobs(host, [job.job_id for job in _running(host) if _is_cancelled(host, job)])
        _settle_ended(host)
        if folder.config.student.served_by == "vllm":  # one server for all rounds
            stack.enter_context(held_up(ServerFolder(folder.student_server)))
        await stack.enter_async_context(_at_work(host))  # ends after all through which it is called
        web = await stack.enter_async_context(AsyncExitStack())
        if serving is not None:
            offered = [tool for tool in TOOLS if serving.drivable or tool.scope != "work"]
            refusals = web.enter_context(Refusals(folder.refusals))
            public = build_server(host, offered, caller_scopes=caller_scopes, refusals=refusals)
            serving.tell(
                await web.enter_async_context(served(public, host, serving.address, refusals=refusals))
            )
        try:
            yield build_server(host, TOOLS)
        finally:  # each of the two may take seconds: clients that hold on, and workers that do not hear
            async with asyncio.TaskGroup() as ending:
                ending.create_task(_end_jobs(host, [job.job_id for job in _running(host)]))
                await web.aclose()


@asynccontextmanager
async def _at_work(host: Host) -> AsyncIterator[None]:
    """Count wall time; at the end wait for the call under way, and leave no job running."""
    ticking = asyncio.create_task(_tick(host.own.ledger))
    try:
        yield
    finally:
        ticking.cancel()  # the ledger adds the rest of the time when it closes
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            await host.turns.close()
        finally:
            await _end_jobs(host, [job.job_id for job in _running(host)])


@asynccontextmanager
async def host_fixtures(folder: SessionFolder, serving: Serving) -> AsyncIterator[None]:
    """Serve the conformance suite's fixtures in the session's place: its lock, tokens and checks, none of its tools, no page."""
    with folder.hosted(), Refusals(folder.refusals) as refusals:
        async with fixture_server() as server:
            server.middleware.append(refusals.watch_call)
            host, address = reading_host(folder), serving.address
            async with served(server, host, address, refusals=refusals, live=False) as url:
                serving.tell(url)
                yield


@asynccontextmanager
async def read_session(
    folder: SessionFolder, *, steers: bool = True
) -> AsyncIterator[Server[dict[str, Any]]]:
    """Serve the tools that read a session and, where the caller ``steers``, the one that steers it; takes no lock.

    Graph tools ask a copy of the snapshot."""
    with GraphCopy() as copy:
        host = reading_host(folder)
        host.copy = copy
        yield build_server(host, [tool for tool in TOOLS if steers or tool.scope == "read"])


def reading_host(folder: SessionFolder) -> Host:
    """The session opened for reading: no lock, no graph, and no tool that changes anything."""
    return _host(folder, None)


def write_report(folder: SessionFolder) -> Path:
    """Write ``report.html``, the session's page as it is now; its path."""
    write_atomic(folder.report, freeze_page(asyncio.run(gather_all(reading_host(folder)))).encode())
    return folder.report


def _host(folder: SessionFolder, owner: Owner | None) -> Host:
    return Host(
        folder=folder,
        config=folder.config,
        corpus_path=folder.corpus_path,
        corpus_digest=folder.corpus_digest,
        store=folder.store,
        owner=owner,
        tools_digest=tools_digest(),
    )


def _signing(folder: SessionFolder) -> SigningPlan | None:
    """Who signs this session's log, and where the checkpoints go; None where the configuration wants none."""
    audit = folder.config.audit
    if not audit.sign:
        return None
    key = own_key(key_path(audit.key))
    sink = None if audit.sink is None else Path(audit.sink).expanduser()
    return SigningPlan(key, folder.name, folder.signatures, audit.checkpoint_records, sink)


def _note_start(host: Host, signing: SigningPlan | None) -> None:
    """The log's first word: what this session is, under which budget, tools and signing key. A change of any is a new record."""
    own = host.own
    body = {
        "event": "opened",
        "session": host.folder.name,
        "corpus_digest": host.corpus_digest,
        "config": to_plain_config(host),
        "version": __version__,
        "tools_digest": host.tools_digest,
        "signing": None if signing is None else signing.about(),
    }
    before = [record.body for record in own.log.records if record.body.get("event") == "opened"]
    if before[-1:] != [body]:
        own.log.append("session", make_id("o", "opened", body), body, budget=own.ledger.budget_view())


def _refuse_forgotten_rounds(host: Host) -> None:
    """LedgerError when the ledger counts fewer rounds as spent than the log does; it stands in the log as well."""
    own = host.own
    spent = max((rounds_used(record) or 0.0 for record in own.log.records), default=0.0)
    counted = own.ledger.budget().rounds.used
    if counted < spent:
        said = f"the ledger counts {counted:g} rounds as spent, the log {spent:g}; restore {host.folder.ledger.name}"
        own.log.append("note", make_id("n", "ledger", said), {"event": "ledger_behind", "reason": said})
        raise LedgerError(said)


def to_plain_config(host: Host) -> dict[str, Any]:
    """The resolved configuration as the log holds it."""
    return dict(host.config.model_dump(mode="json"))


def _running(host: Host) -> list[JobStatus]:
    return [job for job in host.own.executor.list() if job.state is JobState.RUNNING]


def _is_cancelled(host: Host, job: JobStatus) -> bool:
    """Told to end, by the host before: a call for the same work would else end with it."""
    return JobFolder.of(host.folder.jobs, job.job_id).cancel.exists()


async def _end_jobs(host: Host, job_ids: Sequence[str]) -> None:
    """Tell jobs to end and wait until they did; a worker that does not hear is killed."""
    executor = host.own.executor
    until = asyncio.get_running_loop().time() + _ENDING_S
    for job_id in job_ids:
        executor.cancel(job_id)
        while executor.status(job_id).state is JobState.RUNNING:
            if asyncio.get_running_loop().time() > until:
                executor.kill(job_id)
            await asyncio.sleep(_LOOK_S)


def _settle_ended(host: Host) -> None:
    """Write the outcomes of jobs that ended while no host was there."""
    for intent in host.own.log.open_intents():
        if "job_id" in intent.body:
            job_handle(host, str(intent.body["job_id"]))


async def _tick(ledger: Ledger) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        with contextlib.suppress(LedgerError):  # a full disk: the next tick counts this time too
            await asyncio.to_thread(ledger.tick)
