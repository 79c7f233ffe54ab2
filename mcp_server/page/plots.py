"""Plots as inline SVG, drawn here: the ladder of rounds with intervals, loss by step, mastery by pass, gains by recipe.

No colour is written into them but by class, so one plot serves light and dark pages; text stays text, so that it can be searched
and read aloud. The same figures give the same bytes. Labels are escaped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

SETS = ("dev", "sealed", "general")
_CHANCE = 25
_SMOOTHING = 9  # steps on each side in the running mean of the loss


@dataclass(frozen=True, slots=True)
class Frame:
    """The drawing's size in units and the ranges that its axes span; ``x`` and ``y`` map figures to units."""

    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    left: float = 54
    right: float = 14
    top: float = 12
    bottom: float = 38

    def x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + (value - low) / ((high - low) or 1) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return (
            self.height
            - self.bottom
            - (value - low) / ((high - low) or 1) * (self.height - self.top - self.bottom)
        )


def ladder_svg(ladder: list[dict[str, Any]]) -> str:
    """Accuracy of each rung on dev, sealed and general, with 95 % intervals; rejected rungs hollow and off the line."""
    frame = Frame(520, 270, (-0.5, len(ladder) - 0.5), (0, 100))
    parts = _grid(frame, [0, 25, 50, 75, 100], suffix=" %")
    parts.append(_line(frame.left, frame.y(_CHANCE), frame.width - frame.right, frame.y(_CHANCE), "chance"))
    parts.append(_text(frame.width - frame.right, frame.y(_CHANCE) - 4, "chance", "end faint"))
    for shift, name in enumerate(SETS):
        parts += _series(frame, ladder, name, 0.17 * (shift - 1))
    for place, row in enumerate(ladder):
        parts.append(_text(frame.x(place), frame.height - 20, row["label"], "middle strong"))
        parts.append(_text(frame.x(place), frame.height - 4, _under(row), "middle faint"))
    return _svg(frame, "Accuracy by round", parts)


def loss_svg(ladder: list[dict[str, Any]]) -> str:
    """Training loss by step: each batch faint, the running mean over it, one colour a round."""
    curves = [(row["label"], row["loss"]) for row in ladder if row["loss"]]
    steps = max(point[0] for _, curve in curves for point in curve)
    top = sorted(point[1] for _, curve in curves for point in curve)
    ceiling = max(_smoothed(curve)[0][1] for _, curve in curves)
    frame = Frame(400, 220, (0, steps), (0, max(ceiling, top[int(0.98 * (len(top) - 1))])))
    parts = _grid(frame, _ticks(frame.y_range[1]))
    for number, (_, curve) in enumerate(curves):
        parts.append(_path(frame, curve, f"round{number % 6} raw"))
    for number, (_, curve) in enumerate(curves):
        parts.append(_path(frame, _smoothed(curve), f"round{number % 6}"))
    parts += _below(frame, "step", [0, steps])
    return _svg(frame, "Training loss on answers by step", parts)


