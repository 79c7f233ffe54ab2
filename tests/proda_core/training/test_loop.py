"""Batches, the learning rate, the loss on answers, and the short cuts that must change nothing."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.tuners.lora import Linear
from torch.nn import functional

from proda_core.config import TrainingConfig
from proda_core.students.loading import load_model
from proda_core.students.prompting import EncodedRow
from proda_core.training import speed
from proda_core.training.batches import BatchPlan, collate
from proda_core.training.checkpoint import Position
from proda_core.training.gradients import answer_loss
from proda_core.training.loop import PACED_AT, Hooks, learning_rate, train
from proda_core.training.lora import Trainee, make_trainee, resolve_precision
from proda_core.training.speed import has_bare_head, training_threads, unfold_lora

CPU = torch.device("cpu")


def rows(count: int = 60) -> list[EncodedRow]:
    rng = random.Random(0)
    made = []
    for _ in range(count):
        length, answer = rng.randint(6, 40), rng.randint(1, 5)
        ids = tuple(rng.randrange(5, 300) for _ in range(length))
        made.append(EncodedRow(ids, tuple(i >= length - answer for i in range(length))))
    return made


def trainee(base: Path, **config: Any) -> Trainee:
    settings = TrainingConfig(**{"rank": 4, "alpha": 8, "precision": "fp32", **config})
    made = make_trainee(load_model(str(base)), settings, seed=0)
    with torch.no_grad():  # LoRA begins at nothing; give it something to compute
        for parameter in made.model.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.2)
    return made


def test_an_epoch_sees_every_row_once_within_the_tokens_of_a_batch() -> None:
    plan = BatchPlan(rows(), batch_tokens=128, seed=1)
    for epoch in (0, 1, 5):
        batches = [plan.at(epoch * plan.steps_per_epoch + i) for i in range(plan.steps_per_epoch)]
        assert sorted(row for batch in batches for row in batch) == list(range(60))
        for batch in batches:
            assert len(batch) * max(len(plan.rows[i].ids) for i in batch) <= 128


def test_a_run_over_many_lengths_has_few_shapes_and_the_same_in_every_epoch() -> None:
    lengths = random.Random(0).choices(range(9, 257), k=900)
    plan = BatchPlan(
        [EncodedRow((1,) * n, (False,) * (n - 1) + (True,)) for n in lengths], batch_tokens=1024, seed=1
    )

    def shapes(epoch: int) -> Counter[torch.Size]:
        steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
        batches = (collate([plan.rows[i] for i in plan.at(step)], pad=0, device=CPU) for step in steps)
        return Counter(batch.inputs.ids.shape for batch in batches)

    first = shapes(0)
    assert shapes(3) == first and len(first) <= 30
    assert max(rows * width for rows, width in first) <= 1024
    padded = sum(rows * width * count for (rows, width), count in first.items())
    assert sum(lengths) < padded < 1.2 * sum(lengths)


@pytest.mark.parametrize("length", range(2, 20))
def test_rows_of_any_length_make_a_batch_that_holds_them(length: int) -> None:
    row = EncodedRow((1,) * length, (False,) * (length - 1) + (True,))
    plan = BatchPlan([row] * 3, batch_tokens=128, seed=0)
    batch = collate([plan.rows[i] for i in plan.at(0)], pad=0, device=CPU)
    assert batch.inputs.ids.shape == (3, -(-length // 8) * 8)
    assert int(batch.inputs.mask.sum()) == 3 * (length - 1)


def test_the_plan_depends_on_seed_and_step_alone() -> None:
    plan, again = BatchPlan(rows(), batch_tokens=128, seed=1), BatchPlan(rows(), batch_tokens=128, seed=1)
    far = [plan.at(step) for step in range(40)][-1]
    assert again.at(39) == far and again.at(0) == plan.at(0)
    assert BatchPlan(rows(), batch_tokens=128, seed=2).at(0) != plan.at(0)


def test_a_row_longer_than_a_batch_gets_a_batch_of_its_own() -> None:
    long = EncodedRow(tuple(range(200)), (False,) * 199 + (True,))
    assert BatchPlan([*rows(3), long], batch_tokens=128, seed=0).steps_per_epoch >= 2


def test_the_learning_rate_warms_up_and_falls_to_a_twentieth() -> None:
    config = TrainingConfig(learning_rate=1.0, warmup_share=0.1)
    rates = [learning_rate(step, 100, config) for step in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3]) and max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.05, abs=0.01)


def test_steps_are_epochs_of_batches_and_never_more_than_asked() -> None:
    plan = BatchPlan(rows(), batch_tokens=128, seed=1)
    assert plan.total_steps(1.5, None) == -(-3 * plan.steps_per_epoch // 2)
    assert plan.total_steps(1.5, 4) == 4


@pytest.mark.parametrize("name", ["llama", "qwen2", "lfm2"])
def test_the_loss_is_that_of_each_row_alone_on_its_labels(bases: dict[str, Path], name: str) -> None:
    made = trainee(bases[name])
    sample = rows(7)
    total, count = 0.0, 0
    unfold_lora(made.wrapper)
    with torch.no_grad():
        for row in sample:
            logp = made.model(torch.tensor([row.ids])).logits[0].log_softmax(-1)
            for place, (token, label) in enumerate(zip(row.ids, row.labels, strict=True)):
                if label:
                    total, count = total - float(logp[place - 1, token]), count + 1
    batch = collate(sample, pad=made.pad, device=CPU)
    for bare_head in (True, False):
        plain = Trainee(made.wrapper, made.model, made.pad, made.accelerator, bare_head)
        assert answer_loss(plain, batch).item() == pytest.approx(total / count, abs=1e-4)


@pytest.mark.parametrize("name", ["llama", "qwen2", "lfm2"])
def test_folding_lora_into_the_weights_changes_neither_loss_nor_gradients(
    bases: dict[str, Path], name: str
) -> None:
    made = trainee(bases[name], layers="all")
    batch = collate(rows(7), pad=made.pad, device=CPU)

    def gradients() -> dict[str, torch.Tensor]:
        made.wrapper.zero_grad()
        answer_loss(made, batch).backward()
        return {n: p.grad.clone() for n, p in made.model.named_parameters() if p.grad is not None}

    folded = gradients()
    unfold_lora(made.wrapper)
    plain = gradients()
    layers = sum(isinstance(module, Linear) for module in made.wrapper.modules())
    assert folded.keys() == plain.keys() and len(plain) == 2 * layers >= 24
    for key, value in plain.items():
        assert float((folded[key] - value).norm() / value.norm()) < 1e-3, key


def test_a_narrow_model_trains_on_one_thread_unless_more_are_asked_for_and_a_wide_one_on_all(
    bases: dict[str, Path],
) -> None:
    model = load_model(str(bases["llama"])).model
    assert (training_threads(model, 0), training_threads(model, 3)) == (1, 3)
    model.config.hidden_size = 4096
    assert (training_threads(model, 0), training_threads(model, 3)) == (0, 3)


def test_dropout_keeps_pefts_own_forward(bases: dict[str, Path]) -> None:
    made = trainee(bases["llama"], dropout=0.1)
    assert not any("forward" in vars(module) for module in made.wrapper.modules())


def test_a_model_that_scales_its_logits_does_not_get_the_bare_head(bases: dict[str, Path]) -> None:
    model = load_model(str(bases["llama"])).model
    assert has_bare_head(model)
    forward = model.forward

    def scaled(*args: object, **kwargs: object) -> object:
        out = forward(*args, **kwargs)
        out.logits = out.logits * 0.5
        return out

    model.forward = scaled
    assert not has_bare_head(model)


def test_only_lora_weights_are_trained_and_the_head_has_none(bases: dict[str, Path]) -> None:
    made = trainee(bases["llama"])
    trained = [n for n, p in made.model.named_parameters() if p.requires_grad]
    assert trained and all("lora_" in name for name in trained)
    assert not any("lm_head" in name or "embed" in name for name in trained)


def test_bf16_learns_what_fp32_learns_up_to_rounding(bases: dict[str, Path]) -> None:
    batch = collate(rows(7), pad=0, device=CPU)
    exact = answer_loss(trainee(bases["llama"]), batch).item()
    rounded = answer_loss(trainee(bases["llama"], precision="bf16"), batch).item()
    assert rounded == pytest.approx(exact, rel=0.05) and rounded != exact


def test_a_precision_asked_for_is_taken_and_auto_follows_the_processor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert resolve_precision("bf16") == "bf16"
    assert resolve_precision("fp32") == "fp32"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for amx, avx512, vendor, precision in (
        (True, True, "GenuineIntel", "bf16"),
        (False, True, "GenuineIntel", "fp32"),  # measured: 2.3 times as long in bf16 (docs/LOG.md)
        (False, True, "AuthenticAMD", "bf16"),
        (False, False, "AuthenticAMD", "fp32"),
    ):
        cpu_info = tmp_path / vendor
        cpu_info.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\n")
        monkeypatch.setattr(speed, "CPU_INFO", cpu_info)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx512=avx512: avx512)
        assert resolve_precision("auto") == precision


def test_cross_entropy_ignores_padding_targets() -> None:
    batch = collate(rows(5), pad=0, device=CPU)
    assert int((batch.targets != -100).sum()) == sum(sum(row.labels) for row in rows(5))
    assert functional.pad(batch.inputs.mask, (0, 1)).sum() == sum(len(row.ids) for row in rows(5)) - 5


class StepClock:
    """Moves by a second at every look: a step takes one."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


def test_a_limited_run_plans_its_steps_from_its_speed_and_keeps_the_plan_when_resumed(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    config = TrainingConfig(rank=4, precision="fp32", epochs=40, batch_tokens=256, checkpoint_steps=5)
    plan = BatchPlan(rows(), batch_tokens=256, seed=0)

    def limited(limit_s: float) -> Position:
        hooks = Hooks(lambda position, total: None, clock=StepClock(), limit_s=limit_s)
        return train(trainee(bases["llama"]), plan, config, scratch=tmp_path, hooks=hooks)

    first = limited(30.0)
    assert PACED_AT < first.step < plan.total_steps(config.epochs, None)
    assert first.step == first.planned == int(0.9 * 30.0 / 1.0)
    assert (
        limited(5000.0).step == first.step
    )  # its checkpoint says when it is done, whatever is asked for now
