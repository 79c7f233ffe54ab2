"""run, resume, status, stop, steer and report: a session from start to breakfast."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from agent.cli.ladder import ladder_markdown
from agent.cli.options import (
    DEFAULT_ROOT,
    CorpusArgument,
    JsonOption,
    MoneyOption,
    PortOption,
    RootOption,
    ServeOption,
    SessionArgument,
    chosen,
    operator,
    print_json,
    seconds,
    stderr,
)
from agent.cli.show import show_estimate, show_paths, show_report, show_status
from agent.connect import (
    Address,
    RunEstimate,
    attest_session,
    create_session,
    estimate_run,
    reading,
    session_name,
    whole_report,
    write_report,
)
from agent.drive import Outcome, drive
from proda_core.config import Config, load_config
from proda_core.demo import DEMO_CONFIG, DEMO_CORPUS
from proda_core.errors import ConfigError, ProdaError, SessionError
from proda_core.session import SessionFolder, SteerKind
from proda_core.session.inbox import MOST_ROUNDS
from proda_core.types import DecisionKind, StopReason


def register(app: typer.Typer) -> None:
    """Add the commands to the root of the command line."""
    for command in (run, resume, status, stop, steer, report):
        app.command()(command)


def run(
    corpus: CorpusArgument = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the session; that of the corpus when left out.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of split, examples and training.")] = None,
    budget: Annotated[str | None, typer.Option(help="Wall-clock budget: 90s, 20m, 1h30m.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds after V1 at most.")] = None,
    money: MoneyOption = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration (TOML).", exists=True, dir_okay=False)
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Override one key: --set training.rank=8")
    ] = None,
    serve: ServeOption = False,
    port: PortOption = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the teacher would be asked and cost; start nothing.")
    ] = False,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Start a session on CORPUS, or go on with it if it exists, and run it to its end."""
    overrides = list(set_ or [])
    if name is not None:
        overrides.append(f'name="{name}"')
    if seed is not None:
        overrides.append(f"seed={seed}")
    if budget is not None:
        overrides.append(f"budget.wall_s={seconds(budget)}")
    if rounds is not None:
        overrides.append(f"budget.rounds={rounds}")
    if money is not None:
        overrides.append(f"budget.money={money}")
    file = config if config is not None or corpus is not None else DEMO_CONFIG
    resolved = load_config(file, overrides)
    if corpus is not None and "name" not in resolved.model_fields_set:
        resolved = resolved.model_copy(update={"name": session_name(corpus)})
    if dry_run:
        estimate = asdict(_estimate(sessions, resolved, corpus or DEMO_CORPUS))
        print_json(estimate) if json else show_estimate(estimate)
        return
    address = _address(serve, port)
    folder = create_session(sessions, resolved, corpus or DEMO_CORPUS)
    _finish(folder, drive(folder, stderr(), address=address), as_json=json)


