"""What pretraining minimises: the loss of the replies' tokens by their weights, and two auxiliary losses.

All of it is one function of a batch, so that it can be compiled as one: scores of the whole vocabulary are then read once.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from proda_core.training.pocket.batches import IGNORED
from proda_core.training.pocket.forward import TrainingForward


@dataclass(frozen=True, slots=True)
class Shares:
    """What the auxiliary losses weigh against the replies'."""

    opening: float
    ahead: float


class Objective(nn.Module):
    """Losses of a batch on a forward pass."""

    def __init__(self, forward: TrainingForward, shares: Shares) -> None:
        super().__init__()
        self.scores = forward
        self.shares = shares

    def forward(
        self,
        ids: Tensor,
        places: Tensor,
        targets: Tensor,
        weights: Tensor,
        openings: Tensor,
        opened: Tensor,
        ahead: Tensor,
        led: Tensor,
        left: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The whole loss, its three parts (replies, openings, steps ahead), and whether each predicted token is right.

        A part without anything to predict is 0.
        """
        logits, opening_logits, led_logits, left_logits = self.scores(ids, places, openings, ahead)
        losses, right = _losses(logits, targets)
        replies = (losses * weights).sum() / weights.sum()
        opening = _mean(opening_logits, opened)
        steps = _mean(led_logits, led) + _mean(left_logits, left)
        whole = replies + self.shares.opening * opening + self.shares.ahead * steps
        return whole, replies, opening, steps, right


def _losses(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The cross-entropy (places) of logits (places, vocabulary), and whether the target's is the highest."""
    top = logits.detach().amax(-1, keepdim=True)
    wanted = logits.gather(-1, targets.clamp(min=0)[:, None])
    total = (logits - top).exp().sum(-1).log() + top[:, 0]
    return total - wanted[:, 0], wanted.detach()[:, 0] >= top[:, 0]


def _mean(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean loss where there is something to predict."""
    known = targets != IGNORED
    losses, _ = _losses(logits, targets)
    return (losses * known).sum() / known.sum().clamp(min=1)
