"""graph: build the knowledge graph of a corpus and look into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.cli.options import (
    DEFAULT_ROOT,
    CorpusArgument,
    JsonOption,
    RootOption,
    SessionArgument,
    chosen,
    print_json,
    stderr,
)
from agent.client import ToolClient
from agent.connect import create_session, owned, reading
from agent.nodes import Nodes
from agent.summaries import counts
from agent.view import SessionView
from proda_core.config import load_config
from proda_core.demo import DEMO_CONFIG, DEMO_CORPUS
from proda_core.policy import RulePolicy
from proda_core.session import SessionFolder

Connect = Callable[[SessionFolder], AbstractAsyncContextManager[ToolClient]]

app = typer.Typer(help="Build the knowledge graph of a corpus and look into it.", no_args_is_help=True)
SessionOption = Annotated[
    str | None, typer.Option("--session", help="Session; the newest when left out.", show_default=False)
]


@app.command()
def build(
    corpus: CorpusArgument = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration (TOML).", exists=True, dir_okay=False)
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override one key.")] = None,
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Curate CORPUS and extract its graph; proda run on the same corpus goes on from there."""
    file = config if config is not None or corpus is not None else DEMO_CONFIG
    folder = create_session(sessions, load_config(file, set_ or []), corpus or DEMO_CORPUS)

    async def work() -> dict[str, Any]:
        async with owned(folder) as client:
            with SessionView(stderr()) as view:
                nodes = Nodes(client, RulePolicy.of(folder.config), view.tell)
                await nodes.curate({})
                await nodes.extract({})
            return await client.call("graph_stats")

    _stats(asyncio.run(work()))
    typer.echo(f"session  {folder.root}")


@app.command()
def stats(
    session: SessionArgument = None, sessions: RootOption = DEFAULT_ROOT, json: JsonOption = False
) -> None:
    """Counts of the three levels, types, components and orphans."""
    view = _ask(chosen(session, sessions), "graph_stats")
    if json:
        print_json(view)
    else:
        _stats(view)


@app.command()
def show(
    term: Annotated[str, typer.Argument(help="A concept's term or alias.")],
    session: SessionOption = None,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """A concept: definition, relations with their sentences, neighbours N(e)."""
    view = _ask(chosen(session, sessions), "show_concept", term=term)
    if json:
        print_json(view)
        return
    console = Console(highlight=False)
    console.print(f"[bold]{escape(view['term'])}[/] [dim]{view['concept_id']} · {view['discipline']}[/]")
    if view["aliases"]:
        console.print(f"  also: {escape(', '.join(view['aliases']))}")
    if view["definition"]:
        console.print(f"  {escape(view['definition'])}")
    for relation in view["relations"]:
        console.print(f"  • {escape(relation['statement'])}  [dim]“{escape(relation['quote'])}”[/]")


@app.command()
def path(
    start: Annotated[str, typer.Argument(metavar="A", help="Where the walk starts.")],
    end: Annotated[str, typer.Argument(metavar="B", help="Where it ends.")],
    session: SessionOption = None,
    sessions: RootOption = DEFAULT_ROOT,
    json: JsonOption = False,
) -> None:
    """The shortest chain from A to B, with the sentence behind each step."""
    view = _ask(chosen(session, sessions), "find_path", start=start, end=end)
    if json:
        print_json(view)
        return
    console = Console(highlight=False)
    if not view["steps"]:
        console.print(
            f"no chain of at most {view['max_hops']} relations leads from {escape(start)} to {escape(end)}"
        )
        return
    console.print("[bold]" + escape(" → ".join(view["terms"])) + "[/]")
    for step in view["steps"]:
        console.print(f"  {escape(step['statement'])}  [dim]“{escape(step['quote'])}”[/]")


@app.command()
def export(
    target: Annotated[
        Path, typer.Argument(help="Folder to write concepts, relations and chains (JSON lines) into.")
    ],
    session: SessionOption = None,
    sessions: RootOption = DEFAULT_ROOT,
) -> None:
    """Write the graph as JSON lines."""
    folder = chosen(session, sessions)
    table = _ask(folder, "export_graph", at=owned)
    target.mkdir(parents=True, exist_ok=True)
    source = Path(table["folder"])
    for name in table["files"]:
        (target / name).write_bytes((source / name).read_bytes())
        typer.echo(str(target / name))


def _ask(folder: SessionFolder, tool: str, *, at: Connect = reading, **arguments: Any) -> dict[str, Any]:
    """Call a tool beside whoever runs the session, or ``at`` a host that owns it."""

    async def ask() -> dict[str, Any]:
        async with at(folder) as client:
            return await client.call(tool, **arguments)

    return asyncio.run(ask())


def _stats(view: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("L1 concepts", str(view["concepts"]))
    table.add_row("L2 relations", f"{view['relations']}  [dim]{counts(view['by_type'])}[/]")
    table.add_row("L3 chains", f"{view['chains']}  [dim]{counts(view['by_hops'])}[/]")
    table.add_row(
        "components",
        f"{view['components']}, the largest holds {100 * view['largest_share']:.1f} % of the concepts",
    )
    table.add_row("orphans", str(view["orphans"]))
    Console(highlight=False).print(table)
