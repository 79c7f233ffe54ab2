"""The report and the status as a person reads them in a terminal of 80 columns or more.

Top to bottom: what went in, the ladder and the controls to hold it against, what happened in each round, the decisions, one
repaired case followed to the sentence it came from, how it ended and where the files lie. Corpus and model text is escaped, never
read as markup.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Column, Table

from agent.cli.gains import show_gains
from agent.cli.ladder import general_table, ladder_table
from agent.summaries import (
    describe_result,
    duration,
    mastery_curve,
    plural,
    points,
    subject,
    tally,
    words,
)

_KIND_COLOUR = {"patch": "cyan", "replay": "magenta", "stop": "yellow"}
_SHOWN_ROWS = 2


def show_report(view: dict[str, Any], console: Console | None = None) -> None:
    """The whole report on stdout."""
    console = console or Console(highlight=False)
    console.print(f"\n[bold]{escape(view['session'])}[/]", highlight=False)
    console.print(
        f"[dim]corpus {escape(view['corpus'])}, base {escape(view['base'])}, scoring {view['scoring']}, seed {view['seed']}[/]"
    )
    if view["stages"]:
        rows = [
            (subject(tool), describe_result({"tool": tool, "meta": meta}))
            for tool, meta in view["stages"].items()
        ]
        _section(console, "what went in", _grid([(label, escape(text)) for label, text in rows]))
    if view["ladder"]:
        console.print("\n[bold]the ladder[/]")
        console.print(ladder_table(view))
    if len(view["ladder"]) > 1:
        console.print("\n[bold]general skill, before and after[/]")
        console.print(general_table(view))
    if view["controls"]:
        console.print("\n[bold]the controls, for reference[/] [dim]not of this session[/]")
        show_gains(view["controls"], console)
    rounds = [row for row in view["ladder"] if row["kind"] != "base"]
    if rounds:
        _section(console, "the rounds", _grid([(row["label"], _round(row)) for row in rounds]))
    if view["decisions"]:
        lines = [(f"{n:>2}.", _decision(decision)) for n, decision in enumerate(view["decisions"], 1)]
        _section(console, "the decisions", _grid(lines))
    if view["steering"]:
        _section(console, "the steering", _grid([(one["kind"], _steered(one)) for one in view["steering"]]))
    _section(console, "one repaired case", _case(view["case"]) if view["case"] else _no_case(view))
    _section(console, "the end", _grid(_end(view), width=9))


def show_paths(root: Path, page: Path) -> None:
    """Where everything lies, and the command that checks it."""
    console = Console(highlight=False)
    rows = [
        ("report", page),
        ("session", root),
        ("log", root / "decisions.jsonl"),
        ("check it", f"proda audit verify {root.name}"),
    ]
    for label, what in rows:
        console.print(f"  {label:<9}  {escape(str(what))}", soft_wrap=True)


def _section(console: Console, title: str, body: RenderableType) -> None:
    console.print(f"\n[bold]{title}[/]")
    console.print(body)


def _grid(rows: list[tuple[str, str]], *, width: int = 0) -> Padding:
    """Labels, and beside each its text, which wraps under itself. Texts are markup: escape what is not one's own."""
    grid = Table.grid(Column(no_wrap=True, min_width=width), Column(overflow="fold"), padding=(0, 2, 0, 0))
    for label, text in rows:
        grid.add_row(label, text)
    return Padding(grid, (0, 0, 0, 2), expand=False)


def _round(row: dict[str, Any]) -> str:
    lines = [_made(row)]
    if row["verdict"]:
        lines.append(_outcome(row))
    if row["diagnoses"]:
        lines.append(
            f"{plural(sum(row['diagnoses'].values()), 'dev failure')} diagnosed: {tally(row['diagnoses'])}"
        )
    return "\n".join(lines)


