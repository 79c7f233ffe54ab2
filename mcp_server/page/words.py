"""How the page says names and figures: the filters of its templates. Everything returned is text, which the engine escapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proda_core.disciplines import DISCIPLINE_NAMES

_NAMES = {
    "qa": "open questions",
    "choice": "multiple choice",
    "true_false": "true/false",
    "inverse": "from the other end",
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
    start: float
    share: float
    hue: int


def stacked(table: Mapping[str, int]) -> list[Part]:
    """The parts of a stacked bar in the order of ``_HUES``, then the unknown ones; zeros are left out."""
    total = sum(table.values()) or 1
    order = {name: place for place, name in enumerate(_HUES)}
    named = sorted(
        (name for name in table if table[name]), key=lambda name: (order.get(name, len(order)), name)
    )
    parts, start = [], 0.0
    for place, name in enumerate(named):
        share = table[name] / total
        parts.append(Part(name, table[name], start, share, _HUES.get(name, place % 7)))
        start += share
    return parts


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


def _span(interval: Mapping[str, float]) -> str:
    return f"{100 * interval['low']:.0f}–{100 * interval['high']:.0f}"


def _spent_time(spent: str) -> str:
    """get_status's "936.5 of 1200" seconds as a person reads them."""
    return " of ".join(part if part == "unlimited" else time(float(part)) for part in spent.split(" of "))


def _points_span(gain: Mapping[str, float]) -> str:
    return f"{100 * gain['low']:+.0f} to {100 * gain['high']:+.0f}".replace("-", "−")


FILTERS: dict[str, Callable[..., Any]] = {
    "pct": lambda share: f"{100 * share:.1f}",
    "span": _span,
    "points": lambda gain: f"{100 * gain['value']:+.1f}".replace("-", "−"),
    "points_span": _points_span,
    "stacked": stacked,
    "say": say,
    "figure": figure,
    "time": time,
    "spent_time": _spent_time,
    "json": lambda data: json.dumps(data, ensure_ascii=False, sort_keys=True),
}
