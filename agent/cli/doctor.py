"""doctor: what this machine can do for a session, and what is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.cli.options import DEFAULT_ROOT, JsonOption, RootOption, print_json
from agent.connect import examine_machine
from proda_core.config import load_config

_SIGNS = {"found": "[green]✓[/]", "absent": "[yellow]–[/]", "wrong": "[bold red]✗[/]"}


def doctor(
    base: Annotated[
        str, typer.Option(help="Base to try: 'pocket', a folder, or a hub ID in the local cache.")
    ] = "pocket",
    vllm: Annotated[
        str, typer.Option(help="Python of vLLM's own environment, or address of its server, to look at.")
    ] = "",
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """Say what this machine has, what a session does without, and what keeps it from running (exit code 1)."""
    where = "url" if vllm.startswith(("http://", "https://")) else "python"
    config = load_config(None, [f"vllm.{where}={vllm}"] if vllm else [])
    found = examine_machine(config.student.model_copy(update={"base": base}), config.vllm, sessions)
    wrong = [finding for finding in found if finding.state == "wrong"]
    if json:
        print_json({"ok": not wrong, "findings": [asdict(finding) for finding in found]})
    else:
        table = Table.grid(padding=(0, 2))
        for finding in found:
            said = escape(finding.seen) + (f"\n[dim]{escape(finding.advice)}[/]" if finding.advice else "")
            table.add_row(_SIGNS[finding.state], f"[bold]{escape(finding.name)}[/]", said)
        console = Console(highlight=False)
        console.print(table)
        console.print(
            "a session can run here" if not wrong else f"[bold red]wrong: {len(wrong)}[/]", markup=True
        )
    if wrong:
        raise typer.Exit(1)