def mastery_svg(ladder: list[dict[str, Any]]) -> str:
    """Share of the probed facts known after each pass of V1's training."""
    curve = next(row["training"]["mastery"] for row in ladder if row["training"].get("mastery"))
    points = [[float(n), 100 * share] for n, share in enumerate(curve, 1)]
    frame = Frame(400, 220, (0.5, max(len(curve), 2) + 0.5), (0, 100))
    parts = [*_grid(frame, [0, 25, 50, 75, 100], suffix=" %"), _path(frame, points, "dev")]
    for x, y in points:
        parts.append(f'<circle class="dev full" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="4"/>')
    parts.append(
        _text(frame.x(points[-1][0]), frame.y(points[-1][1]) - 9, f"{points[-1][1]:.0f} %", "middle strong")
    )
    every = max(1, len(points) // 8)
    parts += _below(frame, "pass over the mixture", [x for x, _ in points[::every]])
    return _svg(frame, "Probed facts known by pass", parts)


def gains_svg(recipes: list[dict[str, Any]]) -> str:
    """Gain over V1 of each recipe of a bench on dev, sealed and general, in points with intervals; rows written under it."""
    ends = [100 * row["gain"][name][end] for row in recipes for name in SETS for end in ("low", "high")]
    low, high = 10 * math.floor(min(0.0, *ends) / 10), 10 * math.ceil(max(0.0, *ends) / 10)
    frame = Frame(620, 290, (-0.5, len(recipes) - 0.5), (low, high))
    step = 10 if high - low <= 80 else 20
    parts = _grid(frame, [float(tick) for tick in range(low, high + 1) if tick % step == 0])
    parts.append(_line(frame.left, frame.y(0), frame.width - frame.right, frame.y(0), "chance"))
    for place, row in enumerate(recipes):
        for shift, name in enumerate(SETS):
            parts += _gain(frame, row, name, place + 0.17 * (shift - 1))
        parts.append(_text(frame.x(place), frame.height - 20, row["recipe"], "middle strong"))
        parts.append(_text(frame.x(place), frame.height - 4, f"{row['rows']:,.0f} rows", "middle faint"))
    return _svg(frame, "Gain over V1 by recipe", parts)


def _gain(frame: Frame, row: dict[str, Any], name: str, place: float) -> list[str]:
    interval = row["gain"][name]
    said = f"{row['recipe']} {name}: {100 * interval['value']:+.1f} points, n {interval['n']}"
    return _marked(frame, (place, interval), name, said, "full")


def _under(row: dict[str, Any]) -> str:
    if row["kind"] in ("base", "v1"):
        return ""
    return f"{row['kind']}{'' if row['accepted'] else ' ✗'}"


def _series(frame: Frame, ladder: list[dict[str, Any]], name: str, shift: float) -> list[str]:
    kept = [[place + shift, 100 * row[name]["value"]] for place, row in enumerate(ladder) if row["accepted"]]
    parts = [_path(frame, kept, f"{name} joined")] if len(kept) > 1 else []
    for place, row in enumerate(ladder):
        interval = row[name]
        said = f"{row['label']} {name}: {100 * interval['value']:.1f} % of {interval['n']}"
        parts += _marked(
            frame, (place + shift, interval), name, said, "full" if row["accepted"] else "hollow"
        )
    return parts


def _marked(frame: Frame, at: tuple[float, dict[str, Any]], name: str, said: str, fill: str) -> list[str]:
    """An interval as a bar and its value as the set's mark, with what a reader is told of it."""
    place, interval = at
    x = frame.x(place)
    y, low, high = (frame.y(100 * interval[key]) for key in ("value", "low", "high"))
    bar = f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 3:.1f} {low:.1f}h6M{x - 3:.1f} {high:.1f}h6"
    mark = _mark(name, x, y, f"{name} {fill}")
    return [f'<path class="{name} bar" d="{bar}"/>', f"<g><title>{escape(said)}</title>{mark}</g>"]


def _mark(name: str, x: float, y: float, classes: str) -> str:
    """Dev a disc, sealed a square, general a triangle: told apart without colour."""
    if name == "sealed":
        return f'<rect class="{classes}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    if name == "general":
        return f'<path class="{classes}" d="M{x:.1f} {y - 5:.1f}l5 9h-10z"/>'
    return f'<circle class="{classes}" cx="{x:.1f}" cy="{y:.1f}" r="4.6"/>'


def _smoothed(curve: list[list[float]]) -> list[list[float]]:
    mean = []
    for n, (step, _) in enumerate(curve):
        window = curve[max(0, n - _SMOOTHING) : n + _SMOOTHING + 1]
        mean.append([step, sum(point[1] for point in window) / len(window)])
    return mean


def _ticks(top: float) -> list[float]:
    step = next(s for s in (0.1, 0.25, 0.5, 1, 2, 5, 10, 100) if top / s <= 5 or s == 100)
    return [n * step for n in range(int(top / step) + 1)]


def _grid(frame: Frame, ticks: list[float], suffix: str = "") -> list[str]:
    parts = []
    for tick in ticks:
        y = frame.y(tick)
        parts.append(_line(frame.left, y, frame.width - frame.right, y, "grid"))
        parts.append(_text(frame.left - 5, y + 4, f"{tick:g}{suffix}", "end faint"))
    return parts


def _below(frame: Frame, title: str, ticks: list[float]) -> list[str]:
    marks = [_text(frame.x(tick), frame.height - 20, f"{tick:g}", "middle faint") for tick in ticks]
    return [*marks, _text((frame.left + frame.width) / 2, frame.height - 5, title, "middle faint")]


def _path(frame: Frame, points: list[list[float]], classes: str) -> str:
    drawn = "L".join(f"{frame.x(x):.1f} {frame.y(min(y, frame.y_range[1])):.1f}" for x, y in points)
    return f'<path class="{classes} curve" d="M{drawn}"/>'


def _line(x: float, y: float, x2: float, y2: float, classes: str) -> str:
    return f'<path class="{classes}" d="M{x:.1f} {y:.1f}L{x2:.1f} {y2:.1f}"/>'


def _text(x: float, y: float, said: str, classes: str) -> str:
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}">{escape(said)}</text>'


def _svg(frame: Frame, title: str, parts: list[str]) -> str:
    head = f'<svg viewBox="0 0 {frame.width:g} {frame.height:g}" role="img" aria-label="{escape(title)}">'
    return head + "".join(parts) + "</svg>"
