"""The report and the status as a person reads them in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.summaries import counts, describe_result, percent


def show_report(view: dict[str, Any]) -> None:
    """The ladder, what was diagnosed and patched, the decisions and one repaired case, on stdout."""
    console = Console(highlight=False, soft_wrap=False)
    console.print()
    console.print(_ladder(view))
    for tool, meta in view["stages"].items():
        console.print(f"  {escape(describe_result({'tool': tool, 'meta': meta}))}")
    _decisions(console, view)
    if view["case"]:
        console.print(_case(view["case"]))
    else:
        console.print("\nno dev item was repaired by an accepted round")


def _ladder(view: dict[str, Any]) -> Table:
    bench = view["benchmark"]
    title = f"{view['session']} · {view['corpus']} · base {view['base']} · scoring {view['scoring']}"
    caption = "accuracy in percent with 95 % Wilson intervals"
    if bench:
        caption += f"; dev n={bench['dev']}, sealed n={bench['sealed']}, {bench['groups']} chain groups"
    table = Table(
        title=title, caption=caption, title_justify="left", caption_justify="left", header_style="bold"
    )
    for column in (
        "",
        "round",
        "dev",
        "sealed",
        "general",
        "format err.",
        "repaired",
        "diagnosed (dev failures)",
        "verdict",
    ):
        table.add_column(column, overflow="fold")
    for row in view["ladder"]:
        table.add_row(
            f"[bold]{row['label']}[/]",
            row["kind"],
            percent(row["dev"]),
            percent(row["sealed"]),
            percent(row["general"]),
            str(row["format_errors"]),
            str(row["repaired"]) if row["verdict"] else "",
            counts(row["diagnoses"]),
            _verdict(row),
        )
    return table


def _verdict(row: dict[str, Any]) -> str:
    if not row["verdict"]:
        return "incumbent" if row["kind"] == "v1" else ""
    p = f"p={row['verdict']['p_dev']:.2g}"
    return f"[green]accepted[/] {p}" if row["accepted"] else f"[red]rejected[/] {p}"


def _decisions(console: Console, view: dict[str, Any]) -> None:
    if view["decisions"]:
        console.print("\n[bold]decisions[/]")
    for number, decision in enumerate(view["decisions"], 1):
        console.print(f"  {number}. [bold]{decision['kind']}[/] {escape(decision['reason'])}", soft_wrap=True)


def _case(case: dict[str, Any]) -> Panel:
    lines: list[Text | str] = [
        Text(case["stem"], style="bold"),
        *(Text(f"   {'✓' if option == case['gold'] else ' '} {option}") for option in case["options"]),
        Text(f"{case['before_model']} answered: {case['before_answer']}", style="red"),
        Text(f"   {case['before_output']}", style="dim"),
        Text(f"diagnosis: {case['diagnosis']}: {case['detail']}", style="yellow"),
        *(Text(f"patch row: {row}", style="cyan") for row in case["rows"][:2]),
        Text(f"{case['after_model']} answers: {case['after_answer']}", style="green"),
        Text(f"   {case['after_output']}", style="dim"),
        *(Text(f"“{step['quote']}” ({step['document']})", style="italic") for step in case["steps"]),
    ]
    return Panel(Group(*lines), title="one repaired case", title_align="left")


def show_status(view: dict[str, Any]) -> None:
    """What the session is doing now."""
    console = Console(highlight=False)
    console.print(f"[bold]{view['session']}[/]  {view['state']}")
    console.print(f"  now       {escape(view['now'])}")
    console.print(f"  rounds    {view['rounds']}   incumbent {view['incumbent'] or 'none yet'}")
    console.print(f"  decisions {view['decisions']}   last: {escape(view['last_decision'] or 'none yet')}")
    console.print(f"  budget    {escape(counts(view['budget']) or 'unlimited')}")
    if view["stop_reason"]:
        console.print(f"  stopped   {view['stop_reason']}")
