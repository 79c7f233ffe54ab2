"""Pretraining of pocket: a loop that can be killed at any line and resumed at its last checkpoint.

Each step is the mean over `streams` batches, which a crew of processes may share; what it minimises is in `objective`. The run
folder holds the plan, the tokenizer, the words, the newest checkpoint and a log of one JSON record a line.
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from proda_core.general.tasks import generate_tasks
from proda_core.training.optimiser import StackedMuon
from proda_core.training.pocket.batches import Batch, batches, collate
from proda_core.training.pocket.crew import Crew
from proda_core.training.pocket.curriculum import LEVELS, Level, level_at
from proda_core.training.pocket.forward import TrainingForward
from proda_core.training.pocket.objective import Objective, Shares
from proda_core.training.pocket.rows import RowMaker, task_rows
from proda_core.training.speed import multiplies_bf16_fast

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
_WARM_UP = 0.01
_PACE = 0.02  # of the moving figures
_LOG_STEPS = 100
_BATCH = 24  # rows measured at once
_NONE = torch.zeros(0, dtype=torch.long)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a run: shape of the model, optimiser, batches and budget.

    `layers` has a letter a layer: c a short convolution over `kernel` places, a attention. `weights` is the folder of an exported
    pocket of this shape to go on from, in the last level of the curriculum; nothing starts a run from untrained weights.
    """

    seed: int = 0
    weights: str = ""
    steps: int = 8000
    hidden: int = 128
    layers: str = "caaaaa"
    kernel: int = 3
    heads: int = 4
    feed_forward: int = 320
    context: int = 512
    vocab_size: int = 8192
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    muon: bool = True
    turning_weight: float = 4.0
    opening_weight: float = 0.5
    ahead_weight: float = 0.25
    streams: int = 2
    batch_tokens: int = 4096
    pool_rows: int = 2048
    compiled: bool = True
    checkpoint_seconds: float = 180.0
    measure_seconds: float = 240.0


@dataclass(slots=True)
class Progress:
    """Where a run stands. `loss` (of the replies), `opening` and `ahead` (of the auxiliary objectives) and `right` (answers
    without a wrong token among those predicted) are moving means of this process's batches; `tokens` are this process's times
    the number of processes, an estimate with two.
    """

    pool: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    opening: float = 0.0
    ahead: float = 0.0
    right: float = 0.0


