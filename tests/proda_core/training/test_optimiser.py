"""Tests of the optimisers: stacked Muon against torch's own."""

import pytest
import torch

from proda_core.config import TrainingConfig
from proda_core.training.optimiser import StackedMuon, make_optimiser

_SHAPES = ((8, 24), (24, 8), (8, 24), (16, 16), (24, 8), (40, 8))


def _trained(
    kind: type[torch.optim.Muon], *, weight_decay: float, nesterov: bool, adjusted: str = "original"
) -> list[torch.Tensor]:
    """Weights after five steps on gradients of their own each; the last weight never has a gradient."""
    draw = torch.Generator().manual_seed(3)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=draw)) for shape in _SHAPES]
    optimiser: torch.optim.Optimizer = kind(
        weights, lr=0.05, weight_decay=weight_decay, nesterov=nesterov, adjust_lr_fn=adjusted
    )
    for _ in range(5):
        for weight in weights[:-1]:
            weight.grad = torch.randn(weight.shape, generator=draw)
        optimiser.step()
    return [weight.detach() for weight in weights]


def test_stacked_muon_takes_the_steps_of_torchs_muon_up_to_rounding() -> None:
    original, matched = "original", "match_rms_adamw"
    for decay, nesterov, adjusted in (
        (0.0, True, original),
        (0.1, True, original),
        (0.0, False, original),
        (0.1, True, matched),
    ):
        ours = _trained(StackedMuon, weight_decay=decay, nesterov=nesterov, adjusted=adjusted)
        theirs = _trained(torch.optim.Muon, weight_decay=decay, nesterov=nesterov, adjusted=adjusted)
        for mine, other in zip(ours, theirs, strict=True):
            assert torch.allclose(mine, other, atol=4e-3)


def test_a_stacked_muon_goes_on_from_a_state_of_torchs_muon() -> None:
    weight = torch.nn.Parameter(torch.randn(8, 24))
    weight.grad = torch.randn(8, 24)
    theirs: torch.optim.Optimizer = torch.optim.Muon([weight], lr=0.05)
    theirs.step()
    ours = StackedMuon([weight], lr=0.05)
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours.state[weight]["momentum_buffer"], theirs.state[weight]["momentum_buffer"])


def test_a_closure_is_called_with_gradients_and_its_loss_returned() -> None:
    weight = torch.nn.Parameter(torch.ones(4, 4))

    def closure() -> float:
        weight.grad = weight.detach().clone()
        return 16.0

    assert StackedMuon([weight], lr=0.1).step(closure) == 16.0
    assert not torch.equal(weight, torch.ones(4, 4))


@pytest.mark.parametrize("optimiser", ["muon", "adamw"])
def test_the_configured_decay_draws_weights_towards_nothing_in_units_of_the_rate(optimiser: str) -> None:
    config = TrainingConfig.model_validate(
        {"optimiser": optimiser, "learning_rate": 0.5, "weight_decay": 0.1}
    )
    weight = torch.nn.Parameter(torch.ones(4, 4))
    weight.grad = torch.zeros(4, 4)
    make_optimiser([weight], config).step()
    assert torch.allclose(weight, torch.full((4, 4), 0.95))
