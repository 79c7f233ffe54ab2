"""Which rows each step sees: buckets of rows of like length, as many as ``batch_tokens`` holds, in an order made from the seed.

The plan is a pure function of lengths, seed and step, so a resumed run sees the rows that the run never killed would have
seen. Rows of one bucket change company every epoch; the number of steps in an epoch never changes. Widths are rounded up, so that
a run has a few dozen shapes of batches: a bf16 kernel is compiled and kept for every shape.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from proda_core.students.batching import Padded, pad_left
from proda_core.students.prompting import EncodedRow

WIDTH_STEP = 8
UNLABELLED = -100


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's rows, ends aligned. ``targets`` [rows, keep]: the last ``keep`` token IDs, -100 where there is no label."""

    inputs: Padded
    targets: torch.Tensor


class BatchPlan:
    """The batches of a run over ``rows``."""

    def __init__(self, rows: Sequence[EncodedRow], *, batch_tokens: int, seed: int) -> None:
        self.rows, self.batch_tokens, self.seed = rows, batch_tokens, seed
        self._lengths = [len(row.ids) for row in rows]
        self._epoch, self._batches = 0, self._order(0)
        self.steps_per_epoch = len(self._batches)

    def total_steps(self, epochs: float, max_steps: int | None) -> int:
        """Steps of ``epochs`` passes, at least one, at most ``max_steps``."""
        steps = max(1, math.ceil(epochs * self.steps_per_epoch))
        return steps if max_steps is None else min(steps, max_steps)

    def at(self, step: int) -> list[int]:
        """Row numbers of a step, counted from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._order(epoch)
        return self._batches[place]

    def _order(self, epoch: int) -> list[list[int]]:
        rng = random.Random(f"batches:{self.seed}:{epoch}")
        order = list(range(len(self.rows)))
        rng.shuffle(order)
        order.sort(key=lambda row: _width(self._lengths[row]))  # stable: the rows of a bucket stay shuffled
        batches = []
        for width, members in groupby(order, key=lambda row: _width(self._lengths[row])):
            bucket, count = list(members), max(1, self.batch_tokens // width)
            batches += [bucket[start : start + count] for start in range(0, len(bucket), count)]
        rng.shuffle(batches)
        return batches


def collate(rows: Sequence[EncodedRow], *, pad: int, device: torch.device) -> Batch:
    """Tensors of one batch; logits are wanted at the last ``targets.shape[1]`` positions only, each predicting its target."""
    width = _width(max(len(row.ids) for row in rows))
    inputs = pad_left([row.ids[:-1] for row in rows], pad, device, at_least=width)
    keep = max(_labelled_tail(row) for row in rows)
    targets = [
        [
            token if label else UNLABELLED
            for token, label in zip(row.ids[-keep:], row.labels[-keep:], strict=True)
        ]
        for row in rows
    ]
    padded = [[UNLABELLED] * (keep - len(row)) + row for row in targets]
    return Batch(inputs, torch.tensor(padded, device=device))


def _width(length: int) -> int:
    """The padded width of a row of ``length`` tokens: up to the next eighth of the power of two above it, at least WIDTH_STEP."""
    step = max(WIDTH_STEP, (1 << (length - 1).bit_length()) // 8)
    return -(-length // step) * step


def _labelled_tail(row: EncodedRow) -> int:
    """Tokens from the first label to the end; the row's first token has nothing before it to be predicted from."""
    first = row.labels.index(True, 1)
    return len(row.labels) - first
