"""The bench of LoRA at a large shape: its arithmetic, and a run of it at a tiny shape."""

from __future__ import annotations

import argparse

import pytest
import torch

from bench.lora_7b import SHAPES, Meter, flops_per_token, make_base, train_here


def test_the_operations_of_a_token_are_four_a_frozen_weight_and_six_a_trained_one() -> None:
    shape = SHAPES["tiny"]
    model = make_base(shape, torch.device("cpu"))
    weights = sum(p.numel() for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name)
    assert flops_per_token(shape, rank=0, length=0) == 4 * weights
    one_rank = sum(
        m.in_features + m.out_features
        for name, m in model.named_modules()
        if isinstance(m, torch.nn.Linear) and name != "lm_head"
    )
    assert flops_per_token(shape, rank=3, length=0) == 4 * weights + 6 * 3 * one_rank
    attention = flops_per_token(shape, rank=0, length=10) - 4 * weights
    assert attention == 6 * shape["num_hidden_layers"] * shape["hidden_size"] * 10


def test_the_shape_of_the_7b_model_has_its_weights() -> None:
    with torch.device("meta"):
        model = make_base(SHAPES["7b"], torch.device("meta"))
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(7.6e9, rel=0.01)


def test_a_tiny_run_takes_every_step_and_times_those_after_the_warm_up() -> None:
    asked = argparse.Namespace(shape="tiny", steps=4, rows=2, length=64, rank=4, gradient_checkpointing=False)
    meter = Meter(torch.device("cpu"), warmup=1)
    losses = train_here(asked, torch.device("cpu"), meter)
    assert len(losses) == 4 and all(loss > 0 for loss in losses)
    assert meter.seconds_per_step() > 0 and meter.memory_gb() > 0
