"""What recipes of a repair round gained over V1, as tables for 80 columns: for the bench, and for a report's reference."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from agent.connect import RECIPES

_SETS = ("dev", "sealed", "general")


def show_gains(figures: dict[str, Any], console: Console) -> None:
    """Two tables: each recipe against V1, and the diagnosed patch against each control."""
    level = f"{100 * figures['level']:.0f} %"
    console.print(f"\n[bold]against V1[/] [dim]gain in points, {level} interval over {_sessions(figures)}[/]")
    table = _table("recipe", "rows", *_SETS, "p<.05")
    before = figures["before"]
    for name in ("base", "V1"):
        table.add_row(name, "", *(f"{100 * before[name][one]:.1f} %" for one in _SETS), "", style="dim")
    for row in figures["recipes"]:
        significant = f"{sum(p < 0.05 for p in row['p_dev'])} of {len(row['p_dev'])}"
        table.add_row(
            row["recipe"], f"{row['rows']:,.0f}", *(_gain(row["gain"][one]) for one in _SETS), significant
        )
    console.print(table)
    if figures["comparisons"]:
        console.print(f"[bold]the diagnosed patch against each control[/] [dim]points, {level} interval[/]")
        table = _table("control", *_SETS)
        for row in figures["comparisons"]:
            table.add_row(row["control"], *(_gain(row["gain"][one]) for one in _SETS))
        console.print(table)
    for row in figures["recipes"]:
        console.print(f"  [dim]{row['recipe']:<10} {RECIPES[row['recipe']]}: {_roles(row['roles'])}[/]")


def _roles(rows: dict[str, float]) -> str:
    """Mean rows of a session by role."""
    return ", ".join(f"{count:,.0f} {role}" for role, count in rows.items())


def _sessions(figures: dict[str, Any]) -> str:
    count = len(figures["sessions"])
    return "one session" if count == 1 else f"{count} sessions"


def _gain(interval: dict[str, Any]) -> str:
    low, value, high = (100 * interval[key] for key in ("low", "value", "high"))
    colour = "green" if low > 0 else "red" if high < 0 else "default"
    return f"[{colour}]{value:+.1f} ({low:+.0f} {high:+.0f})[/]"


def _table(*titles: str) -> Table:
    first, *rest = titles
    columns = [Column(first, no_wrap=True), *(Column(title, justify="right", no_wrap=True) for title in rest)]
    return Table(
        *columns, box=SIMPLE_HEAD, header_style="bold", padding=(0, 1), pad_edge=False, collapse_padding=True
    )
