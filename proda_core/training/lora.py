"""A base made ready to be trained: LoRA on its linear layers (feed-forward ones or all but the head), and short cuts that pay.

The weights are drawn from the seed. ``auto`` precision takes bf16 autocast where the processor
multiplies bf16 faster than fp32. The rule looks at hardware and never at a clock, so one machine always trains alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from proda_core.config import TrainingConfig
from proda_core.errors import StudentError
from proda_core.students.loading import LoadedModel, load_adapter_onto, peft_warnings
from proda_core.training.protection import Protection
from proda_core.training.speed import fold_lora, has_bare_head, multiplies_bf16_fast

# In bf16 on a CPU the backward pass of fused attention takes longer than all the rest; plain products do not, on short rows.
PLAIN_ATTENTION_TO = 512
_FEED_FORWARD = frozenset({"mlp", "feed_forward", "ffn"})


@dataclass(frozen=True, slots=True)
class Trainee:
    """A model in training: the peft wrapper (for saving), the causal LM in it (for running), and how to run that."""

    wrapper: Any
    model: Any
    pad: int
    accelerator: Accelerator
    bare_head: bool  # logits may be taken from hidden states (see speed.has_bare_head)
    protection: Protection | None = None


def make_trainee(
    loaded: LoadedModel, config: TrainingConfig, *, seed: int, incumbent: Path | None = None
) -> Trainee:
    """LoRA on a loaded base: fresh from the seed, or going on with an incumbent adapter's weights."""
    precision = resolve_precision(config.precision)
    accelerator = _accelerator(precision)
    torch.manual_seed(seed)
    base = loaded.model
    wrapper = load_adapter_onto(base, incumbent, trainable=True) if incumbent else _fresh(base, config)
    wrapper.to(accelerator.device)
    model = wrapper.get_base_model()
    if precision == "bf16" and accelerator.device.type == "cpu" and config.max_length <= PLAIN_ATTENTION_TO:
        model.set_attn_implementation("eager")
    fold_lora(wrapper, dropout=config.dropout)
    return Trainee(wrapper, model, int(loaded.tokenizer.pad_token_id or 0), accelerator, has_bare_head(model))


def resolve_precision(wanted: str) -> str:
    """ "fp32" or "bf16" for what the configuration says."""
    if wanted != "auto":
        return wanted
    return "bf16" if multiplies_bf16_fast() else "fp32"


def save_adapter(trainee: Trainee, folder: Path, *, base: str) -> None:
    """Write the PEFT folder; its configuration names the base as the session does, not as a path on this machine."""
    for settings in trainee.wrapper.peft_config.values():
        settings.base_model_name_or_path = base
    trainee.wrapper.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)


def feed_forward_layers(model: Any) -> list[str]:
    """Names of the linear layers of a model's feed-forward blocks, by what model families call those blocks.

    StudentError where none is found: ``training.layers=all`` trains such a model.
    """
    found = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and _FEED_FORWARD & set(name.split("."))
    ]
    if not found:
        raise StudentError(
            f"{type(model).__name__} has no linear layer in a block named one of {', '.join(sorted(_FEED_FORWARD))}; "
            "set training.layers=all"
        )
    return found


def _fresh(model: Any, config: TrainingConfig) -> Any:
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear" if config.layers == "all" else feed_forward_layers(model),
        bias="none",
        task_type="CAUSAL_LM",
    )
    with peft_warnings():
        return get_peft_model(model, settings)


def _accelerator(precision: str) -> Accelerator:
    # Accelerate keeps one state a process; without this a second run would keep the first one's precision.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no", cpu=not torch.cuda.is_available()
    )
