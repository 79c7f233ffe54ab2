"""The bench of the verdict's error rates: simulated sessions, and trainings in earnest from one session's V1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evals.error_rates import (
    MEASURED,
    STRONG,
    Population,
    benchmark_like_the_demos,
    noise_of,
    study,
    train_again,
)
from evals.repair import Tell
from evals.summary import accuracy
from mcp_server.hosting import reading_host
from proda_core.artifacts import write_atomic
from proda_core.config import Config, config_from
from proda_core.errors import ConfigError
from proda_core.serialize import to_plain
from proda_core.session import SessionFolder
from tools.first_round import first_round, trained_reports

CHANGEABLE = ("budget", "policy", "verdict")


async def bench_verdict(
    folder: SessionFolder | None,
    *,
    simulated: int,
    trainings: int,
    seed: int,
    overrides: dict[str, Any],
    out: Path,
    tell: Tell,
) -> dict[str, Any]:
    """The figures as JSON; written to ``verdict.json`` in ``out`` as well.

    With a session its benchmark, settings and the noise of its own models are simulated, else those of the demo as measured.
    ConfigError for trainings without a session to train from, and for settings that no verdict or policy reads.
    """
    if other := sorted(set(overrides) - set(CHANGEABLE)):
        raise ConfigError(f"a bench of the verdict changes {', '.join(CHANGEABLE)} alone, not {other[0]!r}")
    if trainings and folder is None:
        raise ConfigError("trainings need a session that has diagnosed V1: name one")
    if min(simulated, trainings) < 0 or simulated + trainings == 0:
        raise ConfigError("ask for simulated sessions, trainings, or both")
    config = _changed(folder.config if folder else Config(), overrides)
    figures: dict[str, Any] = {
        "session": folder.name if folder else "",
        "settings": config.model_dump(mode="json", include=set(CHANGEABLE)),
        "simulated": _simulated(folder, config, simulated, seed, tell) if simulated else None,
    }
    trained = None
    if folder and trainings:
        material = first_round(reading_host(folder)).under(config)
        trained = to_plain(await train_again(material, trainings, folder=out, tell=tell))
    figures["trainings"] = trained
    write_atomic(out / "verdict.json", json.dumps(figures, indent=1, sort_keys=True).encode())
    return figures


def _simulated(
    folder: SessionFolder | None, config: Config, sessions: int, seed: int, tell: Tell
) -> dict[str, Any]:
    if folder is None:
        population = Population.of(benchmark_like_the_demos(), config.general.suite_items)
        noise, strong = MEASURED, STRONG
    else:
        benchmark, reports = trained_reports(reading_host(folder))
        best_first = sorted(reports, key=lambda report: accuracy(report.dev).value, reverse=True)
        population = Population.of(benchmark, len(reports[0].general))
        noise, strong = noise_of(benchmark, reports), noise_of(benchmark, best_first)
    found = study(population, noise, strong, config, sessions, seed=seed, tell=tell)
    return {"noise": to_plain(noise), "strong": to_plain(strong), **to_plain(found)}


def _changed(config: Config, overrides: dict[str, Any]) -> Config:
    data = config.model_dump(mode="json")
    for section, values in overrides.items():
        data[section] |= values
    return config_from(data)
