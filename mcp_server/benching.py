"""Benches over finished sessions: each is opened as a reader, and all work happens in the bench's own folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.faults import FaultStudy, Sizes
from evals.faults import figures_of as fault_figures
from evals.faults.guessing import QuestionAlone
from evals.repair import RECIPES, Material, Recipe, RepairBench, Tell, figures_of
from mcp_server.hosting import reading_host
from mcp_server.page import render_bench
from proda_core.artifacts import write_atomic
from proda_core.config import Config, config_from
from proda_core.demo import basis_of
from proda_core.errors import ConfigError
from proda_core.records import load_report
from proda_core.serialize import to_plain
from proda_core.session import SessionFolder
from tools.built_session import built_session
from tools.first_round import first_round

CHANGEABLE = ("training", "mixture")
OF_V1 = (
    "epochs",
    "learning_rate",
    "layers",
    "rank",
    "alpha",
    "dropout",
)  # read by no round that goes on from V1
OF_A_PLANTING = ("diagnosis", "synthesis", "training")
__all__ = ["RECIPES", "Sizes", "bench_faults", "bench_repair", "write_fault_figures", "write_figures"]


async def bench_repair(
    folders: Sequence[SessionFolder],
    recipes: Sequence[str],
    overrides: dict[str, Any],
    *,
    out: Path,
    tell: Tell,
) -> dict[str, Any]:
    """Try ``recipes`` on the first repair round of each session; the figures as JSON.

    ``basis`` in them names corpus, base and settings where all sessions share them, so that a report can refer to the figures.

    ``overrides`` changes sections of every session's configuration for the trials: {"training": {"round_epochs": 4}}.
    ConfigError for a recipe that there is not, for a section that V1 would have had to know of and for a key that no round reads.
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
    configs = {material.session: _changed(material, overrides) for material in materials}
    bench = RepairBench(out, tell)
    trials = await bench.run(materials, [Recipe(name) for name in recipes], lambda m: configs[m.session])
    figures = figures_of(trials, [load_report(m.store, m.base_report_id) for m in materials])
    bases = [basis_of(folder.config, folder.corpus_digest) for folder in folders]
    return {
        "sessions": [folder.name for folder in folders],
        "settings": overrides,
        "basis": bases[0] if not overrides and all(basis == bases[0] for basis in bases) else {},
        **to_plain(figures),
    }


async def bench_faults(
    folders: Sequence[SessionFolder],
    seeds: Sequence[int],
    overrides: dict[str, Any],
    *,
    out: Path,
    sizes: Sizes,
    tell: Tell,
) -> dict[str, Any]:
    """Plant faults in the knowledge of each session, train on what is left for each seed, and hold diagnosis against them.

    ``overrides`` changes how V1 is taught or diagnosed: {"training": {"epochs": 3}}. ConfigError for any other section.
    """
    fixed = sorted(set(overrides) - set(OF_A_PLANTING))
    if fixed:
        raise ConfigError(
            f"planted faults are of {', '.join(OF_A_PLANTING)} alone, not of {fixed[0]!r}: the graph and the base stay"
        )
    found = [built_session(reading_host(folder)) for folder in folders]
    sources = [replace(one, config=_laid_over(one.config, overrides)) for one in found]
    study = FaultStudy(out, sizes, tell)
    trials = await study.run(sources, seeds)
    figures = fault_figures(trials, [QuestionAlone()])
    return {
        "sessions": [folder.name for folder in folders],
        "seeds": list(seeds),
        "settings": overrides,
        "sizes": to_plain(sizes),
        **to_plain(figures),
    }


def write_fault_figures(figures: dict[str, Any], out: Path) -> Path:
    """Write ``faults.json`` into the study's folder; its path."""
    path = out / "faults.json"
    write_atomic(path, json.dumps(figures, indent=1, sort_keys=True).encode())
    return path


def write_figures(figures: dict[str, Any], out: Path) -> Path:
    """Write ``repair.json`` and the page ``repair.html`` into the bench's folder; the page's path."""
    write_atomic(out / "repair.json", json.dumps(figures, indent=1, sort_keys=True).encode())
    page = out / "repair.html"
    write_atomic(page, render_bench(figures).encode())
    return page


def _changed(material: Material, overrides: dict[str, Any]) -> Config:
    """The session's configuration with ``overrides``; ConfigError for one that its rounds would not read."""
    config = _laid_over(material.config, overrides)
    unread = sorted(overrides.get("training", {}).keys() & set(OF_V1))
    if unread and config.training.continue_incumbent:
        raise ConfigError(
            f"rounds go on from V1's adapter and do not read training.{unread[0]}; set training.round_epochs or "
            "training.round_learning_rate, or training.continue_incumbent=false"
        )
    return config


def _laid_over(config: Config, overrides: dict[str, Any]) -> Config:
    data = config.model_dump(mode="json")
    for section, values in overrides.items():
        data[section] |= values
    return config_from(data)
