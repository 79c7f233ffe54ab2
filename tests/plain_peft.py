"""An adapter as plain peft loads it, against the model as its training left it and as this project asks it."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from proda_core.config import TrainingConfig
from proda_core.students.loading import load_model, load_student, peft_warnings
from proda_core.training.lora import make_trainee
from proda_core.training.speed import unfold_lora

MERGED = (
    2e-3  # of a logit in the tens: a merged weight is rounded once, an adapter's product beside it is not
)


def check_in_plain_peft(base: Path, adapter: Path, checkpoint: Path, config: TrainingConfig) -> None:
    """The logits of all three are the same; those of the base alone are others. ``checkpoint`` is the training's last."""
    ids = torch.randint(6, 90, (3, 40), generator=torch.Generator().manual_seed(0))
    untouched = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    with torch.no_grad(), peft_warnings():  # peft asks transformers by a deprecated name
        before = untouched(ids).logits
        plain = PeftModel.from_pretrained(untouched, str(adapter)).eval()(ids).logits
        assert torch.equal(plain, as_trained(base, checkpoint, config)(ids).logits)
        merged = load_student(str(base), adapter, threads=1).model.eval()(ids).logits
    assert not torch.allclose(plain, before, atol=MERGED)
    assert torch.allclose(plain, merged, atol=MERGED)


def as_trained(base: Path, checkpoint: Path, config: TrainingConfig) -> torch.nn.Module:
    """The model with the weights of the training's last checkpoint, before they were saved as an adapter."""
    kept = torch.load(checkpoint, weights_only=True)["adapter"]
    trainee = make_trainee(load_model(str(base)), config, seed=0)
    own = {name: p for name, p in trainee.model.named_parameters() if p.requires_grad}
    assert own.keys() == kept.keys()
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(kept[name])
    unfold_lora(trainee.wrapper)
    return trainee.wrapper.eval()
