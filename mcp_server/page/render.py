"""One page in two states: live, where its host serves it and it follows the session, and frozen, as ``report.html``.

Both come from the same templates, style and drawings; frozen, all is inside one file that loads nothing. What a corpus or a model
said is escaped by the template engine wherever it stands, figures included, and a content policy forbids what is not the page's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evals.repair import RECIPES
from mcp_server.page import assets
from mcp_server.page.words import FILTERS
from proda_core.session import SteerKind
from proda_core.session.inbox import LONGEST_TEXT, MOST_ROUNDS
from proda_core.types import DecisionKind

Plain = dict[str, Any]
SETS = ("dev", "sealed", "general")
TITLES = {
    "ladder": "Ladder",
    "decisions": "Decisions",
    "failures": "Failures",
    "repairs": "Repaired cases",
    "rounds": "Rounds",
    "input": "What went in",
    "controls": "Controls",
    "proof": "Budget and proof",
}
_FOLLOW_S = 2
_ACTIONS = {
    SteerKind.PAUSE: "wait at the next decision",
    SteerKind.RESUME: "go on, and take back a pause or a stop",
    SteerKind.STOP: "end at the next decision",
    SteerKind.VETO: "not this option",
    SteerKind.PREFER: "this option rather than another",
    SteerKind.BUDGET: "new limits",
    SteerKind.NOTE: "only note this in the log",
}


@dataclass(frozen=True, slots=True)
class Material:
    """What the read tools say of a session, in plain form. ``maps`` are map_failure's by item; ``log`` holds records, head, at.

    ``verified`` is None where the log was not checked.
    """

    view: Plain
    status: Plain
    failures: Plain
    repairs: Plain
    maps: Mapping[str, Plain]
    verified: Plain | None
    log: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its whole element, and the digest by which a client says that it has it."""

    html: Markup
    digest: str


def freeze_page(material: Material) -> str:
    """The page as one file; the same material gives the same bytes."""
    sections = {"now": _section("now", _now(material, ""), live=None)}
    sections |= {
        name: _section(name, body, live=None) for name, body in _bodies(material, live=False).items() if body
    }
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            view=material.view,
            live=False,
            may_steer=False,
            policy=assets.frozen_policy(assets.DRAWING),
            style=assets.style(),
            scripts=assets.scripts(assets.DRAWING),
            sections={name: section.html for name, section in sections.items()},
            titles={name: title for name, title in TITLES.items() if name in sections},
        )
    )


def live_page(material: Material, sections: Mapping[str, Section], *, may_steer: bool) -> str:
    """The page as its host serves it; ``sections`` are those of live_sections and live_now."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            view=material.view,
            live=True,
            may_steer=may_steer,
            policy="",  # a header says it
            scripts=assets.LIVE,
            sections={name: section.html for name, section in sections.items()},
            titles=TITLES,
            actions={kind.value: does for kind, does in _ACTIONS.items()},
            options=[kind.value for kind in DecisionKind],
            longest=LONGEST_TEXT,
            most_rounds=MOST_ROUNDS,
        )
    )


def live_sections(material: Material) -> dict[str, Section]:
    """Every section but ``now``, in order; each asks for itself again when it hears that the session went on."""
    return {
        name: _section(name, body, live='hx-trigger="grown from:body"')
        for name, body in _bodies(material, live=True).items()
    }


def live_now(material: Material, status: Plain, *, version: int, trouble: str = "") -> Section:
    """What the session is doing; asks again every few seconds, and says which version of the rest the client has."""
    body = _now(material, trouble, status)
    return _section("now", body, live=f'hx-trigger="every {_FOLLOW_S}s"', more=f"&version={version}")


def render_part(name: str, **data: Any) -> str:
    """A fragment by its template: failures, repairs, map or asked. The first row of ``more`` is given the keyboard's focus."""
    given = {"live": True, "maps": {}, "opened": "", "kind": "", "first": False, "more": False} | data
    return _environment().get_template(f"{name}.html.j2").render(**given)


