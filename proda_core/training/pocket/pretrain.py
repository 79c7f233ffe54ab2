"""Pretraining of pocket: a loop that can be killed at any line and resumed at its last checkpoint.

The last token of an answer weighs more than the rest: there stands the letter, the truth value or the end of a name.
Its budget is minutes of wall time or a number of steps; the learning rate follows the share of it that is spent. The
run folder holds the plan, the tokenizer, the words, the newest checkpoint and a log of one JSON record a line.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from proda_core.general.tasks import generate_tasks
from proda_core.training.pocket.curriculum import LEVELS, level_after
from proda_core.training.pocket.forward import TrainingForward
from proda_core.training.pocket.rows import Row, RowMaker, task_rows

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
_WARM_UP = 0.01


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a run: shape of the model, optimiser, batches and budget (steps win over minutes)."""

    seed: int = 0
    minutes: float = 65.0
    steps: int = 0
    hidden: int = 128
    layers: int = 5
    heads: int = 4
    feed_forward: int = 384
    context: int = 512
    vocab_size: int = 4096
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    muon: bool = True
    last_token_weight: float = 4.0
    batch_tokens: int = 5120
    pool_rows: int = 768
    compiled: bool = True
    checkpoint_seconds: float = 180.0
    measure_seconds: float = 150.0


