"""The demo's session, from the shipped corpus by the shipped base: what it says is followed to sentences of the shipped files.

Trainings are cut to a few steps: what a model learnt is no matter here, only that every step back from a row or a score is there.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from agent.connect import reading
from proda_core.config import load_config
from proda_core.demo import DEMO_CONFIG, DEMO_CORPUS
from proda_core.records import load_mixture, load_report
from proda_core.session import SessionFolder
from proda_core.types import ExampleKind
from tests.sessions import create_session, outcomes_of, run_to_end

SHORT = [
    "benchmark.min_items=30",
    "benchmark.max_items=40",
    "budget.rounds=1",
    "general.suite_items=10",
    "policy.min_patchable=1",
    "training.distillation=0",
    "training.max_steps=4",
    "training.protection=0",
]
ASKED = 10


async def explained(folder: SessionFolder, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Every step behind each ID, all pages."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with reading(folder) as client:
        for key in keys:
            view = await client.call("explain_result", id=key)
            found[key] = list(view["steps"])
            while view["next"] is not None:
                view = await client.call("explain_result", id=key, first=view["next"])
                found[key] += view["steps"]
            assert len(found[key]) == view["total"]
    return found


def stands_in_the_text(step: dict[str, Any]) -> bool:
    text = (DEMO_CORPUS / step["document"]).read_text(encoding="utf-8")
    return bool(step["quote"]) and " ".join(step["quote"].split()) in " ".join(text.split())


@pytest.mark.slow
def test_ten_random_rows_and_ten_random_scores_of_the_demo_lead_to_the_shipped_sentences(
    tmp_path: Path,
) -> None:
    folder = create_session(tmp_path, load_config(DEMO_CONFIG, SHORT), DEMO_CORPUS)
    assert run_to_end(folder).stop_reason == "budget_rounds"
    rng = random.Random(6)
    mixtures = [
        load_mixture(folder.store, o["artifacts"]["mixture"]) for o in outcomes_of(folder, "compose_mixture")
    ]
    rows = {row.example.example_id: row.example for mixture in mixtures for row in mixture.rows}
    reports = [
        load_report(folder.store, o["artifacts"]["report"]) for o in outcomes_of(folder, "evaluate_model")
    ]
    scores = [f"{report.model}:{score.item_id}" for report in reports for score in report.dev]
    assert len(mixtures) == 2 and len(reports) == 3
    keys = [*rng.sample(sorted(rows), ASKED), *rng.sample(scores, ASKED)]
    for key, steps in asyncio.run(explained(folder, keys)).items():
        assert all(step["resolved"] for step in steps), key
        sentences = [step for step in steps if step["kind"] == "sentence"]
        if key in rows and rows[key].kind is ExampleKind.GENERAL:
            assert not sentences, key  # of no corpus: made again from its seed
            assert any(step["kind"] == "generator" for step in steps), key
        else:
            assert sentences and all(stands_in_the_text(step) for step in sentences), key
