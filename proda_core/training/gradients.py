"""The gradient of one step, its batch in parts that other processes may share.

A narrow model's matrices are too small for two threads, so the second core takes half of the rows instead: a helper process
holds the same base, sees the weights in shared memory and returns the gradient of its part. The parts do not depend on who
computes them: alone, with a helper, or with one that comes late or dies, a run takes the same steps to the same weights.
Processes that train together (``processes``) each take their rows of every batch and add up what they found.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import multiprocessing
from torch.nn import functional

from proda_core.config import TrainingConfig
from proda_core.students.loading import load_model
from proda_core.students.prompting import EncodedRow
from proda_core.training.batches import UNLABELLED, Batch, collate
from proda_core.training.lora import Trainee, make_trainee
from proda_core.training.sharing import is_shared
from proda_core.training.soft_targets import BatchTargets, SoftTargets, blended_loss
from proda_core.training.speed import hidden_states, is_narrow

HELP_FROM_STEPS = 100  # a helper takes seconds to start
_LABEL_STEP = 64


@dataclass(frozen=True, slots=True)
class HelperSpec:
    """What a helper needs to stand where the first process stands."""

    base: str
    config: TrainingConfig
    seed: int
    incumbent: Path | None
    rows: Sequence[EncodedRow]
    soft: SoftTargets | None = None
    dtype: str = "auto"


def answer_loss(trainee: Trainee, batch: Batch, soft: BatchTargets | None = None) -> torch.Tensor:
    """Mean cross-entropy per label token, in fp32, blended with the base's word where there is any.

    Logits are taken at the answers' positions only. Their number is rounded up with positions that count for nothing,
    again for the sake of few shapes.
    """
    wanted, keep = batch.targets != UNLABELLED, batch.targets.shape[1]
    inputs = {
        "input_ids": batch.inputs.ids,
        "attention_mask": batch.inputs.mask,
        "position_ids": batch.inputs.positions,
    }
    with trainee.accelerator.autocast():
        if trainee.bare_head:
            states = hidden_states(trainee.model, **inputs)[:, -keep:].flatten(0, 1)
            places = wanted.flatten().nonzero().squeeze(1)
            spare = (0, -len(places) % _LABEL_STEP)
            logits = trainee.model.get_output_embeddings()(states[functional.pad(places, spare)])
        else:
            logits = trainee.model(**inputs, use_cache=False, logits_to_keep=keep).logits[wanted]
    targets = batch.targets[wanted]
    logits = logits[: len(targets)]
    if soft is not None:
        return blended_loss(logits, targets, soft)
    return functional.cross_entropy(logits.float(), targets)


class Gradients:
    """Adds up the gradient of a batch's mean loss. A context: a helper, where one was called, ends with it."""

    def __init__(self, trainee: Trainee, rows: Sequence[EncodedRow], soft: SoftTargets | None = None) -> None:
        self._trainee, self._rows, self._soft = trainee, rows, soft
        self._together = trainee.accelerator.num_processes > 1
        in_two = is_narrow(trainee.model) and trainee.accelerator.device.type == "cpu" and not self._together
        self._parts = 2 if in_two else 1
        self._helper: _Helper | None = None

    def __enter__(self) -> Gradients:
        return self

    def __exit__(self, *error: object) -> None:
        if self._helper is not None:
            self._helper.end()

    def call_helper(self, spec: HelperSpec, *, steps: int) -> bool:
        """Start a helper where a run of ``steps`` steps gains by one; it takes its part from when it is ready.

        Where the machine has no shared memory left or no process to give, the run goes on without.
        """
        spare_core = len(os.sched_getaffinity(0)) > 1
        if self._parts > 1 and spare_core and steps >= HELP_FROM_STEPS and _draws_nothing(self._trainee):
            try:
                self._helper = _Helper(self._trainee, spec)
            except (OSError, RuntimeError) as error:
                sys.stderr.write(f"training without a helper process: {error}\n")
        return self._helper is not None

    def wait_for_helper(self) -> None:
        """Go on when the helper, where there is one, is ready or lost."""
        if self._helper is not None:
            self._helper.wait()

    def add(self, batch: Sequence[int]) -> float:
        """Add the gradient over the rows of these numbers to the weights' ``grad``; returns the mean loss per label."""
        labels = sum(sum(self._rows[number].labels[1:]) for number in batch)
        if self._together:
            return self._add_together(batch, labels)
        first, *others = (batch[part :: self._parts] for part in range(self._parts))
        handed = (
            bool(others and others[0]) and self._helper is not None and self._helper.hand(others[0], labels)
        )
        loss = self._add(first, labels)
        if handed and self._helper is not None:
            helped = self._helper.collect()
            if helped is not None:
                return loss + helped
        return loss + sum(self._add(part, labels) for part in others if part)

    def _add_together(self, batch: Sequence[int], labels: int) -> float:
        """This process's rows, then the sum over all processes."""
        accelerator = self._trainee.accelerator
        own = batch[accelerator.process_index :: accelerator.num_processes]
        loss = 0.0
        if own:
            loss = self._add(own, labels)
        elif is_shared(self._trainee.model):  # the others need this process's share of the base all the same
            self._add(batch[:1], labels)
            torch._foreach_zero_([w.grad for w in _trained(self._trainee) if w.grad is not None])
        weights = _trained(self._trainee)
        found = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
        *summed, total = accelerator.reduce(
            [*found, torch.tensor(loss, device=accelerator.device)], reduction="sum"
        )
        for weight, gradient in zip(weights, summed, strict=True):
            weight.grad = gradient
        return float(total)

    def _add(self, part: Sequence[int], labels: int) -> float:
        return _add_part(self._trainee, self._rows, self._soft, part, labels=labels)


