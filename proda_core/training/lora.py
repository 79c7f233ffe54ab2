"""A base made ready to be trained: LoRA or DoRA on its linear layers (feed-forward or all but the head), and short cuts that pay.

The weights are drawn from the seed. ``auto`` precision takes bf16 autocast where the processor
multiplies bf16 faster than fp32. The rule looks at hardware and never at a clock, so one machine always trains alike. A process
that torchrun or ``processes`` started finds the others here, by the variables that accelerate reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from proda_core.config import TrainingConfig
from proda_core.students.loading import LoadedModel, is_linear, load_adapter_onto, peft_warnings
from proda_core.training.layers import feed_forward_layers
from proda_core.training.protection import Protection
from proda_core.training.sharing import is_shared
from proda_core.training.speed import fold_lora, has_bare_head, multiplies_bf16_fast

# In bf16 on a CPU the backward pass of fused attention takes longer than all the rest; plain products do not, on short rows.
PLAIN_ATTENTION_TO = 512


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
    accelerator = make_accelerator(precision)
    torch.manual_seed(seed)
    base, shared = loaded.model, is_shared(loaded.model)
    wrapper = load_adapter_onto(base, incumbent, trainable=True) if incumbent else _fresh(base, config)
    if not shared and config.method != "qlora":  # those two are where they belong, and cannot be moved
        wrapper.to(accelerator.device)
    model = wrapper.get_base_model()
    if config.gradient_checkpointing:
        model.activation_checkpointing_enable()
    if precision == "bf16" and accelerator.device.type == "cpu" and config.max_length <= PLAIN_ATTENTION_TO:
        model.set_attn_implementation("eager")
    fold_lora(wrapper, dropout=config.dropout)
    if accelerator.process_index:  # the same weights everywhere, and dropout of its own for each process
        torch.manual_seed(seed + accelerator.process_index)
    bare = not shared and has_bare_head(model)
    return Trainee(wrapper, model, int(loaded.tokenizer.pad_token_id or 0), accelerator, bare)


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


def _fresh(model: Any, config: TrainingConfig) -> Any:
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear" if config.layers == "all" else feed_forward_layers(model),
        use_dora=config.method == "dora",
        fan_in_fan_out=any(is_linear(m) and not isinstance(m, torch.nn.Linear) for m in model.modules()),
        bias="none",
        task_type="CAUSAL_LM",
    )
    with peft_warnings():
        return get_peft_model(model, settings)


def make_accelerator(precision: str = "fp32") -> Accelerator:
    """Accelerate's view of this process: its device and the processes it trains with."""
    # Accelerate keeps one state a process; without this a second run would keep the first one's precision.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no", cpu=not torch.cuda.is_available()
    )
