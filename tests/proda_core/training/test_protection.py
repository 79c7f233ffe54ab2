"""What LoRA changes stays out of the directions that general text uses: measured on the base, decayed after every step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from proda_core.students.loading import load_adapter_onto, load_model
from proda_core.training.batches import collate
from proda_core.training.job import run
from proda_core.training.lora import make_trainee
from proda_core.training.protection import Protection, input_moments
from tests.proda_core.training.conftest import TrainingSession
from tests.proda_core.training.test_gradients import CONFIG, SEED, rows

CPU = torch.device("cpu")


def moments_of(base: Path, batches: list[list[int]]) -> dict[str, torch.Tensor]:
    model, made = load_model(str(base)).model, rows()
    with input_moments(model) as found, torch.no_grad():
        for numbers in batches:
            inputs = collate([made[number] for number in numbers], pad=1, device=CPU).inputs
            model(input_ids=inputs.ids, attention_mask=inputs.mask, position_ids=inputs.positions)
    return found


@pytest.mark.parametrize("family", ["llama", "lfm2"])
def test_padding_has_no_part_in_what_layers_are_given(bases: dict[str, Path], family: str) -> None:
    together = moments_of(bases[family], [[2, 7, 30]])
    apart = moments_of(bases[family], [[2], [7], [30]])
    tokens = sum(len(rows()[number].ids) - 1 for number in (2, 7, 30))
    assert together.keys() == apart.keys()
    assert any("lm_head" in name for name in together) is False and len(together) > 5
    for name, moment in together.items():
        torch.testing.assert_close(moment, apart[name], atol=1e-3, rtol=1e-3)
    model = load_model(str(bases[family])).model
    seen: list[torch.Tensor] = []
    name = next(name for name in together if "mlp" in name or "feed_forward" in name)
    model.get_submodule(name).register_forward_hook(lambda _layer, given, _out: seen.append(given[0][0]))
    with torch.no_grad():
        for number in (2, 7, 30):
            model(input_ids=torch.tensor([rows()[number].ids[:-1]]))
    given = torch.cat(seen)
    assert len(given) == tokens
    torch.testing.assert_close(together[name], given.mT @ given, atol=1e-3, rtol=1e-3)


def test_a_decay_divides_each_direction_by_how_much_general_text_uses_it(bases: dict[str, Path]) -> None:
    model = make_trainee(load_model(str(bases["llama"])), CONFIG, seed=SEED).model
    moments = moments_of(bases["llama"], [[2, 7], [30]])
    protection = Protection.of(model, moments, 3.0)
    names = [name for name, layer in model.named_modules() if hasattr(layer, "lora_A") and name in moments]
    assert len(protection.layers) == len(names) == 6  # of two blocks
    before = [a.clone() for a, _, _ in protection.layers]
    protection.decay(0.5)
    for name, old, (new, _, _) in zip(names, before, protection.layers, strict=True):
        moment = moments[name] / moments[name].diagonal().mean()
        expected = old @ torch.linalg.inv(torch.eye(len(moment)) + 0.5 * 3.0 * moment)
        torch.testing.assert_close(new, expected, atol=1e-4, rtol=1e-3)
        assert new.requires_grad


def test_a_protected_training_changes_less_of_what_general_rows_use(
    open_session: Callable[[str], TrainingSession],
) -> None:
    used = {}
    for weight in (0.0, 20.0):
        session = open_session(f"w{weight:g}")
        made = run(session.context(), session.request(protection=weight, distillation=0.0))
        adapter = session.store.path("adapter", made.artifacts["adapter"])
        used[weight] = change_by_use(session.base, adapter)
    assert used[20.0] < 0.7 * used[0.0]


def change_by_use(base: Path, adapter: Path) -> float:
    """How much of LoRA's change falls on what the base's layers are given by text, as a share of the whole change."""
    moments = moments_of(base, [[2, 7], [30, 11]])
    model: Any = load_adapter_onto(load_model(str(base)).model, adapter, trainable=False).get_base_model()
    on_text = whole = 0.0
    for name, layer in model.named_modules():
        if name in moments and hasattr(layer, "lora_A"):
            change = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
            moment = moments[name] / moments[name].diagonal().mean()
            on_text += float((change @ moment * change).sum())
            whole += float(change.square().sum())
    return on_text / whole
