"""Which layers LoRA adapts, by model family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from proda_core.config import TrainingConfig
from proda_core.errors import StudentError
from proda_core.students.loading import load_model
from proda_core.training.lora import feed_forward_layers, make_trainee
from tests.models import tiny_lfm2, tiny_llama, tiny_qwen2

FAMILIES = (tiny_llama, tiny_qwen2, tiny_lfm2)


def adapted(base: Path, layers: str) -> set[str]:
    config = TrainingConfig.model_validate({"rank": 4, "alpha": 8, "layers": layers})
    trainee = make_trainee(load_model(str(base)), config, seed=0)
    return {
        name.split(".lora_A")[0].rsplit(".", 1)[-1]
        for name, weight in trainee.wrapper.named_parameters()
        if weight.requires_grad and ".lora_A" in name
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_feed_forward_layers_are_adapted_and_attention_is_left_alone(
    family: Callable[[Path], Path], tmp_path: Path
) -> None:
    found = adapted(family(tmp_path / "base"), "feed_forward")
    assert found in ({"gate_proj", "up_proj", "down_proj"}, {"w1", "w2", "w3"})


@pytest.mark.parametrize("family", FAMILIES)
def test_all_layers_are_those_and_attention(family: Callable[[Path], Path], tmp_path: Path) -> None:
    base = family(tmp_path / "base")
    assert adapted(base, "all") > adapted(base, "feed_forward") | {"q_proj", "k_proj", "v_proj"}


def test_a_model_whose_blocks_are_called_otherwise_is_refused_with_what_to_set() -> None:
    with pytest.raises(StudentError, match=r"training\.layers=all"):
        feed_forward_layers(nn.Sequential(nn.Linear(2, 2)))
