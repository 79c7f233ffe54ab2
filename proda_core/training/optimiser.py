"""The optimisers a run may use: AdamW, or Muon, whose orthogonalised steps suit LoRA's matrices and rare facts.

Both keep all their state in ``state_dict``, so a checkpoint holds it and a resumed run takes the same steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from proda_core.config import TrainingConfig

_BETAS = (0.9, 0.99)


def make_optimiser(weights: Sequence[torch.nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser that the configuration names, over matrices alone; the loop sets its learning rate at every step."""
    if config.optimiser == "muon":
        return torch.optim.Muon(weights, lr=config.learning_rate, weight_decay=0.0)
    return torch.optim.AdamW(weights, lr=config.learning_rate, betas=_BETAS, weight_decay=0.0, fused=True)
