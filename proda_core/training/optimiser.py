"""The optimisers a run may use: AdamW, or Muon, whose orthogonalised steps suit LoRA's matrices and rare facts.

Both keep all their state in ``state_dict``, so a checkpoint holds it and a resumed run takes the same steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from proda_core.config import TrainingConfig
from proda_core.training.speed import multiplies_bf16_fast

_BETAS = (0.9, 0.99)


class StackedMuon(torch.optim.Muon):
    """torch's Muon, matrices of one shape orthogonalised together.

    LoRA makes dozens of matrices of a few shapes; one by one, their many small products take a third of a step
    on a small model (docs/LOG.md). Same state, same arguments and, up to rounding, same steps.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step over all parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for weights in alike.values():
                self._step_together(group, weights)
        return loss

    def _step_together(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        """The step of all weights of one shape."""
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        for weight, gradient in zip(weights, gradients, strict=True):
            if "momentum_buffer" not in self.state[weight]:
                self.state[weight]["momentum_buffer"] = torch.zeros_like(gradient)
        momenta = [self.state[weight]["momentum_buffer"] for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        updates = torch.stack(momenta)
        if group["nesterov"]:
            updates = torch.stack(gradients).lerp(updates, group["momentum"])
        steps = orthogonalise(
            updates, group["ns_coefficients"], iterations=group["ns_steps"], eps=group["eps"]
        )
        rows, columns = weights[0].shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            rate = group["lr"] * 0.2 * max(rows, columns) ** 0.5
        else:
            rate = group["lr"] * max(1.0, rows / columns) ** 0.5
        torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(weights, list(steps.to(weights[0].dtype).unbind()), alpha=-rate)


def orthogonalise(
    stack: Tensor, coefficients: tuple[float, float, float], *, iterations: int, eps: float
) -> Tensor:
    """Newton-Schulz iteration on a stack of matrices [n, rows, columns]: singular values near 1, vectors kept.

    In bf16, whose rounding it bears, where that is the faster format, else in fp32. After Jordan et al., https://kellerjordan.github.io/posts/muon/.
    """
    a, b, c = coefficients
    x = stack.bfloat16() if multiplies_bf16_fast() else stack.float()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def make_optimiser(weights: Sequence[torch.nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser that the configuration names, over matrices alone; the loop sets its learning rate at every step."""
    if config.optimiser == "muon":
        return StackedMuon(weights, lr=config.learning_rate, weight_decay=config.weight_decay)
    return torch.optim.AdamW(
        weights, lr=config.learning_rate, betas=_BETAS, weight_decay=config.weight_decay, fused=True
    )
