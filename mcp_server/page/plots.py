"""Plots of the report as inline SVG: the ladder of rounds with intervals, and the loss curves.

Colours are legible on light and dark pages; text stays text, so that it can be searched and read aloud.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SERIES = (("dev", "#2f7ed8"), ("sealed", "#d9822b"), ("general", "#3a9d5d"))
_GREY = "#8a8f98"


def ladder_svg(ladder: list[dict[str, Any]]) -> str:
    """Accuracy of each round on dev, sealed and general, with 95 % intervals; rejected rounds hollow."""
    figure, axes = _figure(6.4, 3.2)
    for shift, (name, colour) in enumerate(_SERIES):
        xs = [i + (shift - 1) * 0.12 for i in range(len(ladder))]
        values = [100 * row[name]["value"] for row in ladder]
        low = [max(0.0, 100 * (row[name]["value"] - row[name]["low"])) for row in ladder]
        high = [max(0.0, 100 * (row[name]["high"] - row[name]["value"])) for row in ladder]
        axes.errorbar(xs, values, yerr=[low, high], fmt="none", ecolor=colour, elinewidth=1.4, capsize=3)
        for x, value, row in zip(xs, values, ladder, strict=True):
            axes.plot(
                x,
                value,
                "o",
                color=colour,
                markerfacecolor=colour if row["accepted"] else "none",
                markersize=6,
            )
        axes.plot([], [], "o", color=colour, label=name)
    axes.axhline(25, color=_GREY, linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(ladder)), [f"{r['label']}\n{r['kind']}" for r in ladder])
    axes.set_ylim(0, 100)
    axes.set_ylabel("accuracy, %")
    axes.legend(frameon=False, labelcolor=_GREY, ncols=3, loc="upper left")
    return _svg(figure)


def loss_svg(ladder: list[dict[str, Any]]) -> str:
    """Training loss by step, one line a round."""
    figure, axes = _figure(6.4, 2.6)
    for row in ladder:
        if row["loss"]:
            axes.plot(
                [p[0] for p in row["loss"]], [p[1] for p in row["loss"]], linewidth=1.3, label=row["label"]
            )
    axes.set_xlabel("step")
    axes.set_ylabel("loss on answers")
    if axes.lines:
        axes.legend(frameon=False, labelcolor=_GREY)
    return _svg(figure)


def _figure(width: float, height: float) -> Any:
    os.environ.setdefault("MPLCONFIGDIR", str(Path(tempfile.gettempdir()) / "proda-matplotlib"))
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "proda"  # the same data gives the same bytes
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.tick_params(colors=_GREY)
    for spine in axes.spines.values():
        spine.set_color(_GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.label.set_color(_GREY)
    axes.yaxis.label.set_color(_GREY)
    return figure, axes


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
