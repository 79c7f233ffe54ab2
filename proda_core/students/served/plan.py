"""How the session's own vLLM server is started: its command and environment, from the base and the configuration.

LoRA is offered for the base's linear layers by name: left to itself vLLM adapts the embeddings as well, and a question for
likelihoods then ends its engine (0.32).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from proda_core.config import Config
from proda_core.errors import ServingError
from proda_core.students.hf import context_of
from proda_core.students.loading import BaseDescription, default_device, held_in
from proda_core.students.served.users import PORT, ServerPlan

BASE = "base"  # the name that the base is served under
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM has kernels for
_OURS = ("PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "VIRTUAL_ENV")  # of this environment, not of vLLM's
_ENVIRONMENT = {
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "HF_HUB_OFFLINE": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
}


def plan_server(base: BaseDescription, config: Config) -> ServerPlan:
    """The plan of a session's server. ServingError where ``vllm.python`` is no interpreter of an environment with vLLM."""
    python = find_python(config)
    device = default_device()
    environment = {**dict.fromkeys(_OURS), **_ENVIRONMENT}
    environment["PATH"] = os.pathsep.join(
        [str(python.parent), os.defpath]
    )  # compilers, and what vLLM brought
    environment["OMP_NUM_THREADS"] = str(config.student.threads) if config.student.threads else None
    options = {
        "--model": str(base.folder),
        "--served-model-name": BASE,
        "--host": "127.0.0.1",
        "--port": PORT,
        "--dtype": "bfloat16"
        if held_in(config.student.dtype, base.folder, device) is torch.bfloat16
        else "float32",
        "--max-model-len": str(min(context_of(base.config), config.vllm.max_length)),
        "--kv-cache-memory-bytes": str(config.vllm.cache_bytes),
        "--max-lora-rank": str(next(rank for rank in _RANKS if rank >= config.training.rank)),
        "--generation-config": "vllm",
        "--uvicorn-log-level": "warning",
        "--structured-outputs-config": '{"backend":"xgrammar","disable_any_whitespace":true}',
        "--hf-overrides": json.dumps(_overrides(base.config)),
    }
    flags = ["--enable-lora", "--no-enable-prefix-caching"]
    if device.type == "cpu":
        # Compiling would only delay the start, for LoRA keeps it from being used; but vLLM's own kernels, which then take its
        # place, rotate positions wrongly in some architectures (LFM2, 0.32).
        flags += ["--enforce-eager", "--compilation-config", '{"custom_ops":["none"]}']
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server"]
    command += [part for option in options.items() for part in option]
    command += [*flags, "--lora-target-modules", *base.linear_layers]
    return ServerPlan(tuple(command), environment, config.vllm.start_s)


def find_python(config: Config) -> Path:
    """vLLM's interpreter. ServingError says what stands there instead."""
    named = config.vllm.python
    python = Path(named or "").expanduser().absolute()
    if named is None or not python.is_file() or not os.access(python, os.X_OK):
        raise ServingError(
            f"vllm.python {named!r} is no program; name the python of an environment with vLLM, or set student.served_by"
        )
    return python


def _overrides(config: Any) -> dict[str, Any]:
    """Settings by the names that vLLM asks for, where transformers has dropped them: LFM2's widths are its hidden size."""
    if config.model_type != "lfm2":
        return {}
    return {"conv_dim": config.hidden_size, "block_dim": config.hidden_size}
