"""The training loop, flat: a batch, a loss on the answers, a step, a checkpoint now and then.

``train`` takes a model with trainable LoRA weights and runs it over a plan of batches, with cosine decay after a warm-up. What
happens around a step (progress, cancellation, probing at an epoch's end) comes in as ``Hooks``. Killed at any line and
called again with the same arguments, it goes on from its last checkpoint to the same weights. Of several processes that train
together all run this loop; the first alone writes, and its word holds where a clock or a probe decides.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object

from proda_core.config import TrainingConfig
from proda_core.training.batches import BatchPlan
from proda_core.training.checkpoint import Position, load_checkpoint, random_state, save_checkpoint
from proda_core.training.gradients import Gradients
from proda_core.training.journal import Journal, StepRecord
from proda_core.training.lora import Trainee
from proda_core.training.optimiser import make_optimiser

PACED_AT = 12  # steps after which the speed is known well enough
_CLIP = 1.0
_Word = TypeVar("_Word", int, bool)


@dataclass(frozen=True, slots=True)
class Hooks:
    """``after_step(position, total)`` may raise to end the run; ``after_epoch(position)`` says whether to stop."""

    after_step: Callable[[Position, int], None]
    after_epoch: Callable[[Position], bool] | None = None
    clock: Callable[[], float] = time.monotonic
    limit_s: float | None = None  # wall time the run may take, probing included


def learning_rate(step: int, total: int, config: TrainingConfig) -> float:
    """Linear warm-up, then cosine down to a twentieth of the peak; ``step`` counts from 0."""
    warmup = math.ceil(config.warmup_share * total)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    share = (step - warmup) / max(1, total - warmup)
    return config.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


def paced_steps(position: Position, limit_s: float, wanted: int) -> int:
    """Steps that fit into ``limit_s`` at the speed so far with a tenth kept back; at least one more, at most ``wanted``."""
    fitting = int(0.9 * limit_s / (position.wall_s / position.step))
    return min(wanted, max(position.step + 1, fitting))


def train(
    trainee: Trainee,
    plan: BatchPlan,
    config: TrainingConfig,
    *,
    scratch: Path,
    hooks: Hooks,
    gradients: Gradients | None = None,
) -> Position:
    """Train to the end, or to where ``hooks`` stop it; ``scratch`` keeps checkpoint and journal. Returns the last position.

    A limit on wall time is turned into a number of steps once, after ``PACED_AT`` steps, and the decay is planned to end there:
    what a limited run does depends on the machine's speed, and its checkpoint keeps the number. ``gradients`` may have a helper,
    which a limited run waits for, since its speed is to be measured.
    """
    model, accelerator = trainee.model, trainee.accelerator
    gradients = gradients or Gradients(trainee, plan.rows)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = make_optimiser(weights, config)
    position = load_checkpoint(scratch, model=model, optimiser=optimiser, process=accelerator.process_index)
    journal = Journal(scratch / "journal.jsonl") if accelerator.is_main_process else None
    wanted = plan.total_steps(config.epochs, config.max_steps)
    total = position.planned or wanted
    if hooks.limit_s is not None:
        gradients.wait_for_helper()
    began = hooks.clock() - position.wall_s
    model.train()
    while position.step < total and not position.stopped:
        batch = plan.at(position.step)
        rate = learning_rate(position.step, total, config)
        position.loss = _step(gradients, batch, optimiser, weights, rate)
        if trainee.protection is not None:
            trainee.protection.decay(rate)
        position.step += 1
        position.tokens += sum(len(plan.rows[row].ids) for row in batch)
        position.wall_s = hooks.clock() - began
        if journal is not None:
            journal.append(_record(position, rate, journal.process))
        if hooks.limit_s is not None and position.step == PACED_AT:
            total = position.planned = _agreed(accelerator, paced_steps(position, hooks.limit_s, wanted))
        at_epoch_end = position.step % plan.steps_per_epoch == 0
        if at_epoch_end and hooks.after_epoch is not None:
            position.stopped = _agreed(accelerator, hooks.after_epoch(position))
        if position.step % config.checkpoint_steps == 0 or position.stopped or position.step == total:
            random = gather_object([random_state()])
            if accelerator.is_main_process:
                save_checkpoint(scratch, position, model=model, optimiser=optimiser, random=random)
        hooks.after_step(position, total)
    return position


def _agreed(accelerator: Accelerator, word: _Word) -> _Word:
    """The first process's word, in every process."""
    said: list[_Word] = broadcast_object_list([word]) if accelerator.num_processes > 1 else [word]
    return said[0]


def _record(position: Position, rate: float, process: int) -> StepRecord:
    return StepRecord(position.step, position.loss, position.tokens, rate, round(position.wall_s, 3), process)


def _step(
    gradients: Gradients,
    batch: Sequence[int],
    optimiser: torch.optim.Optimizer,
    weights: list[torch.nn.Parameter],
    rate: float,
) -> float:
    """One optimiser step; returns the loss before it."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    loss = gradients.add(batch)
    torch.nn.utils.clip_grad_norm_(weights, _CLIP)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return loss
