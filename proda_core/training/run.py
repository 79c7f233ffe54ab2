"""One training as every process of it does it: load the base, ask it, adapt it, train.

The first process is the job's worker; it alone reports, writes and probes for the record. ``TrainingRun`` is all that another
process is told. The rows come from the first one's memory, where the guard has just checked them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate.utils import broadcast

from proda_core.config import StudentConfig, TrainingConfig
from proda_core.students.hf import HFStudent
from proda_core.students.loading import LoadedModel, load_model, use_threads
from proda_core.students.prompting import EncodedRow
from proda_core.training.batches import BatchPlan
from proda_core.training.checkpoint import Position
from proda_core.training.gradients import Gradients, HelperSpec
from proda_core.training.loop import Hooks, train
from proda_core.training.lora import Trainee, make_accelerator, make_trainee
from proda_core.training.protection import Protection, input_moments
from proda_core.training.sharing import share_base
from proda_core.training.soft_targets import SoftTargets, ask_base
from proda_core.training.speed import training_threads
from proda_core.training.stopping import MasteryProbe


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What is trained on what and how; ``general`` are the numbers of the rows that the base is asked about first."""

    base: str
    student: StudentConfig
    config: TrainingConfig
    seed: int
    incumbent: Path | None
    rows: Sequence[EncodedRow]
    general: Sequence[int]
    probe: MasteryProbe | None
    limit_s: float | None
    scratch: Path


def _nobody(*_told: object) -> None:
    """What a process does that nobody watches."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Told of rows asked and of steps done, position and total; either may raise to end the run."""

    after_rows: Callable[[int], None] = _nobody
    after_step: Callable[[Position, int], None] = _nobody


def load_base(base: str, student: StudentConfig, config: TrainingConfig) -> LoadedModel:
    """The base as this training holds it; one that is to be divided comes whole, and not onto a GPU."""
    divided = config.processes > 1 and config.parallel == "fsdp"
    device = torch.device("cpu") if divided else None
    return load_model(base, device=device, dtype=student.dtype, four_bit=config.method == "qlora")


def train_run(run: TrainingRun, loaded: LoadedModel, observer: Observer) -> tuple[Trainee, Position]:
    """Train to the end of the run, in step with the other processes where there are any."""
    accelerator = make_accelerator()
    together = accelerator.num_processes > 1
    use_threads(_threads(run, loaded, accelerator.num_processes))
    if together and run.config.parallel == "fsdp":
        share_base(loaded.model, accelerator.device, accelerator.num_processes)
    soft, moments = _ask_base(run, loaded, observer)
    if together and moments:  # one process's sums for all, so that their weights stay equal to the bit
        moments = broadcast(moments)
    trainee = make_trainee(loaded, run.config, seed=run.seed, incumbent=run.incumbent)
    if moments:
        protection = Protection.of(trainee.model, moments, run.config.protection)
        trainee = replace(trainee, protection=protection)
    plan = BatchPlan(run.rows, batch_tokens=run.config.batch_tokens, seed=run.seed)
    after_epoch = _after_epoch(run.probe, trainee, loaded, run.student) if run.probe else None
    hooks = Hooks(observer.after_step, after_epoch, limit_s=run.limit_s)
    with Gradients(trainee, run.rows, soft) as gradients:
        if not run.student.threads:
            spec = HelperSpec(
                run.base, run.config, run.seed, run.incumbent, run.rows, soft, run.student.dtype
            )
            gradients.call_helper(spec, steps=plan.total_steps(run.config.epochs, run.config.max_steps))
        position = train(trainee, plan, run.config, scratch=run.scratch, hooks=hooks, gradients=gradients)
    return trainee, position


def _threads(run: TrainingRun, loaded: LoadedModel, processes: int) -> int:
    """Torch threads of this process: several share the cores between them."""
    wanted = training_threads(loaded.model, run.student.threads)
    return wanted or max(1, len(os.sched_getaffinity(0)) // processes)


def _ask_base(
    run: TrainingRun, loaded: LoadedModel, observer: Observer
) -> tuple[SoftTargets | None, dict[str, torch.Tensor]]:
    """What the base says to general rows and what its layers are given by them, as far as the configuration uses either."""
    config = run.config
    if not config.distillation and not config.protection:
        return None, {}
    with input_moments(loaded.model) as moments:
        soft = ask_base(
            loaded.model,
            run.rows,
            run.general,
            weight=config.distillation,
            tell=observer.after_rows,
            pad=int(loaded.tokenizer.pad_token_id or 0),
        )
    return soft if config.distillation else None, moments if config.protection else {}


def _after_epoch(
    probe: MasteryProbe, trainee: Trainee, loaded: LoadedModel, student: StudentConfig
) -> Callable[[Position], bool]:
    asked = HFStudent(trainee.model, loaded.tokenizer, name="in training", batch_size=student.batch_size)

    def after_epoch(position: Position) -> bool:
        position.mastery = (*position.mastery, round(probe.measure(asked), 4))
        return probe.plateau(position.mastery)

    return after_epoch
