"""Bases of every family and tokenizer are trained as they come, and their adapters load in plain peft with equal logits."""

from __future__ import annotations

from pathlib import Path

import pytest

from proda_core.config import TrainingConfig
from proda_core.training import job
from proda_core.training.checkpoint import NAME
from tests.families import FAMILIES
from tests.plain_peft import check_in_plain_peft
from tests.proda_core.training.conftest import TrainingSession


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layers", ["feed_forward", "all"])
def test_an_adapter_of_any_family_loads_in_plain_peft_with_equal_logits(
    session: TrainingSession, tmp_path: Path, family: str, layers: str
) -> None:
    base = FAMILIES[family].save(tmp_path / "base")
    request = session.request(base=base, layers=layers, epochs=1, learning_rate=0.02)
    result = job.run(session.context(), request)
    adapter = session.store.path("adapter", result.artifacts["adapter"])
    config = TrainingConfig.model_validate(request.params["config"])
    check_in_plain_peft(base, adapter, session.context().scratch / NAME, config)
