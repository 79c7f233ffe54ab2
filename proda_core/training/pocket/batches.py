"""Batches of pretraining rows, in few shapes: a kernel is compiled and kept for every shape that a run meets.

Rows of like length come together, padded to one of a few widths, as many as `tokens` holds; the places of predictions are padded
to round numbers. Padding is told by the target `IGNORED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random

import torch
from torch import Tensor

from proda_core.training.pocket.openings import NO_TOKEN, Opening
from proda_core.training.pocket.rows import Row

IGNORED = NO_TOKEN
_PLACES = 512
_OPENINGS = 256


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded ids (rows, length), flat places of predictions, their targets, the answer of each, and which end an answer.

    `openings` are places of the auxiliary objective, `opened` its targets; `difficulties` and `owners` count answers.
    """

    ids: Tensor
    places: Tensor
    targets: Tensor
    owners: Tensor
    endings: Tensor
    openings: Tensor
    opened: Tensor
    difficulties: Tensor
    tokens: int

    def answers_right(self, logits: Tensor) -> Tensor:
        """Whether each answer is predicted without a wrong token."""
        wrong = (logits.argmax(-1) != self.targets) & (self.targets != IGNORED)
        count = torch.zeros(len(self.difficulties) + 1)
        return count.index_add_(0, self.owners, wrong.float())[:-1] == 0


def batches(pool: Sequence[Row], *, tokens: int, rng: Random) -> list[Batch]:
    """Full batches of rows in order of length, in random order; rows too few to fill one are left out."""
    chunks: list[list[Row]] = []
    waiting: list[Row] = []
    for width, rows in groupby(pool, key=lambda row: _width(len(row.ids))):
        waiting += rows
        size = max(1, tokens // width)
        while len(waiting) >= size:
            chunks.append(waiting[:size])
            waiting = waiting[size:]
    rng.shuffle(chunks)
    return [collate(chunk) for chunk in chunks]


def collate(rows: Sequence[Row]) -> Batch:
    """Pad rows on the right and lay out what is to be predicted where."""
    width = _width(max(len(row.ids) for row in rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    predictions: list[tuple[int, int, int, bool]] = []
    openings: list[Opening] = []
    difficulties: list[int] = []
    for number, row in enumerate(rows):
        first = number * width
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        openings += [(first + place, token) for place, token in row.openings]
        for start, stop in row.answers:
            owner = len(difficulties)
            predictions += [
                (first + place - 1, row.ids[place], owner, place == stop - 2) for place in range(start, stop)
            ]
            difficulties.append(row.difficulty)
    predictions += [(0, IGNORED, len(difficulties), False)] * (-len(predictions) % _PLACES)
    openings += [(0, IGNORED)] * (-len(openings) % _OPENINGS)
    places, targets, owners, endings = zip(*predictions, strict=True)
    return Batch(
        ids,
        torch.tensor(places),
        torch.tensor(targets),
        torch.tensor(owners),
        torch.tensor(endings),
        torch.tensor([place for place, _ in openings], dtype=torch.long),
        torch.tensor([token for _, token in openings], dtype=torch.long),
        torch.tensor(difficulties),
        sum(len(row.ids) for row in rows),
    )


def _width(length: int) -> int:
    """The padded width of a row: a multiple of 16, of 32 for long ones."""
    step = 16 if length <= 128 else 32
    return -(-length // step) * step