def _made(row: dict[str, Any]) -> str:
    """How the round's model came about: rows written, rows trained on, what training showed."""
    made = f"{row['kind']}: " if row["kind"] != "v1" else ""
    if row["patch_rows"]:
        kinds = {name.removeprefix("patch "): n for name, n in row["patch_rows"].items()}
        made += f"{plural(sum(kinds.values()), 'row')} written ({tally(kinds)}); "
    if row["mixture_rows"]:
        made += (
            f"trained on {plural(sum(row['mixture_rows'].values()), 'row')} ({tally(row['mixture_rows'])})"
        )
    training = row["training"]
    if training:
        made += f", {plural(training['steps'], 'step')} in {duration(training['wall_s'])}"
        if training.get("mastery"):
            made += f"; probed facts known {mastery_curve(training['mastery'])}"
    return made


def _outcome(row: dict[str, Any]) -> str:
    verdict = row["verdict"]
    gains = ", ".join(f"{name} {points(verdict[f'{name}_gain'])}" for name in ("dev", "sealed", "general"))
    figures = f"{verdict['dev_fixed']} repaired, {verdict['dev_broken']} broken; {gains} points"
    figures += f"; p = {verdict['p_dev']:.2g} against {verdict['alpha']:.3g}"
    if row["accepted"]:
        return f"[green]accepted[/]: {figures}"
    why = "; ".join(reason.split(":", 1)[0] for reason in verdict["reasons"])
    return f"[red]rejected[/]: {escape(why)} ({figures})"


def _decision(decision: dict[str, Any]) -> str:
    colour = _KIND_COLOUR.get(decision["kind"], "default")
    by = f" [dim]chosen by the {decision['chosen_by']}[/]" if decision["chosen_by"] == "operator" else ""
    if decision["asked"]:
        by += f" [dim]asked: {escape(decision['asked'])}[/]"
    return f"[bold {colour}]{escape(decision['kind'])}[/]  {escape(decision['reason'])}{by}"


def _steered(one: dict[str, Any]) -> str:
    """What an operator asked for, by whom, why, and what became of it."""
    about = f"{one['about']}: " if one["about"] else ""
    effect = "" if one["effect"] == "taken" else f" ({one['effect']})"
    return escape(f"{about}{one['why']}{effect}; asked by {one['by']}")


def _case(case: dict[str, Any]) -> Padding:
    """From the question to the sentence, in the order in which it happened."""
    options = [
        f"{chr(65 + n)}. {escape(option)}" + (" [green]← right[/]" if option == case["gold"] else "")
        for n, option in enumerate(case["options"])
    ]
    rows = [
        ("question", f"[bold]{escape(case['stem'])}[/]\n" + "\n".join(options)),
        (f"{case['before_model']} said", f"[red]{escape(case['before_answer'])}[/]{_output(case, 'before')}"),
        ("diagnosis", f"[yellow]{escape(words(case['diagnosis']))}[/]: {escape(case['detail'])}"),
        *(("patch row", f"[cyan]{escape(row)}[/]") for row in case["rows"][:_SHOWN_ROWS]),
        (f"{case['after_model']} says", f"[green]{escape(case['after_answer'])}[/]{_output(case, 'after')}"),
    ]
    for number, step in enumerate(case["steps"], 1):
        read = f"{escape(step['statement'])}\n[italic]“{escape(step['quote'])}”[/] [dim]{escape(step['document'])}[/]"
        rows.append((f"read {number}", read))
    return _grid(rows)


def _output(case: dict[str, Any], when: str) -> str:
    """What the model wrote, unless that is its answer and nothing more."""
    text = " ".join(str(case[f"{when}_output"]).split())
    return "" if not text or text == case[f"{when}_answer"] else f"\n[dim]{escape(text)}[/]"


def _no_case(view: dict[str, Any]) -> Padding:
    patches = [row for row in view["ladder"] if row["kind"] == "patch"]
    if not patches:
        why = "No patch round was run."
    elif not any(row["accepted"] for row in patches):
        why = (
            "None to show: no patch round was accepted, so the repairs above belong to no model that is kept."
        )
    else:
        why = "None to show: no diagnosed failure was repaired by an accepted patch round."
    return Padding(f"[dim]{why}[/]", (0, 0, 0, 2))


def _end(view: dict[str, Any]) -> list[tuple[str, str]]:
    stopped = "not finished; proda resume goes on"
    if view["stop_reason"]:
        last = view["decisions"][-1]["reason"] if view["decisions"] else ""
        detail = f"decision {len(view['decisions'])}" if view["stop_detail"] == last else view["stop_detail"]
        stopped = f"{words(view['stop_reason'])} ({detail})"
    return [("stopped", escape(stopped)), ("spent", escape(spent(view["budget"])))]