@dataclass(slots=True)
class Pretraining:
    """One run: model, optimiser, progress, where they are kept, and who trains along."""

    plan: Plan
    folder: Path
    model: Any
    maker: RowMaker
    clock: Callable[[], float]
    crew: Crew = field(default_factory=Crew)
    progress: Progress = field(default_factory=Progress)
    optimizers: list[torch.optim.Optimizer] = field(init=False)
    eager: TrainingForward = field(init=False)
    losses: Callable[..., tuple[Tensor, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.eager = TrainingForward(
            self.model, dtype=torch.bfloat16 if multiplies_bf16_fast() else torch.float32
        )
        self.optimizers = _optimizers(self.model, self.eager, self.plan)
        plan = self.plan
        objective = Objective(self.eager, Shares(plan.opening_weight, plan.ahead_weight))
        self.losses = torch.compile(objective, dynamic=True) if plan.compiled else objective

    @property
    def spent(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        return min(1.0, self.progress.step / self.plan.steps)

    @property
    def level(self) -> Level:
        """The level of the curriculum that the run is in."""
        return LEVELS[-1 if self.plan.weights else level_at(self.spent)]

    def run(self) -> Progress:
        """Train to the end of the budget, with checkpoints and measurements on the way."""
        last = saved = measured = self.clock()
        while self.spent < 1.0:
            progress = self.progress
            for mine in self._pool():
                self._step(mine)
                now = self.clock()
                progress.seconds += now - last
                last = now
                if progress.step % _LOG_STEPS == 0:
                    self._log({})
            progress.pool += 1
            if last - measured >= self.plan.measure_seconds:
                measured = last
                self._measure_and_log()
            if last - saved >= self.plan.checkpoint_seconds:
                saved = last
                self.save()
        self._measure_and_log()
        self.save()
        return self.progress

    def measure(self, count: int = 170) -> dict[str, float]:
        """Shares of heldout tasks (names and wordings unseen) predicted without a wrong token, by kind."""
        tasks = [
            task
            for difficulty in (0, 1, 3)
            for task in generate_tasks(seed=17, count=count, family="heldout", difficulty=difficulty)
        ]
        rows = [row for row in task_rows(self.maker, tasks) if len(row.ids) <= self.plan.context]
        found: dict[str, list[bool]] = {}
        with torch.no_grad():
            for start in range(0, len(rows), _BATCH):
                chunk = rows[start : start + _BATCH]
                batch = collate(chunk)
                logits, *_ = self.eager(batch.ids, batch.places, _NONE, _NONE)
                right = batch.answers_right(logits.argmax(-1) == batch.targets)
                for row, is_right in zip(chunk, right.tolist(), strict=True):
                    found.setdefault(f"{row.kind}@{row.difficulty}", []).append(is_right)
        return {name: round(sum(flags) / len(flags), 3) for name, flags in sorted(found.items())}

    def save(self) -> None:
        """Write the checkpoint beside the old one and rename it into place."""
        if not self.crew.leads:
            return
        state = {
            "model": self.model.state_dict(),
            "auxiliary": {name: part.state_dict() for name, part in self.eager.auxiliary.items()},
            "optimizers": [one.state_dict() for one in self.optimizers],
            "progress": asdict(self.progress),
        }
        partial = self.folder / (CHECKPOINT + ".partial")
        torch.save(state, partial)
        partial.replace(self.folder / CHECKPOINT)

    def restore(self) -> bool:
        """Load the checkpoint if there is one."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for name, part in self.eager.auxiliary.items():
            part.load_state_dict(state["auxiliary"][name])
        for one, kept in zip(self.optimizers, state["optimizers"], strict=True):
            one.load_state_dict(kept)
        self.progress = Progress(**state["progress"])
        return True

    def _pool(self) -> list[tuple[Batch, ...]]:
        """The steps of the next pool, each with this process's batches."""
        plan, progress = self.plan, self.progress
        mine = []
        for stream in self.crew.share(plan.streams):
            number = progress.pool * plan.streams + stream
            rows = self.maker.pool(plan.seed, number, level=self.level, count=plan.pool_rows)
            tokens = round(self.level.batch * plan.batch_tokens)
            mine.append(batches(rows, tokens=tokens, rng=Random(number), turning=plan.turning_weight))
        steps = self.crew.least(min(len(made) for made in mine))
        if not steps:
            raise ValueError(f"a pool of {plan.pool_rows} rows fills no batch of {plan.batch_tokens} tokens")
        return list(islice(zip(*mine, strict=False), min(steps, plan.steps - progress.step)))

    def _step(self, mine: Sequence[Batch]) -> None:
        """One update on the crew's batches."""
        rate = self.plan.learning_rate * rate_at(self.spent)
        for one in self.optimizers:
            for group in one.param_groups:
                group["lr"] = rate
        for batch in mine:
            self._backward(batch)
        trained = [*self.eager.parameters()]
        self.crew.add_gradients(trained)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for one in self.optimizers:
            one.step()
            one.zero_grad(set_to_none=True)
        self.progress.step += 1

    def _backward(self, batch: Batch) -> None:
        """Add a batch's gradients and note its figures."""
        whole, replies, opening, ahead, right = self.losses(*batch.tensors)
        torch.autograd.backward(whole / self.plan.streams)
        share = batch.answers_right(right).float().mean()
        self._note(batch, loss=replies.item(), opening=opening.item(), ahead=ahead.item(), right=share.item())

    def _note(self, batch: Batch, **figures: float) -> None:
        """Update the moving figures."""
        progress = self.progress
        pace = _PACE if progress.step > 1 / _PACE else 1 / (progress.step + 1)
        progress.tokens += batch.tokens * self.crew.size
        for name, value in figures.items():
            held = getattr(progress, name)
            setattr(progress, name, held + (value - held) * pace)

    def _measure_and_log(self) -> None:
        """A log record with heldout figures, by the process that writes."""
        if self.crew.leads:
            self._log(self.measure())

    def _log(self, measured: dict[str, float]) -> None:
        """One record in the log and one line on stderr."""
        if not self.crew.leads:
            return
        progress, level = self.progress, self.level.number
        left = progress.seconds * (1 / self.spent - 1) if self.spent else math.nan
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({**asdict(progress), "level": level, "heldout": measured}) + "\n")
        line = (
            f"step {progress.step} level {level} tokens {progress.tokens / 1e6:.1f}M loss {progress.loss:.3f} openings "
            f"{progress.opening:.3f} ahead {progress.ahead:.3f} answers right {progress.right:.2f} at "
            f"{progress.seconds / 60:.1f} min, {left / 60:.0f} min left\n"
        )
        sys.stderr.write(line)
        sys.stderr.flush()


def rate_at(spent: float) -> float:
    """Linear warm-up, then a cosine down to a fiftieth."""
    if spent < _WARM_UP:
        return max(spent, 1e-4) / _WARM_UP
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (spent - _WARM_UP) / (1 - _WARM_UP)))


def _optimizers(model: Any, eager: TrainingForward, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers (if the plan says so), AdamW for the rest; decay on matrices only.

    A convolution's taps are a vector for each channel.
    """
    layers = [weight for weight in model.model.layers.parameters() if weight.dim() == 2]
    vectors = [weight for weight in model.parameters() if weight.dim() != 2]
    auxiliary = [weight for part in eager.auxiliary.values() for weight in part.parameters()]
    adam_only = [model.model.embed_tokens.weight, *auxiliary, *([] if plan.muon else layers)]
    groups = [
        {"params": adam_only, "weight_decay": plan.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.98), fused=True)
    if not plan.muon:
        return [adam]
    muon = StackedMuon(
        layers,
        lr=plan.learning_rate,
        weight_decay=plan.weight_decay,
        momentum=0.95,
        adjust_lr_fn="match_rms_adamw",
    )
    return [muon, adam]