class _Helper:
    """The process that computes one part of each step, and the memory shared with it."""

    def __init__(self, trainee: Trainee, spec: HelperSpec) -> None:
        self._weights = _trained(trainee)
        for weight in self._weights:
            _share(weight)
        self._gradients = [_share(torch.zeros_like(weight)) for weight in self._weights]
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        shared = [weight.detach() for weight in self._weights]
        self._process = spawn.Process(
            target=_serve, args=(theirs, spec, shared, self._gradients), name="gradients", daemon=True
        )
        self._process.start()
        theirs.close()
        self._ready = self._lost = False

    def wait(self) -> None:
        while not (self._ready or self._lost):
            self._receive()

    def hand(self, part: Sequence[int], labels: int) -> bool:
        """Give the helper its part of a step; False while it is not there to take it."""
        if not self._ready and not self._lost and self._pipe.poll():
            self._receive()
        if not self._ready:
            return False
        try:
            self._pipe.send((list(part), labels))
        except OSError:
            self._lose()
        return self._ready

    def collect(self) -> float | None:
        """Add the helper's gradient; returns its part of the loss, None when the helper is lost and the part undone."""
        loss = self._receive()
        if loss is not None:
            for weight, gradient in zip(self._weights, self._gradients, strict=True):
                weight.grad = gradient.clone() if weight.grad is None else weight.grad.add_(gradient)
        return loss

    def end(self) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join()

    def _receive(self) -> float | None:
        try:
            answer: float = self._pipe.recv()
        except (EOFError, OSError):
            self._lose()
            return None
        self._ready = True
        return answer

    def _lose(self) -> None:
        self._ready, self._lost = False, True


def _serve(
    pipe: Connection[Any, Any], spec: HelperSpec, weights: list[torch.Tensor], gradients: list[torch.Tensor]
) -> None:
    """A helper's life: its own copy of the base, the shared weights in it, a gradient for every part it is given."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    loaded = load_model(spec.base, dtype=spec.dtype)
    trainee = make_trainee(loaded, spec.config, seed=spec.seed, incumbent=spec.incumbent)
    trainee.model.train()
    for own, weight, gradient in zip(_trained(trainee), weights, gradients, strict=True):
        own.data, own.grad = weight, gradient
    pipe.send(0.0)
    while True:
        try:
            part, labels = pipe.recv()
        except (EOFError, OSError):
            return
        torch._foreach_zero_(gradients)
        pipe.send(_add_part(trainee, spec.rows, spec.soft, part, labels=labels))


def _add_part(
    trainee: Trainee,
    rows: Sequence[EncodedRow],
    soft: SoftTargets | None,
    part: Sequence[int],
    *,
    labels: int,
) -> float:
    """Add one part's share of the gradient; returns its share of the mean over ``labels`` label tokens."""
    device = trainee.accelerator.device
    batch = collate([rows[number] for number in part], pad=trainee.pad, device=device)
    share = int((batch.targets != UNLABELLED).sum()) / labels
    loss = answer_loss(trainee, batch, soft.of(rows, part, device) if soft else None) * share
    trainee.accelerator.backward(loss)
    return float(loss.detach())


def _share(tensor: Any) -> torch.Tensor:
    """The tensor, its storage moved to shared memory."""
    shared: torch.Tensor = tensor.share_memory_()
    return shared


def _trained(trainee: Trainee) -> list[torch.nn.Parameter]:
    return [parameter for parameter in trainee.model.parameters() if parameter.requires_grad]


def _draws_nothing(trainee: Trainee) -> bool:
    """Whether a forward pass is free of chance, so that two processes need not share a random stream."""
    modules = trainee.model.modules()
    dropped = any(isinstance(module, torch.nn.Dropout) and module.p > 0 for module in modules)
    return not dropped and not getattr(trainee.model.config, "attention_dropout", 0)