def resume(
    session: SessionArgument = None,
    budget: Annotated[
        str | None, typer.Option(help="New wall-clock budget in all, spent time included.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="New number of rounds after V1 at most.")] = None,
    money: MoneyOption = None,
    serve: ServeOption = False,
    port: PortOption = 0,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Go on with a session that was killed, interrupted or ran out of budget."""
    folder, address = chosen(session, sessions), _address(serve, port)
    raised: dict[str, float] = {}
    if budget is not None:
        raised["wall_s"] = seconds(budget)
    if rounds is not None:
        raised["rounds"] = rounds
    if money is not None:
        raised["money"] = money
    with folder.hosted():  # nothing of a session that another process hosts is changed
        if raised:
            folder = folder.raise_budget(raised)
        asked = asyncio.run(_ask(folder, "get_status"))
        # a session that ended for either goes on from a new decision
        reopen = bool(raised) or asked["stop_reason"] == StopReason.REQUEST
        folder.clear_stop()
        if asked["paused"] or asked["stop_requested"]:
            folder.steering.post(SteerKind.RESUME, by=operator(), why="proda resume")
    outcome = drive(folder, stderr(), reopen=reopen, address=address)
    _finish(folder, outcome, as_json=json)


def _estimate(sessions: Path, config: Config, corpus: Path | str) -> RunEstimate:
    with stderr().status("reading the corpus"):
        return estimate_run(sessions, config, corpus)


def _address(serve: bool, port: int) -> Address | None:
    """This machine alone; ``proda serve`` knows more. ConfigError for a port at which nothing would be served."""
    if port and not serve:
        raise ConfigError(f"--port {port} says where to serve: it goes with --serve")
    return Address(port=port) if serve else None


def status(
    session: SessionArgument = None, sessions: RootOption = DEFAULT_ROOT, json: JsonOption = False
) -> None:
    """Say what a session is doing, from outside and without disturbing it."""
    view = asyncio.run(_ask(chosen(session, sessions), "get_status"))
    if json:
        print_json(view)
    else:
        show_status(view)


def stop(
    session: SessionArgument = None,
    now: Annotated[
        bool, typer.Option("--now", help="Do not wait for the next decision: end what is running.")
    ] = False,
    why: Annotated[str, typer.Option(help="The reason, for the log.")] = "proda stop",
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Ask a session to stop at its next decision, what is running finished first; or now."""
    folder = chosen(session, sessions)
    if now:
        folder.stop_now()
        typer.echo(f"{folder.name}: will stop within seconds; proda resume goes on")
    else:
        asked = _steer(folder, SteerKind.STOP, why)
        typer.echo(f"{folder.name}: stop asked for ({asked['request_id']}); {asked['taken']}")


def steer(
    action: Annotated[
        SteerKind, typer.Argument(metavar="ACTION", help="pause, resume, stop, budget, veto, prefer or note.")
    ],
    session: SessionArgument = None,
    *,
    why: Annotated[str, typer.Option(help="The reason, for the log.")],
    option: Annotated[
        DecisionKind | None, typer.Option(help="The option that a veto or preference is about.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="New wall-clock budget in all, spent time included.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=MOST_ROUNDS, help="New number of rounds after V1 at most.")
    ] = None,
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Ask something of a running session. It is taken at the next decision and logged with who and why.

    A veto or preference is of that one decision; a pause holds until resume. Where no host runs, it waits for the next one.
    """
    folder = chosen(session, sessions)
    limits = {"wall_s": None if budget is None else seconds(budget), "rounds": rounds}
    asked = _steer(folder, action, why, option=option.value if option else None, **limits)
    typer.echo(f"{folder.name}: {action.value} asked for ({asked['request_id']}); {asked['taken']}")


def _steer(folder: SessionFolder, action: SteerKind, why: str, **more: Any) -> dict[str, Any]:
    """Ask as an MCP client would, by the name of who sits here."""
    said = {"action": action.value, "by": operator(), "why": why, **more}
    return asyncio.run(_ask(folder, "steer_session", **said))


def report(
    session: SessionArgument = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the ladder alone, as Markdown.")
    ] = False,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Show a session's report and write its report.html."""
    folder = chosen(session, sessions)
    view = asyncio.run(_whole_report(folder))
    if json:
        print_json(view)
    elif markdown:
        if not view["ladder"]:
            raise SessionError(
                f"session {folder.name} has no ladder yet: no model was scored; see proda status"
            )
        typer.echo(ladder_markdown(view))
    else:
        show_report(view)
        show_paths(folder.root, write_report(folder))


async def _ask(folder: SessionFolder, tool: str, **arguments: Any) -> dict[str, Any]:
    async with reading(folder) as client:
        return await client.call(tool, **arguments)


async def _whole_report(folder: SessionFolder) -> dict[str, Any]:
    async with reading(folder) as client:
        return await whole_report(lambda first: client.call("report_session", first=first))


def _attest(folder: SessionFolder) -> None:
    """Cards and statements can be made again at any time: where they cannot be now, that is said and ends nothing otherwise."""
    try:
        attest_session(folder)
    except ProdaError as error:
        said = f"[yellow]no statements on adapters ({escape(str(error))}); proda audit export makes them[/]"
        stderr().print(said, highlight=False, soft_wrap=True)


def _finish(folder: SessionFolder, outcome: Outcome, *, as_json: bool) -> None:
    view = asyncio.run(_whole_report(folder))
    page = write_report(folder)
    if folder.config.audit.sign:
        _attest(folder)
    if as_json:
        print_json({**view, "exit_code": outcome.exit_code, "report": str(page)})
    else:
        show_report(view)
        show_paths(folder.root, page)
        if outcome.stop_reason != view["stop_reason"]:  # interrupted: the session itself has not stopped
            typer.echo(f"  {outcome.stop_reason:<9}  {outcome.detail}")
    raise typer.Exit(outcome.exit_code)
