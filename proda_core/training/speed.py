"""What pays on small models: LoRA folded into the weight before use, logits at labels alone, and one thread.

peft runs each layer's low-rank product beside the layer, over every token; where a batch has many more tokens than the layer has
inputs it is cheaper to add the product to the weight once a step. The output head is likewise applied to labelled positions only,
when the model's logits prove to be that head's product and nothing more. Both give peft's results up to rounding. Splitting
matrices of a hundred rows between threads costs more than it gains (docs/LOG.md has the figures); ``gradients`` uses a second
core by another way.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

FOLD_TO_WIDTH = 1024
ONE_THREAD_TO_WIDTH = 256
_TOLERANCE = 1e-4
CPU_INFO = Path("/proc/cpuinfo")


def fold_lora(model: Any, *, dropout: float) -> int:
    """Make every LoRA linear layer of a peft model compute with ``W + scale * B A``; returns how many.

    Left alone: layers too wide to gain, anything but a plain linear layer, and all when LoRA's dropout needs its own input.
    """
    from peft.tuners.lora import Linear

    if dropout > 0:
        return 0
    layers = [m for m in model.modules() if isinstance(m, Linear) and _foldable(m)]
    for layer in layers:
        layer.forward = _Folded(layer)
    return len(layers)


def unfold_lora(model: Any) -> None:
    """Give peft's own forward back."""
    for module in model.modules():
        if isinstance(module.__dict__.get("forward"), _Folded):
            del module.forward


class _Folded:
    """The forward of one layer, its low-rank product folded in."""

    def __init__(self, layer: Any) -> None:
        name = layer.active_adapters[0]
        self.base: nn.Linear = layer.get_base_layer()
        self.a, self.b = layer.lora_A[name].weight, layer.lora_B[name].weight
        self.scale: float = layer.scaling[name]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        weight = torch.addmm(self.base.weight, self.b, self.a, alpha=self.scale)
        return functional.linear(x, weight, self.base.bias)


def _foldable(layer: Any) -> bool:
    base = layer.get_base_layer()
    plain = type(base) is nn.Linear and len(layer.active_adapters) == 1 and not any(layer.use_dora.values())
    # A base held in 16 bits would round away what is added to it.
    plain = plain and base.weight.dtype is torch.float32
    return plain and max(base.in_features, base.out_features) <= FOLD_TO_WIDTH


def training_threads(model: Any, wanted: int) -> int:
    """Torch threads to train with: what is wanted, or for 0 one on narrow models and 0, every core, on all others."""
    return wanted or int(is_narrow(model))


def multiplies_bf16_fast() -> bool:
    """Whether a product in bf16 is the faster one here: on a GPU that has it, with AMX, or by AVX-512 where that is not Intel's.

    Intel's cores do half as many AVX-512 products of bf16 as of fp32 a cycle, and what is saved is spent on converting.
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    if torch.cpu._is_amx_tile_supported():
        return True
    return torch.cpu._is_avx512_bf16_supported() and _vendor(CPU_INFO) != "GenuineIntel"


@cache
def _vendor(cpu_info: Path) -> str:
    """The processor's vendor_id, "" where the system does not tell."""
    try:
        said = cpu_info.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = (line.partition(":") for line in said.splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == "vendor_id"), "")


def is_narrow(model: Any) -> bool:
    """Whether a model's matrices are too small to be worth splitting between threads."""
    width = getattr(model.config.get_text_config(), "hidden_size", ONE_THREAD_TO_WIDTH + 1)
    return int(width) <= ONE_THREAD_TO_WIDTH


def has_bare_head(model: Any) -> bool:
    """Whether a causal LM's logits are its output layer applied to its last hidden state, no scale or cap: tried, not assumed."""
    if model.get_output_embeddings() is None:
        return False
    ids = torch.tensor([[0, 1, 2, 1]], device=model.device)
    training = model.training
    model.eval()
    with torch.no_grad():
        whole = model(input_ids=ids, use_cache=False).logits
        parts = model.get_output_embeddings()(hidden_states(model, input_ids=ids))
    model.train(training)
    return whole.shape == parts.shape and bool(torch.allclose(whole, parts, atol=_TOLERANCE, rtol=_TOLERANCE))


def hidden_states(model: Any, **inputs: Any) -> torch.Tensor:
    """The last hidden states, [rows, length, width], of the decoder under a causal LM."""
    states: torch.Tensor = model.get_decoder()(use_cache=False, **inputs).last_hidden_state
    return states
