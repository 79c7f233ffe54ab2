"""Which layers LoRA adapts, by model family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from proda_core.config import TrainingConfig, load_config
from proda_core.errors import ConfigError, StudentError
from proda_core.students.loading import LoadedModel, load_adapter_onto, load_model
from proda_core.students.prompting import EncodedRow
from proda_core.training.batches import collate
from proda_core.training.gradients import answer_loss
from proda_core.training.layers import feed_forward_layers
from proda_core.training.lora import Trainee, make_trainee, save_adapter
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


def adapted_once(base: Path, **config: Any) -> tuple[Trainee, dict[str, torch.Tensor]]:
    """A trainee and the gradient of one small batch."""
    settings = {"rank": 4, "alpha": 8, "precision": "fp32", "layers": "all", **config}
    made = make_trainee(load_model(str(base)), TrainingConfig.model_validate(settings), seed=0)
    with torch.no_grad():
        for weight in made.model.parameters():
            if weight.requires_grad and weight.dim() > 1:
                weight.normal_(std=0.2)
    rows = [EncodedRow(tuple(range(5, 25)), (False,) * 10 + (True,) * 10)] * 2
    made.model.train()
    answer_loss(made, collate(rows, pad=made.pad, device=torch.device("cpu"))).backward()
    return made, {n: p.grad for n, p in made.model.named_parameters() if p.grad is not None}


def test_gradient_checkpointing_computes_again_and_finds_the_same_gradients(tmp_path: Path) -> None:
    base = tiny_llama(tmp_path / "base")
    _, plain = adapted_once(base)
    made, again = adapted_once(base, gradient_checkpointing=True)
    assert made.model.is_activation_checkpointing
    assert plain.keys() == again.keys() and all(torch.allclose(plain[n], again[n], atol=1e-6) for n in plain)


def test_dora_learns_a_length_for_every_output_and_its_adapter_loads(tmp_path: Path) -> None:
    base = tiny_llama(tmp_path / "base")
    made, gradients = adapted_once(base, method="dora", optimiser="adamw")
    lengths = [name for name in gradients if "lora_magnitude_vector" in name]
    assert len(lengths) == 14  # seven linear layers in each of two blocks
    save_adapter(made, tmp_path / "adapter", base=str(base))
    again = load_adapter_onto(load_model(str(base)).model, tmp_path / "adapter")
    ids = torch.tensor([[5, 9, 30, 41]])
    with torch.no_grad():
        assert torch.equal(again.eval()(ids).logits, made.wrapper.eval()(ids).logits)


def test_a_base_held_in_16_bits_has_lora_in_32_and_is_not_folded(tmp_path: Path) -> None:
    base = tiny_llama(tmp_path / "base")
    settings = TrainingConfig(rank=4, precision="fp32")
    made = make_trainee(load_model(str(base), dtype="bf16"), settings, seed=0)
    kinds = {(p.requires_grad, p.dtype) for p in made.model.parameters()}
    assert kinds == {(False, torch.bfloat16), (True, torch.float32)}
    assert not any("forward" in vars(module) for module in made.wrapper.modules())


def test_settings_that_do_not_go_together_are_refused_with_what_to_set() -> None:
    with pytest.raises(ConfigError, match=r"section 'training'.*set training\.optimiser=adamw"):
        load_config(None, ["training.method=dora"])
    with pytest.raises(ConfigError, match=r"set training\.parallel=ddp"):
        load_config(None, ["training.method=qlora", "training.parallel=fsdp"])


def test_a_base_in_4_bits_is_refused_where_it_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny_llama(tmp_path / "base")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(StudentError, match=r"lacks a CUDA GPU.*set training\.method=lora"):
        load_model(str(base), four_bit=True)


@pytest.mark.parametrize("layers", ["feed_forward", "all"])
def test_gpt2_whose_linear_layers_are_the_other_way_round_is_trained_too(layers: str) -> None:
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=330, n_embd=32, n_layer=2, n_head=4))
    loaded = LoadedModel(model, SimpleNamespace(pad_token_id=0), Path())
    config = TrainingConfig.model_validate({"rank": 4, "precision": "fp32", "layers": layers})
    made = make_trainee(loaded, config, seed=0)
    rows = [EncodedRow(tuple(range(5, 25)), (False,) * 10 + (True,) * 10)] * 2
    answer_loss(made, collate(rows, pad=0, device=torch.device("cpu"))).backward()
    trained = [p for p in made.model.parameters() if p.requires_grad]
    assert len(trained) == {"feed_forward": 8, "all": 16}[layers]
    assert (
        sum(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in trained) == len(trained) // 2
    )  # B's
