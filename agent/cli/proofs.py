"""Audits as a person reads them: a replay step by step, an explanation as a tree, what a check for leaks found."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.tree import Tree

_MOST_REFUSALS = 20
_MARK = {"identical": "[green]=[/]", "diverges": "[red]≠[/]", "as recorded": "[dim]·[/]"}


def show_replay(view: dict[str, Any]) -> None:
    """Each step with its mark, then where the session would have gone another way."""
    console = Console(highlight=False)
    grid = Table.grid(
        Column(no_wrap=True), Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2, 0, 0)
    )
    for step in view["steps"]:
        said = f"\n[dim]{escape(step['detail'])}[/]" if step["detail"] else ""
        grid.add_row(_MARK[step["status"]], str(step["seq"]), f"{step['about']} {escape(step['name'])}{said}")
    console.print(grid)
    if view["identical"]:
        again = sum(step["status"] == "identical" for step in view["steps"])
        console.print(f"[green]identical:[/] {again} steps decided again from what was recorded")
        return
    console.print(f"[red]first divergence:[/] {escape(view['first_divergence'])}", soft_wrap=True)
    if view["first_other_choice"]:
        console.print(f"[red]first other choice:[/] {escape(view['first_other_choice'])}", soft_wrap=True)
    else:
        console.print("every choice would have been the same")


def show_explanation(view: dict[str, Any]) -> None:
    """The tree, each step under what it explains, the sentences as they stand in the text."""
    console = Console(highlight=False)
    trees: list[Tree] = []
    for step in view["steps"]:
        label = _label(step)
        tree = trees[step["depth"] - 1].add(label) if step["depth"] else Tree(label, guide_style="dim")
        del trees[step["depth"] :]
        trees.append(tree)
    console.print(trees[0])
    said = f"{view['sentences']} sentences, every step resolved"
    if view["unresolved"]:
        said = f"[red]{view['unresolved']} of {view['total']} steps do not resolve[/]"
    console.print(said)


def _label(step: dict[str, Any]) -> str:
    name = f"[bold]{step['kind']}[/]" + (
        f" [cyan]{escape(step['id'])}[/]" if step["id"] and step["kind"] != "sentence" else ""
    )
    record = f" [dim]record {step['record']}[/]" if step["record"] and step["kind"] != "record" else ""
    lost = "" if step["resolved"] else " [red]not resolved[/]"
    if step["kind"] == "sentence":
        return f"[italic]“{escape(step['quote'])}”[/] [dim]{escape(step['document'])}: {escape(step['says'])}[/]{lost}"
    return f"{name}  {escape(step['says'])}{record}{lost}"


def show_leaks(view: dict[str, Any]) -> None:
    """What was looked at, each rule with its count or why it was not judged, and the first refusals."""
    console = Console(highlight=False)
    for checked in view["checked"]:
        console.print(f"  [dim]checked[/] {escape(checked)}", soft_wrap=True)
    for rule in view["rules"]:
        said = f"[red]{rule['refused']} refused[/]" if rule["refused"] else "[green]nothing refused[/]"
        console.print(
            f"  {rule['rule']}  {said if rule['judged'] else '[yellow]not judged[/]: ' + escape(rule['why_not'])}"
        )
    for refusal in view["refusals"][:_MOST_REFUSALS]:
        where = (
            f"{refusal['where']}, {refusal['row']}"
            if refusal["row"] not in refusal["where"]
            else refusal["where"]
        )
        console.print(
            f"  [red]✗[/] {refusal['rule']} {escape(where)}: {escape(refusal['detail'])}", soft_wrap=True
        )
    judged = ", ".join(rule["rule"] for rule in view["rules"] if rule["judged"])
    console.print(f"[green]no leak by {judged}[/]" if view["clean"] else "[red]there are leaks[/]")
