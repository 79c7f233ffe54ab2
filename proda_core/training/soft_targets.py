"""What the base itself would say to general rows, as targets: a model that learns facts keeps its skill better by them.

Learning without forgetting (Li and Hoiem 2017, arXiv:1606.09282) by distillation from the model as it was: at each label of a row
the base's most probable tokens, kept once before training; the rest of its probability is one more outcome. A row's written
answer stays a part of what is taught.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from proda_core.students.prompting import EncodedRow
from proda_core.training.batches import UNLABELLED, Batch, collate

TOP = 8
_ROWS = 32
_LEAST = 1e-6  # probability; below it the rest has no gradient


@dataclass(frozen=True, slots=True)
class BatchTargets:
    """For each label of a batch, in order: ``weight`` of the base's word [labels], ``tokens`` and ``shares`` [labels, TOP]."""

    weight: torch.Tensor
    tokens: torch.Tensor
    shares: torch.Tensor


@dataclass(frozen=True, slots=True)
class SoftTargets:
    """The base's word on some rows of a training; ``spans``: their labels' places in ``tokens`` and ``shares`` [places, TOP]."""

    weight: float
    spans: dict[int, tuple[int, int]]
    tokens: torch.Tensor
    shares: torch.Tensor

    def of(self, rows: Sequence[EncodedRow], part: Sequence[int], device: torch.device) -> BatchTargets:
        """Of the rows of these numbers; a row that the base was not asked about has weight 0."""
        weights, places = [], []
        for number in part:
            labels = sum(rows[number].labels[1:])
            start, stop = self.spans.get(number, (0, 0))
            weights += [self.weight if stop else 0.0] * labels
            places += list(range(start, stop)) if stop else [0] * labels
        return BatchTargets(
            torch.tensor(weights, device=device),
            self.tokens[places].to(device),
            self.shares[places].to(device),
        )


def ask_base(
    model: Any,
    rows: Sequence[EncodedRow],
    numbers: Sequence[int],
    *,
    weight: float,
    tell: Callable[[int], None],
    pad: int,
) -> SoftTargets | None:
    """The base's word on the rows of these numbers, by ``model`` before it has an adapter; None without any row.

    ``tell`` hears how many rows are done and may raise to end it.
    """
    if not numbers:
        return None
    spans: dict[int, tuple[int, int]] = {}
    tokens, shares, at = [], [], 0
    order = sorted(numbers, key=lambda number: len(rows[number].ids))
    for start in range(0, len(order), _ROWS):
        part = order[start : start + _ROWS]
        batch = collate([rows[number] for number in part], pad=pad, device=model.device)
        found = _predictions(model, batch).topk(TOP, dim=-1)
        shares.append(found.values.cpu())
        tokens.append(found.indices.cpu())
        for number in part:
            labels = sum(rows[number].labels[1:])
            spans[number] = (at, at + labels)
            at += labels
        tell(start + len(part))
    return SoftTargets(weight, spans, torch.cat(tokens), torch.cat(shares))


def blended_loss(logits: torch.Tensor, targets: torch.Tensor, soft: BatchTargets) -> torch.Tensor:
    """The mean loss of ``logits`` [labels, vocabulary] on ``targets`` [labels], each blended with the base's word on it."""
    logs = logits.float().log_softmax(-1)
    written = functional.nll_loss(logs, targets, reduction="none")
    known = logs.gather(-1, soft.tokens)
    rest = (1 - known.exp().sum(-1)).clamp(min=_LEAST).log()
    left = (1 - soft.shares.sum(-1)).clamp(min=0)
    kept = -(soft.shares * known).sum(-1) - left * rest
    return torch.lerp(written, kept, soft.weight).mean()


def _predictions(model: Any, batch: Batch) -> torch.Tensor:
    """Probabilities [labels, vocabulary] of a model as it stands."""
    training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(
            input_ids=batch.inputs.ids,
            attention_mask=batch.inputs.mask,
            position_ids=batch.inputs.positions,
            use_cache=False,
            logits_to_keep=batch.targets.shape[1],
        ).logits
    model.train(training)
    probabilities: torch.Tensor = logits[batch.targets != UNLABELLED].float().softmax(-1)
    return probabilities