def spent(budget: dict[str, Any]) -> str:
    """The budget in words: 3:28 min, 1 of 1 rounds, 29 MB of 2,000 MB."""
    said = []
    for name, meter in sorted(budget.items(), reverse=True):  # wall time first
        used, limit = meter["used"], meter["limit"]
        if name == "wall_s":
            said.append(duration(used) + (f" of {duration(limit)}" if limit is not None else ""))
        elif name == "disk_bytes":
            said.append(f"{used / 1e6:,.0f} MB" + (f" of {limit / 1e6:,.0f} MB" if limit is not None else ""))
        elif name == "money":
            if used or limit is not None:  # a session whose teacher is no model has nothing to say of it
                said.append(f"{used:,.4g}" + (f" of {limit:,.4g}" if limit is not None else "") + " money")
        else:
            said.append(f"{used:g}" + (f" of {limit:g}" if limit is not None else "") + f" {words(name)}")
    return ", ".join(said) or "nothing yet"


def show_estimate(view: dict[str, Any]) -> None:
    """What a session would ask of a model."""
    console, calls = Console(highlight=False), view["calls"]
    rows = [
        (
            "corpus",
            f"{view['documents']:,} documents, {view['chunks']:,} chunks, {view['words']:,} words",
        ),
        ("teacher", escape(view["teacher"])),
        ("policy", escape(view["policy"])),
        (
            "calls",
            f"{calls['calls']:,}: " + ", ".join(f"{n:,} {purpose}" for purpose, n in calls["by"].items()),
        ),
        ("tokens", f"about {calls['input_tokens']:,} sent, {calls['output_tokens']:,} answered"),
        ("money", _money(calls["money"], view["limit"])),
        ("time", f"about {duration(calls['time_s'])} for the calls alone"),
    ]
    for name, said in (
        rows if calls["calls"] else [*rows[:3], ("calls", "none: neither teacher nor policy is a model")]
    ):
        console.print(f"  [bold]{name:<8}[/] {said}")
    console.print("[dim]estimated from the corpus; nothing was asked and no session was made[/]")


def _money(amount: float | None, limit: float | None) -> str:
    if amount is None:
        return "price not known: set calls.input_price and calls.output_price"
    of = (
        ""
        if limit is None
        else f", of a budget of {limit:,.4g}" + (" [red](too little)[/]" if amount > limit else "")
    )
    return f"about {amount:,.4g}{of}"


def _meters(budget: dict[str, str]) -> dict[str, dict[str, float | None]]:
    """get_status's "208.2 of unlimited" as figures again."""
    meters = {}
    for name, text in budget.items():
        used, _, limit = text.partition(" of ")
        meters[name] = {"used": float(used), "limit": None if limit == "unlimited" else float(limit)}
    return meters


def _asked(view: dict[str, Any]) -> str:
    """What operators' requests are still to bring."""
    if view["stop_requested"] and not view["stop_reason"]:
        return "to stop at the next decision"
    count = view["waiting_requests"]
    return (
        f"{count} {'request waits' if count == 1 else 'requests wait'} for the next decision" if count else ""
    )


def show_status(view: dict[str, Any]) -> None:
    """What the session is doing now."""
    console = Console(highlight=False)
    console.print(f"[bold]{escape(view['session'])}[/]  {view['state']}")
    rows = [
        ("now", view["now"]),
        ("rounds", f"{view['rounds']} after V1; incumbent {view['incumbent'] or 'none yet'}"),
        ("decisions", f"{view['decisions']}; last {view['last_decision'] or 'none yet'}"),
        ("budget", spent(_meters(view["budget"]))),
        *([("host", view["host"])] if view["host"] else []),
        *([("stopped", words(view["stop_reason"]))] if view["stop_reason"] else []),
        *([("paused", f"by {view['paused']}")] if view["paused"] else []),
        *([("asked", asked)] if (asked := _asked(view)) else []),
    ]
    console.print(_grid([(label, escape(text)) for label, text in rows]))
