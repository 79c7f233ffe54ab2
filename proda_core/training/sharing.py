"""A base divided among the processes that train on it (FSDP2): each holds a share of each layer and borrows the rest when needed.

Only the base is divided, which is what is large. LoRA's weights are added after that and stay whole in every process, and so do
their optimiser, protection and checkpoint: all of them are the same code with and without. All processes have to run the same
passes at the same time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor


def share_base(model: Any, device: torch.device, processes: int) -> Any:
    """Divide a base, in place; its own repeated blocks are what is borrowed at a time."""
    model.requires_grad_(False)
    mesh = init_device_mesh(device.type, (processes,))
    blocks = max((m for m in model.modules() if isinstance(m, torch.nn.ModuleList)), key=len)
    for block in blocks:
        fully_shard(block, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def is_shared(model: Any) -> bool:
    """Whether a base is divided."""
    return any(isinstance(weight, DTensor) for weight in model.parameters())
