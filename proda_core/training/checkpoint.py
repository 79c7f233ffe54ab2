"""Checkpoints inside a run: adapter, optimiser, every process's random state and position in one file, renamed into place.

A run killed at any line goes on from the last one, and ends at the same weights, bit for bit, as the run never killed. The
file is read with torch's weights-only loader; one that cannot be read is refused (JobError), never half used.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from proda_core.artifacts import write_atomic
from proda_core.errors import JobError

NAME = "checkpoint.pt"


@dataclass(slots=True)
class Position:
    """How far a run is: steps and tokens done, seconds spent, its last loss, and the masteries probed at epoch ends."""

    step: int = 0
    tokens: int = 0
    wall_s: float = 0.0
    loss: float = 0.0
    mastery: tuple[float, ...] = ()
    stopped: bool = False
    planned: int = (
        0  # steps in all, once a wall-time limit has been turned into steps; 0 before, and without a limit
    )


def random_state() -> dict[str, Any]:
    """What this process would draw next."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"rng": torch.get_rng_state(), "cuda_rng": cuda}


def save_checkpoint(
    folder: Path,
    position: Position,
    *,
    model: Any,
    optimiser: torch.optim.Optimizer,
    random: Sequence[dict[str, Any]],
) -> None:
    """Write the checkpoint, with the ``random_state`` of each process; the one before is replaced only by a whole one."""
    state = {
        "position": {
            "step": position.step,
            "tokens": position.tokens,
            "wall_s": position.wall_s,
            "loss": position.loss,
            "mastery": list(position.mastery),
            "stopped": position.stopped,
            "planned": position.planned,
        },
        "adapter": {name: p.detach().cpu() for name, p in model.named_parameters() if p.requires_grad},
        "optimiser": optimiser.state_dict(),
        "random": list(random),
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomic(folder / NAME, buffer.getvalue())


def load_checkpoint(
    folder: Path, *, model: Any, optimiser: torch.optim.Optimizer, process: int = 0
) -> Position:
    """Put a checkpoint's state into model, optimiser and this process's generators; a fresh Position when there is none."""
    path = folder / NAME
    if not path.exists():
        return Position()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        own = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if own.keys() != state["adapter"].keys():
            raise KeyError("its adapter has other weights")
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(state["adapter"][name])
        optimiser.load_state_dict(state["optimiser"])
        drawn = state["random"][process]
        torch.set_rng_state(drawn["rng"])
        if drawn["cuda_rng"]:
            torch.cuda.set_rng_state_all(drawn["cuda_rng"])
        kept = state["position"]
        return Position(**{**kept, "mastery": tuple(kept["mastery"])})
    except (
        OSError,
        RuntimeError,
        LookupError,
        TypeError,
        ValueError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        raise JobError(
            f"checkpoint {path} cannot be used ({error}); delete it to train from the start"
        ) from error
