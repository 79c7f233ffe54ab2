"""Loading a base model, its tokenizer and a PEFT adapter from local folders, with no network and no remote code.

Whatever a folder holds that is no loadable causal LM ends as a StudentError that names it. Weights are held in fp32 without a GPU
and as they are stored with one, unless told otherwise; an adapter is merged into them for inference, which changes no score
beyond rounding and more than halves a small model's time. In 4 bits a base is loaded only where a GPU and bitsandbytes are.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from proda_core.errors import StudentError
from proda_core.students.base_model import resolve_base
from proda_core.students.hf import HFStudent

# What transformers, safetensors, tokenizers and peft raise on folders that are damaged or of another kind.
_LOAD_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    AttributeError,
    ImportError,
    UserWarning,
    SafetensorError,
)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A causal LM on its device (weights frozen by nobody yet) with its tokenizer, which always has a pad token."""

    model: Any
    tokenizer: Any
    folder: Path


def use_threads(threads: int) -> int:
    """Set torch's threads, 0 meaning every core this process may use; returns the number set."""
    wanted = threads or len(os.sched_getaffinity(0))
    torch.set_num_threads(wanted)
    return wanted


def load_model(
    base: str, *, device: torch.device | None = None, dtype: str = "auto", four_bit: bool = False
) -> LoadedModel:
    """Load a base, on the GPU where there is one. StudentError when it is missing, damaged or no causal LM.

    ``dtype``: auto, fp32 or bf16. ``four_bit``: in 4 bits, refused (StudentError) where that cannot be had.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = resolve_base(base)
    device = device or default_device()
    try:
        held = held_in(dtype, folder, device)
        tokenizer = _tokenizer(folder)
        model, info = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            dtype=held,
            output_loading_info=True,
            **(_four_bits(device) if four_bit else {}),
        )
    except _LOAD_ERRORS as error:
        raise StudentError(
            f"cannot load {base!r} as a causal LM: {_first_line(error)}; check its files"
        ) from error
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise StudentError(
            f"{base!r} lacks {len(missing)} weights, {missing[0]} first; it would start at random there"
        )
    if tokenizer.vocab_size > model.get_input_embeddings().num_embeddings:
        raise StudentError(
            f"{base!r}: its tokenizer has more tokens than the model has embeddings; they do not belong together"
        )
    return LoadedModel(model if four_bit else model.to(device), tokenizer, folder)


@dataclass(frozen=True, slots=True)
class BaseDescription:
    """What a base is without its weights: its tokenizer, configurations, and the names of what LoRA can adapt in its blocks."""

    folder: Path
    tokenizer: Any
    config: Any
    generation: Any
    linear_layers: tuple[str, ...]


def describe_base(base: str) -> BaseDescription:
    """Read a base's files but not its weights: an empty model tells its layers. StudentError as for ``load_model``."""
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    folder = resolve_base(base)
    try:
        tokenizer = _tokenizer(folder)
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        stated = (folder / "generation_config.json").is_file()
        generation = GenerationConfig.from_pretrained(folder) if stated else model.generation_config
    except _LOAD_ERRORS as error:
        raise StudentError(
            f"cannot read {base!r} as a causal LM: {_first_line(error)}; check its files"
        ) from error
    head = model.get_output_embeddings()
    found = {name.rsplit(".", 1)[-1] for name, m in model.named_modules() if is_linear(m) and m is not head}
    return BaseDescription(folder, tokenizer, config, generation, tuple(sorted(found)))


def is_linear(module: Any) -> bool:
    """Whether a module is a linear layer; GPT-2's family has its own, the weight the other way round."""
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, (torch.nn.Linear, Conv1D))


def _tokenizer(folder: Path) -> Any:
    """The folder's tokenizer, with a token to pad with."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer


def held_in(dtype: str, folder: Path, device: torch.device) -> torch.dtype:
    """The format that weights are held in: fp32, or bf16 where it is asked for or a GPU reads weights stored in 16 bits."""
    if dtype == "auto":
        halves = device.type == "cuda" and stored_in_halves(folder)
        return torch.bfloat16 if halves else torch.float32
    return torch.bfloat16 if dtype == "bf16" else torch.float32


def stored_in_halves(folder: Path) -> bool:
    """Whether a folder's configuration says that its weights are stored in 16 bits."""
    stored = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    stored = {**stored, **stored.get("text_config", {})}
    return str(stored.get("dtype") or stored.get("torch_dtype")) in ("bfloat16", "float16")


def _four_bits(device: torch.device) -> dict[str, Any]:
    """What loads a base in 4 bits. StudentError says what is missing for that."""
    lacking = [
        what
        for what, there in (
            ("a CUDA GPU", device.type == "cuda"),
            ("the package bitsandbytes", find_spec("bitsandbytes") is not None),
        )
        if not there
    ]
    if lacking:
        raise StudentError(
            f"training.method=qlora holds the base in 4 bits and lacks {' and '.join(lacking)}; set training.method=lora"
        )
    from transformers import BitsAndBytesConfig

    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": settings, "device_map": {"": torch.cuda.current_device()}}


@contextmanager
def peft_warnings() -> Iterator[None]:
    """peft's warnings as we want them: missing weights are an error, its own use of a deprecated name is not ours to mend."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Found missing adapter keys")
        warnings.filterwarnings(
            "ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning
        )
        yield


def load_adapter_onto(model: Any, adapter: Path, *, trainable: bool = False) -> Any:
    """The model with a PEFT adapter on it. StudentError when the folder is no adapter of this base."""
    from peft import PeftModel

    if not (adapter / "adapter_config.json").is_file():
        raise StudentError(f"no adapter_config.json in {adapter.name}: it is no PEFT adapter")
    try:
        with peft_warnings():
            return PeftModel.from_pretrained(
                model, str(adapter), is_trainable=trainable, local_files_only=True
            )
    except _LOAD_ERRORS as error:
        raise StudentError(f"adapter {adapter.name} does not fit its base: {_first_line(error)}") from error


def load_student(
    base: str, adapter: Path | None = None, *, batch_size: int = 64, threads: int = 0, dtype: str = "auto"
) -> HFStudent:
    """A student from a base folder and, if given, a LoRA adapter; its name is "base" or the adapter folder's (its ID)."""
    use_threads(threads)
    loaded = load_model(base, dtype=dtype)
    model = loaded.model
    if adapter is not None:
        model = load_adapter_onto(model, adapter).merge_and_unload()
    name = "base" if adapter is None else adapter.name
    return HFStudent(model, loaded.tokenizer, name=name, batch_size=batch_size)


def default_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
