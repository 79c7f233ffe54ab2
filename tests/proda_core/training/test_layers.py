"""Feed-forward layers are found in architectures that nobody listed, and attention, convolution and routers are left alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from proda_core.training.layers import feed_forward_layers

_SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
ARCHITECTURES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "Mistral": ({}, {"gate_proj", "up_proj", "down_proj"}),
    "Qwen3": ({}, {"gate_proj", "up_proj", "down_proj"}),
    "Gemma2": ({}, {"gate_proj", "up_proj", "down_proj"}),
    "Olmo2": ({}, {"gate_proj", "up_proj", "down_proj"}),
    "Phi": ({}, {"fc1", "fc2"}),
    "Phi3": ({"pad_token_id": 0}, {"gate_up_proj", "down_proj"}),
    "GPTNeoX": ({}, {"dense_h_to_4h", "dense_4h_to_h"}),
    "Falcon": ({}, {"dense_h_to_4h", "dense_4h_to_h"}),
    "Bloom": ({}, {"dense_h_to_4h", "dense_4h_to_h"}),
    "Starcoder2": ({}, {"c_fc", "c_proj"}),
    "GPT2": ({"n_embd": 32, "n_layer": 2, "n_head": 4}, {"c_fc", "c_proj"}),
    "OPT": ({"ffn_dim": 64, "word_embed_proj_dim": 32}, {"fc1", "fc2"}),
    "Lfm2": (
        {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False},
        {"w1", "w2", "w3"},
    ),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_feed_forward_layers_are_found_and_nothing_else(name: str) -> None:
    shape, wanted = ARCHITECTURES[name]
    config = getattr(transformers, f"{name}Config")(vocab_size=64, **{**_SMALL, **shape})
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    found = feed_forward_layers(model)
    assert {layer.rsplit(".", 1)[-1] for layer in found} == wanted
    assert not any("attn" in layer or "attention" in layer for layer in found)
    assert len(found) == 2 * len(wanted)
