"""Batches of pretraining rows, in few shapes: a kernel is compiled and kept for every shape that a run meets.

Rows of like length come together, padded to one of a few widths, as many as `tokens` holds; the places of predictions are padded
to round numbers. Padding is told by the target `IGNORED`. In training, of the tokens that mere copying gives a part is predicted,
drawn anew for each batch and weighing as much as all of them: scoring the vocabulary at every one takes a quarter of a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random

import torch
from torch import Tensor

from proda_core.training.pocket.openings import NO_TOKEN
from proda_core.training.pocket.rows import Row

IGNORED = NO_TOKEN
_ROUND = 256
_COPIED_SHARE = 0.25
_AHEAD_SHARE = 0.3  # of the tokens between a step's colon and its period


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded ids (rows, length); flat places of predictions, their targets and weights, and the answer of each.

    Of the auxiliary objectives: `openings` are places and `opened` targets of the one, `ahead` places, `led` and `left` targets
    of the other. `difficulties` and `owners` count answers.
    """

    ids: Tensor
    places: Tensor
    targets: Tensor
    weights: Tensor
    owners: Tensor
    openings: Tensor
    opened: Tensor
    ahead: Tensor
    led: Tensor
    left: Tensor
    difficulties: Tensor
    tokens: int

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What the objective reads."""
        predicted = (self.ids, self.places, self.targets, self.weights)
        return (*predicted, self.openings, self.opened, self.ahead, self.led, self.left)

    def answers_right(self, right: Tensor) -> Tensor:
        """Whether each answer is predicted without a wrong token, from whether each token is."""
        wrong = ~right & (self.targets != IGNORED)
        count = torch.zeros(len(self.difficulties) + 1)
        return count.index_add_(0, self.owners, wrong.float())[:-1] == 0


def batches(pool: Sequence[Row], *, tokens: int, rng: Random, turning: float = 1.0) -> list[Batch]:
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
    return [collate(chunk, thinned=rng, turning=turning) for chunk in chunks]


def collate(rows: Sequence[Row], *, thinned: Random | None = None, turning: float = 1.0) -> Batch:
    """Pad rows on the right and lay out what is to be predicted where: all of it, or with `thinned` a part of what is copied.

    A token that decides weighs `turning` times another.
    """
    width = _width(max(len(row.ids) for row in rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    predictions: list[tuple[int, int, float, int]] = []
    openings: list[tuple[int, int]] = []
    ahead: list[tuple[int, int, int]] = []
    difficulties: list[int] = []
    for number, row in enumerate(rows):
        first = number * width
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        openings += [(first + place, token) for place, token in row.openings]
        ahead += [
            (first + one.place, one.token, one.left)
            for one in row.ahead
            if thinned is None or one.place in row.turnings or thinned.random() < _AHEAD_SHARE
        ]
        for start, stop in row.answers:
            for place in range(start, stop):
                weight = _weight(row, place, thinned, turning)
                if weight:
                    predictions.append((first + place - 1, row.ids[place], weight, len(difficulties)))
            difficulties.append(row.difficulty)
    places, targets, weights, owners = _columns(predictions, (0, IGNORED, 0.0, len(difficulties)))
    opening_places, opened = _columns(openings, (0, IGNORED))
    ahead_places, led, left = _columns(ahead, (0, IGNORED, IGNORED))
    return Batch(
        ids,
        places,
        targets,
        weights,
        owners,
        opening_places,
        opened,
        ahead_places,
        led,
        left,
        torch.tensor(difficulties),
        sum(len(row.ids) for row in rows),
    )


def _weight(row: Row, place: int, thinned: Random | None, turning: float) -> float:
    """What the token at a place of an answer weighs; 0 where it is not predicted this time."""
    if place in row.turnings:
        return turning
    if thinned is None or place not in row.copied:
        return 1.0
    return 1.0 / _COPIED_SHARE if thinned.random() < _COPIED_SHARE else 0.0


def _columns(records: Sequence[tuple[float, ...]], padding: tuple[float, ...]) -> list[Tensor]:
    """The columns of records, padded to a round number of them."""
    padded = [*records, *([padding] * (-len(records) % _ROUND))]
    if not padded:
        return [torch.zeros(0, dtype=torch.long) for _ in padding]
    return [torch.tensor(column) for column in zip(*padded, strict=True)]


def _width(length: int) -> int:
    """The padded width of a row: a multiple of 16, of 32 for long ones."""
    step = 16 if length <= 128 else 32
    return -(-length // step) * step
