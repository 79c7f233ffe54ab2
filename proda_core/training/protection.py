"""Where general skill lives in the base, and a decay that keeps what LoRA changes out of there.

A change ``B A`` of a layer moves its outputs on general text by tr(B A C A' B'), C the second moment of the layer's inputs there.
After every step A is decayed by C, so that facts settle in the directions that general text uses least: weight consolidation
(Kirkpatrick et al. 2017) with a Kronecker factor of the Fisher matrix (Ritter et al. 2018) whose output side is left out.
Layers of more than ``PROTECTED_TO_WIDTH`` inputs are left alone: their moments would be larger than they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

PROTECTED_TO_WIDTH = 1024


@contextmanager
def input_moments(model: Any) -> Iterator[dict[str, torch.Tensor]]:
    """What linear layers are given while ``model`` reads within the block: by layer the sum of x x' [inputs, inputs] over tokens.

    Padding does not count: the model is called with its ``attention_mask`` by name.
    """
    sums: dict[str, torch.Tensor] = {}
    mask = torch.empty(0)

    def reads(_model: Any, _arguments: Any, named: dict[str, Any]) -> None:
        nonlocal mask
        mask = named["attention_mask"].bool()

    def given(name: str) -> Any:
        def add(_layer: Any, inputs: tuple[torch.Tensor, ...], _output: Any) -> None:
            tokens = inputs[0].detach()[mask].float()
            sums[name] = sums.get(name, 0) + tokens.mT @ tokens

        return add

    with ExitStack() as hooks:
        hooks.callback(model.register_forward_pre_hook(reads, with_kwargs=True).remove)
        for name, layer in model.named_modules():
            if _protectable(model, layer):
                hooks.callback(layer.register_forward_hook(given(name)).remove)
        yield sums


@dataclass(frozen=True, slots=True)
class Protection:
    """By layer, LoRA's A [rank, inputs] with eigenvalues (mean 1) and eigenvectors of its inputs' second moment."""

    weight: float
    layers: Sequence[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]

    @classmethod
    def of(cls, model: Any, moments: Mapping[str, torch.Tensor], weight: float) -> Protection:
        """Over the LoRA layers of ``model`` whose base was seen; ``weight`` is in units of the learning rate."""
        found = []
        for name, layer in model.named_modules():
            if name in moments and hasattr(layer, "lora_A"):
                values, vectors = torch.linalg.eigh(moments[name])
                values = values.clamp(min=0)
                scaled = values / values.mean().clamp(min=torch.finfo(values.dtype).tiny)
                found += [(a.weight, scaled, vectors) for a in layer.lora_A.values()]
        return cls(weight, found)

    @torch.no_grad()
    def decay(self, rate: float) -> None:
        """A (I + rate weight C)^-1 in place of each A: a proximal step, stable at any weight."""
        for a, values, vectors in self.layers:
            a.copy_((a @ vectors / (1 + rate * self.weight * values)) @ vectors.mT)


def _protectable(model: Any, layer: Any) -> bool:
    head = model.get_output_embeddings()
    return type(layer) is nn.Linear and layer is not head and layer.in_features <= PROTECTED_TO_WIDTH
