"""Putting LoRA on a base: every linear layer but the output head, found by peft itself, weights drawn from the seed.

Also the one rule for precision: ``auto`` takes bf16 autocast where the machine multiplies bf16 natively and the model is wide
enough to gain by it. The rule looks at hardware and width and never at a clock, so the same machine always trains alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from proda_core.config import TrainingConfig
from proda_core.students.loading import LoadedModel, load_adapter_onto

BF16_FROM_WIDTH = 256


def lora_model(
    loaded: LoadedModel, config: TrainingConfig, *, seed: int, incumbent: Path | None = None
) -> Any:
    """The base with trainable LoRA weights: fresh from the seed, or an incumbent adapter's to go on with."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    if incumbent is not None:
        return load_adapter_onto(loaded.model, incumbent, trainable=True)
    settings = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(loaded.model, settings)


def make_accelerator(config: TrainingConfig, *, width: int) -> Accelerator:
    """Device and precision of a run; ``width`` is the model's hidden size."""
    # Accelerate keeps one state a process; without this a second run would keep the first one's precision.
    AcceleratorState._reset_state(reset_partial_state=True)
    precision = resolve_precision(config.precision, width=width)
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no", cpu=not torch.cuda.is_available()
    )


def resolve_precision(wanted: str, *, width: int) -> str:
    """ "fp32" or "bf16" for what the configuration says."""
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if native and width >= BF16_FROM_WIDTH else "fp32"