def render_login(*, refused: bool) -> str:
    """The page that asks for a token."""
    (script,) = assets.scripts(("login.js",))
    return (
        _environment()
        .get_template("login.html.j2")
        .render(style=assets.style(), script=script, refused=refused)
    )


def render_bench(figures: Mapping[str, Any]) -> str:
    """The page of a repair bench: ``figures`` as bench_repair returns them."""
    return (
        _environment()
        .get_template("bench.html.j2")
        .render(
            figures=figures,
            about=RECIPES,
            sets=SETS,
            style=assets.style(),
            policy=assets.frozen_policy(assets.DRAWING),
            scripts=assets.scripts(assets.DRAWING),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment


def _section(name: str, body: str, *, live: str | None, more: str = "") -> Section:
    """``body`` in its element. ``live`` is the trigger of its polling; names and triggers are the page's own, never data."""
    digest = hashlib.sha256((body + more).encode()).hexdigest()[:16]
    asks = f' hx-get="/sections/{name}?seen={digest}{more}" hx-swap="outerMorph" {live}' if live else ""
    hidden = "" if body else " hidden"
    return Section(Markup(f'<section id="{name}"{asks}{hidden}>\n{body}</section>'), digest)


def _now(material: Material, trouble: str, status: Plain | None = None) -> str:
    return (
        _environment()
        .get_template("sections/now.html.j2")
        .render(
            view=material.view,
            status=status or material.status,
            best=_incumbent(material.view["ladder"]),
            trouble=trouble,
        )
    )


def _bodies(material: Material, *, live: bool) -> dict[str, str]:
    """The inside of each section; "" of one that has nothing to show yet."""
    ladder = material.view["ladder"]
    model = material.failures["model"]
    counts: dict[str, int] = next((row["diagnoses"] for row in ladder if row["label"] == model), {})
    data = {
        "view": material.view,
        "log": material.log,
        "verified": material.verified,
        "failures": material.failures,
        "counts": {kind: count for kind, count in counts.items() if count},
        "repairs": material.repairs,
        "maps": material.maps,
        "live": live,
        "more": False,
        "sets": SETS,
        "about": RECIPES,
        "rounds": rounds(ladder),
        "first": next((row for row in ladder if row["kind"] == "v1"), None),
        "best": _incumbent(ladder),
        "codes": {code for row in ladder for code in row["slices"].get("discipline", {})},
        "figures": _figures(ladder),
    }
    find = _environment().get_template
    return {name: find(f"sections/{name}.html.j2").render(data).strip() for name in TITLES}


def _figures(ladder: list[Plain]) -> Plain:
    """What the drawings are given."""
    mastery: list[float] = next(
        (row["training"]["mastery"] for row in ladder if row["training"].get("mastery")), []
    )
    return {
        "ladder": [
            {
                "label": row["label"],
                "accepted": row["accepted"],
                "said": _under(row),
                **{s: row[s] for s in SETS},
            }
            for row in ladder
        ],
        "loss": [
            {"label": row["label"], "loss": [[step, round(value, 3)] for step, value in row["loss"]]}
            for row in ladder
            if row["loss"]
        ],
        "mastery": mastery,
    }


def _under(row: Plain) -> str:
    if row["kind"] in ("base", "v1"):
        return ""
    return f"{row['kind']}{'' if row['accepted'] else ' ✗'}"


def rounds(ladder: list[Plain]) -> list[Plain]:
    """Every trained rung with ``repairs``: label and diagnoses of the incumbent that it was made to repair."""
    found = []
    incumbent: Plain | None = None
    for row in ladder:
        if row["kind"] == "base":
            continue
        found.append({**row, "repairs": incumbent if row["kind"] == "patch" else None})
        if row["accepted"]:
            incumbent = row
    return found


def _incumbent(ladder: list[Plain]) -> Plain | None:
    return next((row for row in reversed(ladder) if row["accepted"] and row["kind"] != "base"), None)
