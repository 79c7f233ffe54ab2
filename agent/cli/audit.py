"""audit: check what a session says it did."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, SessionArgument, chosen, print_json
from agent.cli.proofs import show_explanation, show_leaks, show_replay
from agent.connect import (
    attest_session,
    check_foreign_files,
    check_leaks,
    hand_on_adapters,
    reading,
    signing_key,
    verify_session,
    write_eval_logs,
    write_session_trace,
)
from proda_core.errors import ConfigError, GuardRefusal, LedgerError
from proda_core.session import SessionFolder

app = typer.Typer(help="Check what a session says it did.", no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """Check what a session says it did."""


@app.command()
def verify(
    session: SessionArgument = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            help="Key to believe, by fingerprint or public key file; your own when left out. May be repeated.",
            show_default=False,
        ),
    ] = None,
    sink: Annotated[
        Path | None,
        typer.Option(help="Folder that was given the checkpoints; the session's own when left out."),
    ] = None,
    adapters: Annotated[
        Path | None,
        typer.Option(
            help="Folder of exported adapters to check as well, against this session.", show_default=False
        ),
    ] = None,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Verify the decision log: bytes, signatures, log against disk, the witness, and the statements beside the adapters.
    Exit code 10 when it fails."""
    view = verify_session(chosen(session, sessions), key or (), sink, handed_on=adapters)
    if json:
        print_json(view)
    else:
        _show(view)
    if not view["ok"]:
        raise typer.Exit(LedgerError.exit_code)


@app.command()
def replay(
    session: SessionArgument = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change a threshold: --set policy.min_patchable=50, --set verdict.alpha=0.01"
        ),
    ] = None,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Decide the session again from its log and reports, without any model. Exit code 10 where it diverges."""
    folder = chosen(session, sessions)
    view = asyncio.run(_paged(folder, "replay_session", "steps", set=list(set_ or [])))
    if json:
        print_json(view)
    else:
        show_replay(view)
    if not view["identical"]:
        raise typer.Exit(LedgerError.exit_code)


@app.command()
def explain(
    id: Annotated[
        str,
        typer.Argument(metavar="ID", help="An ID, decision-N, VN, or VN:i_… for a model's score on an item."),
    ],
    session: SessionArgument = None,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Show what stands behind a result, down to the sentences of the text. Exit code 10 where a step does not resolve."""
    view = asyncio.run(_paged(chosen(session, sessions), "explain_result", "steps", id=id))
    if json:
        print_json(view)
    else:
        show_explanation(view)
    if view["unresolved"]:
        raise typer.Exit(LedgerError.exit_code)


@app.command()
def leaks(
    session: SessionArgument = None,
    train: Annotated[
        Path | None, typer.Option(help="A training set of somebody else's (JSON lines) to check instead.")
    ] = None,
    benchmark: Annotated[
        Path | None, typer.Option(help="The benchmark (JSON lines) to hold it against.")
    ] = None,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Check G1 to G6 again, from what lies on disk alone. With --train and --benchmark: of other files, read by SESSION's graph
    where one is named. Exit code 6 where a rule refuses."""
    if (train is None) != (benchmark is None):
        raise ConfigError("--train and --benchmark go together: the rows, and the items they must not hold")
    if train is not None and benchmark is not None:
        graph = None if session is None else chosen(session, sessions)
        view = check_foreign_files(train, benchmark, graph)
    else:
        view = check_leaks(chosen(session, sessions))
    if json:
        print_json(view)
    else:
        show_leaks(view)
    if not view["clean"]:
        raise typer.Exit(GuardRefusal.exit_code)


async def _paged(folder: SessionFolder, tool: str, rows: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool with all of its pages in one."""
    async with reading(folder) as client:
        view = await client.call(tool, **arguments)
        while view["next"] is not None:
            more = await client.call(tool, first=view["next"], **arguments)
            view = {**more, rows: [*view[rows], *more[rows]]}
    return view


@app.command()
def export(
    session: SessionArgument = None,
    adapters: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write a folder for each adapter into: weights, model card and statement.",
            show_default=False,
        ),
    ] = None,
    inspect: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write a log of Inspect (.eval) for each scored model into.", show_default=False
        ),
    ] = None,
    otlp: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="Write the session as an OpenTelemetry trace into FILE (OTLP, JSON lines), or send it to a collector: "
            "http://127.0.0.1:4318/v1/traces",
            show_default=False,
        ),
    ] = None,
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Hand a session on to other tools. With no option: a model card and a signed statement for each adapter, in the session."""
    folder = chosen(session, sessions)
    written: list[Path | str] = []
    if adapters is not None:
        written += hand_on_adapters(folder, adapters)
    if inspect is not None:
        written += write_eval_logs(folder, inspect)
    if otlp is not None:
        written.append(write_session_trace(folder, otlp))
    if adapters is None and inspect is None and otlp is None:
        written += attest_session(folder)
    for one in written:
        typer.echo(str(one))


@app.command(name="key")
def show_key(json: JsonOption = False) -> None:
    """Show the public part of the key that signs your sessions' logs; it is made if there is none."""
    path, public = signing_key()
    if json:
        print_json({"path": str(path), "fingerprint": public.fingerprint, "public_key": public.pem()})
    else:
        typer.echo(f"{public.fingerprint}\n{public.pem()}kept in {path}")


def _show(view: dict[str, Any]) -> None:
    console = Console(highlight=False)
    signed = f", records 1 to {view['signed_to']}" if view["signed_to"] else ""
    anchored = f", records 1 to {view['anchored_to']}" if view["anchored_to"] else ""
    attested = f", {view['attested']} of {view['adapters']} adapters" if view["attested"] else ""
    rows = {
        "integrity": view["integrity"],
        "authenticity": view["authenticity"] + signed,
        "signed by": ", ".join(view["keys"]),
        "completeness": view["completeness"],
        "anchoring": view["anchoring"] + anchored,
        "attestation": view["attestation"] + attested,
        "records": str(view["records"]),
    }
    for name, said in rows.items():
        if said:
            console.print(f"  {name:<13} {escape(said)}", soft_wrap=True)
    for problem in view["problems"][:20]:
        console.print(f"  [red]✗[/] {escape(str(problem))}", soft_wrap=True)
    for blind in view["cannot_detect"]:
        console.print(f"  [dim]cannot detect: {escape(str(blind))}[/]", soft_wrap=True)
    verdict = "[green]the log verifies[/]"
    if not view["ok"]:
        verdict = f"[red]first bad: {escape(str(view['first_bad']))}[/]"
    console.print(verdict, soft_wrap=True)
