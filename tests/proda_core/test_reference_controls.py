"""Shipped figures of controls are shown to the sessions that they are about, and to no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proda_core.config import load_config
from proda_core.corpus.sources import corpus_digest
from proda_core.demo import DEMO_CONFIG, DEMO_CORPUS, basis_of, reference_controls
from tests.models import tiny_llama

CORPUS = "c" * 64


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    path = tmp_path / "controls.json"
    path.write_text(json.dumps({"basis": basis_of(load_config(DEMO_CONFIG), CORPUS), "recipes": []}))
    return path


@pytest.mark.parametrize("setting", ["seed=3", "budget.rounds=9", "policy.max_rejections=5", "name=other"])
def test_a_session_on_the_same_corpus_base_and_settings_is_shown_them(shipped: Path, setting: str) -> None:
    found = reference_controls(load_config(DEMO_CONFIG, [setting]), CORPUS, shipped=shipped)
    assert found is not None and found["recipes"] == []


@pytest.mark.parametrize(
    "setting",
    [
        "training.epochs=2",
        "mixture.rows=500",
        "synthesis.wordings=3",
        "benchmark.max_hops=2",
        "student.max_new_tokens=40",
    ],
)
def test_a_session_with_other_settings_is_not(shipped: Path, setting: str) -> None:
    assert reference_controls(load_config(DEMO_CONFIG, [setting]), CORPUS, shipped=shipped) is None


def test_figures_ship_for_the_embedded_default_as_it_is_and_hold_the_repair_against_controls() -> None:
    found = reference_controls(load_config(DEMO_CONFIG), corpus_digest(DEMO_CORPUS))
    assert found is not None, "a setting, the corpus or the base is another: measure again (CONTRIBUTING.md)"
    assert {one["recipe"] for one in found["recipes"]} >= {"diagnosed", "random", "more"}
    assert {one["control"] for one in found["comparisons"]} >= {"random", "more"}


def test_another_corpus_another_base_or_no_file_gives_none(shipped: Path, tmp_path: Path) -> None:
    config = load_config(DEMO_CONFIG)
    assert reference_controls(config, "d" * 64, shipped=shipped) is None
    other: dict[str, Any] = {
        "student": config.student.model_copy(update={"base": str(tiny_llama(tmp_path / "base"))})
    }
    assert reference_controls(config.model_copy(update=other), CORPUS, shipped=shipped) is None
    assert reference_controls(config, CORPUS, shipped=tmp_path / "none.json") is None
