"""Drive one session to its end: host in this process, loop over it, signals to a clean stop.

SIGINT and SIGTERM end the running job at its next checkpoint and leave a session that resumes; a second one ends at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from agent.connect import Address, Serving, host_fixtures, owned, page_links
from agent.exit_codes import EXIT_CODES, INTERRUPTED
from agent.loop import run_loop
from agent.nodes import Adviser, Halted, Interrupted, Nodes
from agent.view import SessionView
from proda_core.policy import RulePolicy
from proda_core.session import SessionFolder
from proda_core.types import StopReason

_LOOK_S = 1.0
STOPPED_SERVING = "the file STOP asked for it; proda serve or proda resume goes on from here"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of the loop ended, and the exit code for it."""

    stop_reason: str
    detail: str
    exit_code: int


def drive(
    folder: SessionFolder, console: Console, *, reopen: bool = False, address: Address | None = None
) -> Outcome:
    """Run or resume the session in this process; at an ``address`` others may look and steer meanwhile."""
    return asyncio.run(_drive(folder, console, reopen=reopen, address=address))


def resume_here(arguments: Sequence[str]) -> int:
    """Run or resume the session in the folder named, saying nothing; the exit code. What a bench forks its hosts from."""
    return drive(SessionFolder.open(Path(arguments[0])), Console(quiet=True)).exit_code


def serve(folder: SessionFolder, console: Console, address: Address) -> None:
    """Host the session for clients to drive, until it is asked to end; the jobs they started end with it."""
    asyncio.run(_serve(folder, console, address))


def serve_fixtures(folder: SessionFolder, console: Console, address: Address) -> None:
    """Serve what the protocol's conformance suite expects in the session's place, until asked to end."""
    asyncio.run(_serve_fixtures(folder, console, address))


async def _serve_fixtures(folder: SessionFolder, console: Console, address: Address) -> None:
    ended = _asked_to_end()
    async with host_fixtures(folder, _serving(folder, console, address, drivable=False, page=False)):
        await ended.wait()


def _asked_to_end() -> asyncio.Event:
    """Set by the first signal."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended


async def _serve(folder: SessionFolder, console: Console, address: Address) -> None:
    ended = _asked_to_end()
    with folder.hosted():
        folder.clear_stop()  # of before: whoever serves it now wants it served
    async with owned(folder, serving=_serving(folder, console, address, drivable=True)) as client:
        while not ended.is_set() and not folder.stops_now():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK_S)
        if folder.stops_now():
            await client.call("finish_session", reason=StopReason.REQUEST.value, detail=STOPPED_SERVING)
        console.print("[yellow]no longer served: what ran goes on from its last checkpoint[/]")


def _serving(
    folder: SessionFolder, console: Console, address: Address, *, drivable: bool, page: bool = True
) -> Serving:
    def tell(url: str) -> None:
        """Links with a token are for a person's terminal alone: what is written to a file or a pipe may be kept as a log."""
        lines = [f"  served to MCP clients at [bold]{url}[/]; tokens in {folder.access}"]
        if page and console.is_terminal:
            links = page_links(folder, url)
            lines += [
                f"  open in a browser to look:  [bold]{links['read']}[/]",
                f"  open it to look and steer:  [bold]{links['steer']}[/]",
            ]
        elif page:
            lines.append(f"  in a browser: [bold]{url.rpartition('/')[0]}/login[/], which asks for a token")
        for line in lines:
            console.print(line, highlight=False, soft_wrap=True)

    return Serving(address, drivable, tell)


async def _drive(
    folder: SessionFolder, console: Console, *, reopen: bool, address: Address | None
) -> Outcome:
    console.print(f"[bold]session {folder.name}[/]  [dim]{folder.root}[/]", highlight=False, soft_wrap=True)
    serving = _serving(folder, console, address, drivable=False) if address is not None else None
    async with owned(folder, serving=serving) as client, _adviser(folder) as adviser:
        with SessionView(console) as view:
            nodes = Nodes(client, RulePolicy.of(folder.config), view.tell, adviser=adviser)
            _end_on_signal(nodes, console)
            try:
                final = await run_loop(nodes, folder.checkpoints, thread=folder.name, reopen=reopen)
            except Interrupted:
                return Outcome("interrupted", "asked to end; proda resume goes on from here", INTERRUPTED)
            except Halted as halt:
                return Outcome(halt.reason.value, halt.detail, halt.exit_code)
    reason = StopReason(final["stop_reason"])
    return Outcome(reason.value, final["stop_detail"], EXIT_CODES[reason])


@contextlib.asynccontextmanager
async def _adviser(folder: SessionFolder) -> AsyncIterator[Adviser | None]:
    """Who proposes: a model, where the configuration wants one."""
    if folder.config.policy.kind == "rules":
        yield None
        return
    from agent.controller import controller_of  # takes a second to load, and most sessions ask no model here

    async with controller_of(folder) as controller:
        yield controller


def _end_on_signal(nodes: Nodes, console: Console) -> None:
    loop = asyncio.get_running_loop()

    def drain(number: signal.Signals) -> None:
        nodes.draining = True
        console.print(f"[yellow]{number.name}: ending at the next checkpoint; once more to end at once[/]")
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, drain, number)
