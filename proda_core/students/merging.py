"""An adapter merged into its base and saved as an ordinary model folder, which serves without peft.

The weights keep the format that the base stores them in, or take the one asked for. The folder appears whole or not at all; one
that exists and holds anything is refused (StudentError).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from proda_core.errors import StudentError
from proda_core.students.base_model import resolve_base
from proda_core.students.loading import load_adapter_onto, load_model, stored_in_halves

CPU = torch.device("cpu")


def merge_adapter(base: str, adapter: Path, out: Path, *, dtype: str = "auto") -> Path:
    """Write the base with the adapter merged into it; ``dtype``: auto (as the base is stored), fp32 or bf16. Returns ``out``.

    Merged in fp32 on the CPU, rounded once when it is saved.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StudentError(f"{out} is there already; name a folder that is empty or not there yet")
    loaded = load_model(base, device=CPU, dtype="fp32")
    merged: Any = load_adapter_onto(loaded.model, adapter).merge_and_unload()
    if dtype == "bf16" or (dtype == "auto" and stored_in_halves(resolve_base(base))):
        merged = merged.to(torch.bfloat16)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as made:
        whole = Path(made) / "model"
        merged.save_pretrained(str(whole))
        loaded.tokenizer.save_pretrained(str(whole))
        shutil.rmtree(out, ignore_errors=True)
        whole.rename(out)
    return out
