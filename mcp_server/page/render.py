"""Render the report's data as one HTML page: style and plots inside, no script, no network.

Everything that comes from a corpus or a model is escaped by the template engine; a content policy in the page forbids it to load
anything, whatever it may hold. What a figure means is said beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from evals.repair import RECIPES
from mcp_server.page.plots import SETS, gains_svg, ladder_svg, loss_svg, mastery_svg
from proda_core.disciplines import DISCIPLINE_NAMES

_FOLDER = Path(__file__).parent
_NAMES = {
    "qa": "open questions",
    "choice": "multiple choice",
    "true_false": "true/false",
    "subst_adj": "neighbour instead (SUBST_ADJ)",
    "reversed": "direction reversed",
    "swapped_type": "relation type swapped",
    "truncated": "chain cut short",
    "sibling": "end of a sibling chain",
    "options_only_fitted": "fitted to the options alone",
    **DISCIPLINE_NAMES,
}

# One colour (the style's .k0 to .k6) for one thing wherever it appears, and the order in which a stacked bar shows it.
_HUES = {
    "patch": 0,
    "patch contrast": 0,
    "patch chain": 5,
    "carried": 5,
    "scaffold": 3,
    "scaffold chain": 3,
    "general": 2,
    "replay": 6,
    "concept_gap": 1,
    "reasoning_deficit": 4,
    "unstable": 5,
    "format_error": 3,
    "item_defect": 6,
}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a stacked bar."""

    name: str
    count: int
    share: float
    hue: int


def render_page(view: Mapping[str, Any], log: Mapping[str, Any] | None = None) -> str:
    """``view`` is report_session's result in plain form; ``log`` the decision log's ``records``, ``head`` and ``at``."""
    ladder = view["ladder"]
    return _template("report.html.j2").render(
        view=view,
        log=log or {},
        sets=SETS,
        style=_style(),
        about=RECIPES,
        plots={name: Markup(svg) for name, svg in _plots(view).items()},
        rounds=rounds(ladder),
        first=next((row for row in ladder if row["kind"] == "v1"), None),
        best=_incumbent(ladder),
        codes={code for row in ladder for code in row["slices"].get("discipline", {})},
    )


def render_bench(figures: Mapping[str, Any]) -> str:
    """The page of a repair bench: ``figures`` as bench_repair returns them."""
    return _template("bench.html.j2").render(
        figures=figures,
        about=RECIPES,
        sets=SETS,
        style=_style(),
        plot=Markup(gains_svg(list(figures["recipes"]))),
    )


def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "pct": lambda share: f"{100 * share:.1f}",
        "span": lambda i: f"{100 * i['low']:.0f}–{100 * i['high']:.0f}",
        "points": lambda gain: f"{100 * gain['value']:+.1f}".replace("-", "−"),
        "points_span": lambda gain: f"{100 * gain['low']:+.0f} to {100 * gain['high']:+.0f}".replace(
            "-", "−"
        ),
        "stacked": stacked,
        "say": say,
        "figure": figure,
        "time": time,
    }
    return environment.get_template(name)


def _style() -> Markup:
    return Markup((_FOLDER / "report.css").read_text(encoding="utf-8"))


def rounds(ladder: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every trained rung with ``repairs``: label and diagnoses of the incumbent that it was made to repair."""
    found = []
    incumbent: dict[str, Any] | None = None
    for row in ladder:
        if row["kind"] == "base":
            continue
        found.append({**row, "repairs": incumbent if row["kind"] == "patch" else None})
        if row["accepted"]:
            incumbent = row
    return found


def stacked(table: Mapping[str, int]) -> list[Part]:
    """The parts of a stacked bar in the order of ``_HUES``, then the unknown ones; zeros are left out."""
    total = sum(table.values()) or 1
    order = {name: place for place, name in enumerate(_HUES)}
    named = sorted(
        (name for name in table if table[name]), key=lambda name: (order.get(name, len(order)), name)
    )
    return [
        Part(name, table[name], table[name] / total, _HUES.get(name, place % 7))
        for place, name in enumerate(named)
    ]


def say(name: object) -> str:
    """An identifier in words: reasoning_deficit is "reasoning deficit", 006 is "biology"."""
    text = str(name)
    return _NAMES.get(text, text.replace("_", " ").replace(":", ": "))


def figure(value: object) -> str:
    """A figure as it is read: 27,430 and 0.14; text as it stands."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


def time(seconds: float) -> str:
    """43 s, 6:41 min, 1:02 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60}:{whole % 60:02d} min"
        if whole < 3600
        else f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    )


def _incumbent(ladder: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((row for row in reversed(ladder) if row["accepted"] and row["kind"] != "base"), None)


def _plots(view: Mapping[str, Any]) -> dict[str, str]:
    ladder = view["ladder"]
    plots = {"ladder": ladder_svg(ladder)} if ladder else {}
    if any(row["loss"] for row in ladder):
        plots["loss"] = loss_svg(ladder)
    if any(row["training"].get("mastery") for row in ladder):
        plots["mastery"] = mastery_svg(ladder)
    if view["controls"]:
        plots["gains"] = gains_svg(list(view["controls"]["recipes"]))
    return plots
