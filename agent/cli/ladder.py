"""The ladder of rounds as a table: narrow enough for 80 columns in a terminal, or as Markdown for a README.

Both show the same columns, made from the same cells, so that a page that quotes the table can be held to the command.
"""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Column, Table

from agent.summaries import percent, points, words

SETS = ("dev", "sealed", "general")
CAPTION = (
    "accuracy in percent, 95 % interval in brackets; ▸ the incumbent; "
    "format errors and answers off the options: of dev and sealed"
)


def incumbent(view: dict[str, Any]) -> str:
    """Label of the last accepted rung; "" until there is a trained one."""
    trained = [row["label"] for row in view["ladder"] if row["accepted"] and row["kind"] != "base"]
    return trained[-1] if trained else ""


def headings(view: dict[str, Any]) -> list[str]:
    """Column titles: the sets with their n."""
    first = view["ladder"][0]
    return ["round", *(f"{name} (n={first[name]['n']})" for name in SETS), "format errors, off", "verdict"]


def cells(row: dict[str, Any]) -> list[str]:
    """One rung's cells, under ``headings``."""
    errors = f"{row['format_errors']}, {row['off_options']}"
    return [row["label"], *(percent(row[name]) for name in SETS), errors, verdict_word(row)]


def verdict_word(row: dict[str, Any]) -> str:
    """accepted, rejected, or what stands there without a verdict."""
    if row["verdict"]:
        return "accepted" if row["accepted"] else "rejected"
    return {"base": "", "v1": "first"}.get(row["kind"], "not judged")


def ladder_table(view: dict[str, Any]) -> Table:
    """For a terminal of 80 columns or more."""
    titles = [title.replace(" ", "\n", 1) for title in headings(view)]
    columns = [
        Column(titles[0], no_wrap=True),
        *(Column(title, no_wrap=True, justify="right") for title in titles[1:5]),
        Column(titles[5], no_wrap=True),
    ]
    table = Table(
        *columns,
        box=SIMPLE_HEAD,
        caption=CAPTION,
        caption_justify="left",
        header_style="bold",
        padding=(0, 1),
    )
    best = incumbent(view)
    for row in view["ladder"]:
        label, *figures, word = cells(row)
        colour = {"accepted": "green", "rejected": "red"}.get(word)
        mark = "▸ " if label == best else "  "
        table.add_row(
            f"{mark}{escape(label)}",
            *figures,
            f"[{colour}]{word}[/]" if colour else word,
            style="bold" if label == best else "dim" if word == "rejected" else "",
        )
    return table


def general_table(view: dict[str, Any]) -> Table:
    """General skill by kind of task and by subject: the base, V1 and the incumbent, the greatest loss first."""
    first, best = view["ladder"][0], incumbent(view)
    shown = [row for row in view["ladder"] if row["kind"] in ("base", "v1") or row["label"] == best]
    table = Table(
        Column("kind or subject", overflow="fold"),
        Column("n", justify="right", no_wrap=True),
        *(Column(row["label"], justify="right", no_wrap=True) for row in shown),
        Column("change", justify="right", no_wrap=True),
        box=SIMPLE_HEAD,
        caption="accuracy in percent, of n tasks or questions each: few tell little",
        caption_justify="left",
        header_style="bold",
        padding=(0, 1),
    )
    last = shown[-1]["general_by"]
    change = {
        name: last[name]["value"] - of["value"] for name, of in first["general_by"].items() if name in last
    }
    for name in sorted(change, key=lambda name: (change[name], name)):
        figures = [_share(row["general_by"].get(name)) for row in shown]
        table.add_row(
            escape(words(name)),
            str(first["general_by"][name]["n"]),
            *figures,
            points({"value": change[name]}),
        )
    return table


def _share(interval: dict[str, Any] | None) -> str:
    return "" if interval is None else f"{100 * interval['value']:.1f}"


def ladder_markdown(view: dict[str, Any]) -> str:
    """The same table as Markdown, with the session it is from and why it ended below it."""
    titles = headings(view)
    lines = [_row(titles), _row(["---", *["---:"] * (len(titles) - 2), "---"])]
    best = incumbent(view)
    for row in view["ladder"]:
        label, *rest = cells(row)
        lines.append(_row([f"**{label}** ▸" if label == best else label, *rest]))
    stop = (
        f" It stopped for the reason *{words(view['stop_reason'])}*."
        if view["stop_reason"]
        else " It has not finished."
    )
    about = f"`{view['session']}`: corpus {view['corpus']}, base {view['base']}, scoring {view['scoring']}, seed {view['seed']}."
    return "\n".join([*lines, "", f"{CAPTION[:1].upper()}{CAPTION[1:]}. {about}{stop}"])


def _row(texts: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"
