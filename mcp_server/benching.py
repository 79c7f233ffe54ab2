"""Benches over finished sessions: each is opened as a reader, and all work happens in the bench's own folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.repair import Material, Recipe, RepairBench, Tell, figures_of
from mcp_server.hosting import reading_host
from mcp_server.page import render_bench
from proda_core.artifacts import write_atomic
from proda_core.config import Config, config_from
from proda_core.errors import ConfigError
from proda_core.records import load_report
from proda_core.serialize import to_plain
from proda_core.session import SessionFolder
from tools.first_round import first_round

RECIPES = {recipe.value: recipe.about for recipe in Recipe}
CHANGEABLE = ("training", "mixture")


async def bench_repair(
    folders: Sequence[SessionFolder],
    recipes: Sequence[str],
    overrides: dict[str, Any],
    *,
    out: Path,
    tell: Tell,
) -> dict[str, Any]:
    """Try ``recipes`` on the first repair round of each session; the figures as JSON.

    ``overrides`` changes sections of every session's configuration for the trials: {"training": {"epochs": 4}}.
    ConfigError for a recipe that there is not and for a section that V1 would have had to know of.
    """
    unknown = sorted(set(recipes) - set(RECIPES))
    if unknown:
        raise ConfigError(f"no recipe is called {unknown[0]!r}; choose from {', '.join(RECIPES)}")
    fixed = sorted(set(overrides) - set(CHANGEABLE))
    if fixed:
        raise ConfigError(
            f"a bench changes sections {' and '.join(CHANGEABLE)} alone, not {fixed[0]!r}: V1 stays as it is"
        )
    materials = [first_round(reading_host(folder)) for folder in folders]
    bench = RepairBench(out, tell)
    trials = await bench.run(materials, [Recipe(name) for name in recipes], lambda m: _changed(m, overrides))
    figures = figures_of(trials, [load_report(m.store, m.base_report_id) for m in materials])
    return {"sessions": [folder.name for folder in folders], "settings": overrides, **to_plain(figures)}


def write_figures(figures: dict[str, Any], out: Path) -> Path:
    """Write ``repair.json`` and the page ``repair.html`` into the bench's folder; the page's path."""
    write_atomic(out / "repair.json", json.dumps(figures, indent=1, sort_keys=True).encode())
    page = out / "repair.html"
    write_atomic(page, render_bench(figures, RECIPES).encode())
    return page


def _changed(material: Material, overrides: dict[str, Any]) -> Config:
    data = material.config.model_dump(mode="json")
    for section, values in overrides.items():
        data[section] |= values
    return config_from(data)