@dataclass(slots=True)
class Progress:
    """Where a run stands; `right` is a moving share of answers of the level without a wrong token."""

    pool: int = 0
    step: int = 0
    level: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    right: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded ids (rows, length), flat places of predictions, their targets, the answer of each, and which end an answer."""

    ids: Tensor
    places: Tensor
    targets: Tensor
    owners: Tensor
    endings: Tensor
    tokens: int
    hardest: Tensor


@dataclass(slots=True)
class Pretraining:
    """One run: model, optimiser, progress and where they are kept."""

    plan: Plan
    folder: Path
    model: Any
    maker: RowMaker
    clock: Callable[[], float]
    progress: Progress = field(default_factory=Progress)
    optimizers: list[torch.optim.Optimizer] = field(init=False)
    eager: TrainingForward = field(init=False)
    forward: Callable[[Tensor, Tensor], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.optimizers = _optimizers(self.model, self.plan)
        self.eager = TrainingForward(self.model)
        self.forward = torch.compile(self.eager, dynamic=True) if self.plan.compiled else self.eager

    @property
    def spent(self) -> float:
        """The share of the budget that is spent, 0 to 1."""
        plan, progress = self.plan, self.progress
        share = progress.step / plan.steps if plan.steps else progress.seconds / (60 * plan.minutes)
        return min(1.0, share)

    def run(self) -> Progress:
        """Train to the end of the budget, with checkpoints and measurements on the way."""
        last = saved = measured = self.clock()
        while self.spent < 1.0:
            progress = self.progress
            pool = self.maker.pool(
                self.plan.seed, progress.pool, level=LEVELS[progress.level], count=self.plan.pool_rows
            )
            for batch in batches(pool, tokens=self.plan.batch_tokens, rng=Random(progress.pool)):
                if self.spent >= 1.0:
                    break
                self._step(batch)
                now = self.clock()
                progress.seconds += now - last
                last = now
            progress.pool += 1
            self._advance()
            if last - measured >= self.plan.measure_seconds:
                measured = last
                self._log(self.measure())
            if last - saved >= self.plan.checkpoint_seconds:
                saved = last
                self.save()
        self._log(self.measure())
        self.save()
        return self.progress

    def measure(self, count: int = 170) -> dict[str, float]:
        """Shares of heldout tasks (names and wordings unseen) predicted without a wrong token, by kind."""
        tasks = [
            task
            for difficulty in (0, 2, 3)
            for task in generate_tasks(seed=17, count=count, family="heldout", difficulty=difficulty)
        ]
        fitting = [row for row in task_rows(self.maker, tasks) if len(row.ids) <= self.plan.context]
        rows = sorted(fitting, key=lambda row: len(row.ids))
        found: dict[str, list[bool]] = {}
        with torch.no_grad():
            for chunk in _chunks(rows, self.plan.batch_tokens):
                batch = collate(chunk)
                right = _answers_right(self.eager(batch.ids, batch.places), batch)
                for row, is_right in zip(chunk, right.tolist(), strict=True):
                    found.setdefault(f"{row.kind}@{row.difficulty}", []).append(is_right)
        return {name: round(sum(flags) / len(flags), 3) for name, flags in sorted(found.items())}

    def save(self) -> None:
        """Write the checkpoint beside the old one and rename it into place."""
        state = {
            "model": self.model.state_dict(),
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
        for one, kept in zip(self.optimizers, state["optimizers"], strict=True):
            one.load_state_dict(kept)
        self.progress = Progress(**state["progress"])
        return True

    def _step(self, batch: Batch) -> None:
        """One update on one batch."""
        rate = self.plan.learning_rate * rate_at(self.spent)
        for one in self.optimizers:
            for group in one.param_groups:
                group["lr"] = rate
        logits = self.forward(batch.ids, batch.places)
        losses = functional.cross_entropy(logits, batch.targets, reduction="none")
        weights = 1 + (self.plan.last_token_weight - 1) * batch.endings
        loss = (losses * weights).sum() / weights.sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for one in self.optimizers:
            one.step()
            one.zero_grad(set_to_none=True)
        self._note(batch, losses.mean().item(), _answers_right(logits.detach(), batch))

    def _note(self, batch: Batch, loss: float, right: Tensor) -> None:
        """Update the moving figures."""
        progress = self.progress
        progress.step += 1
        progress.tokens += batch.tokens
        progress.loss += (loss - progress.loss) * (0.02 if progress.step > 50 else 1 / progress.step)
        hardest = right[batch.hardest == LEVELS[progress.level].number]
        if len(hardest):
            progress.right += (float(hardest.float().mean()) - progress.right) * 0.02

    def _advance(self) -> None:
        """Move to the next level when the present one is learnt or its share of the budget spent."""
        progress = self.progress
        level = level_after(progress.level, progress=self.spent, right=progress.right)
        if level != progress.level:
            progress.level, progress.right = level, 0.0
            self._log({})

    def _log(self, measured: dict[str, float]) -> None:
        """One record in the log and one line on stderr."""
        progress = self.progress
        left = progress.seconds * (1 / self.spent - 1) if self.spent else math.nan
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({**asdict(progress), "heldout": measured}) + "\n")
        line = (
            f"step {progress.step} level {progress.level} tokens {progress.tokens / 1e6:.1f}M loss {progress.loss:.3f} "
            f"answers right {progress.right:.2f} at {progress.seconds / 60:.1f} min, {left / 60:.0f} min left\n"
        )
        sys.stderr.write(line)
        sys.stderr.flush()


def rate_at(spent: float) -> float:
    """Linear warm-up, then a cosine down to a fiftieth."""
    if spent < _WARM_UP:
        return max(spent, 1e-4) / _WARM_UP
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (spent - _WARM_UP) / (1 - _WARM_UP)))


def batches(pool: Sequence[Row], *, tokens: int, rng: Random) -> list[Batch]:
    """Batches of rows of like length, at most `tokens` padded tokens each, in random order."""
    chunks = list(_chunks(pool, tokens))
    rng.shuffle(chunks)
    return [collate(chunk) for chunk in chunks]


def collate(rows: Sequence[Row]) -> Batch:
    """Pad rows on the right and lay out what is to be predicted where."""
    length = -(-max(len(row.ids) for row in rows) // 8) * 8
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    places: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    endings: list[bool] = []
    difficulties: list[int] = []
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        for start, stop in row.answers:
            places.extend(range(number * length + start - 1, number * length + stop - 1))
            targets.extend(row.ids[start:stop])
            owners.extend([len(difficulties)] * (stop - start))
            difficulties.append(row.difficulty)
            endings.extend(place == stop - 2 for place in range(start, stop))
    return Batch(
        ids,
        torch.tensor(places),
        torch.tensor(targets),
        torch.tensor(owners),
        torch.tensor(endings),
        sum(len(row.ids) for row in rows),
        torch.tensor(difficulties),
    )


def _answers_right(logits: Tensor, batch: Batch) -> Tensor:
    """Whether each answer is predicted without a wrong token."""
    wrong = torch.zeros(len(batch.hardest)).index_add_(
        0, batch.owners, (logits.argmax(-1) != batch.targets).float()
    )
    return wrong == 0


def _chunks(rows: Sequence[Row], tokens: int) -> Iterator[Sequence[Row]]:
    """Cut rows in order of length into runs of at most `tokens` padded tokens."""
    start = 0
    for stop in range(1, len(rows) + 1):
        full = stop < len(rows) and (stop + 1 - start) * len(rows[stop].ids) > tokens
        if full or stop == len(rows):
            yield rows[start:stop]
            start = stop


def _optimizers(model: Any, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers (if the plan says so), AdamW for the rest; decay on matrices only."""
    layers = [weight for weight in model.model.layers.parameters() if weight.dim() >= 2]
    vectors = [weight for weight in model.parameters() if weight.dim() < 2]
    adam_only = [model.model.embed_tokens.weight, *([] if plan.muon else layers)]
    groups = [
        {"params": adam_only, "weight_decay": plan.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.98), fused=True)
    if not plan.muon:
        return [adam]
    muon = torch.optim.Muon(
        layers,
        lr=plan.learning_rate,
        weight_decay=plan.weight_decay,
        momentum=0.95,
        adjust_lr_fn="match_rms_adamw",
    )
    return [muon, adam]
