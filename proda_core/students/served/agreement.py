"""Before a served model's first answers count: are its log-likelihoods those that transformers finds with the files on disk?

A server may hold other weights than the session's base, or compute an architecture wrongly without a word: vLLM 0.32 by its
defaults does so with LFM2 on a CPU. Both are refused (ServingError). Each model is compared once for each way of serving it.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from proda_core.artifacts import write_atomic
from proda_core.errors import ServingError
from proda_core.students.hf import HFStudent
from proda_core.students.loading import load_adapter_onto, load_model, use_threads
from proda_core.students.protocol import Student

LARGEST_FP32 = 1e-3  # difference of a summed log-likelihood that is rounding, ten times what is usual
LARGEST_BF16 = 0.5
QUESTIONS = {
    "What does the slow cooling of an inner core lead to, where nothing else disturbs it?": (
        "the growth of a solid crust",
        "a lower price",
        "none of these",
    ),
    "True or false: a signal that returns late has come a longer way.": ("true", "false"),
    "Which of the two was written down before the other was built? Think step by step.": (
        "The plan of the bridge was written down first. Answer: the plan",
        "The bridge. Answer: the bridge",
    ),
}


def check_agreement(served: Student, base: str, adapter: Path | None, *, dtype: str, threads: int) -> None:
    """ServingError where the two differ by more than rounding does; ``dtype`` (fp32 or bf16) is what the server holds."""
    prompts, options = list(QUESTIONS), list(QUESTIONS.values())
    theirs = served.option_loglikelihoods(prompts, options)
    ours = _in_memory(base, adapter, dtype, threads).option_loglikelihoods(prompts, options)
    pairs = [pair for a, b in zip(theirs, ours, strict=True) for pair in zip(a, b, strict=True)]
    furthest = max(abs(one - other) for one, other in pairs)
    largest = LARGEST_BF16 if dtype == "bf16" else LARGEST_FP32
    if not furthest <= largest:
        raise ServingError(
            f"the vLLM server's log-likelihoods of {served.name} differ by up to {furthest:.3g} from transformers' (rounding: at "
            f"most {largest:g}): it holds other weights, or does not compute this architecture rightly; set "
            "student.served_by=transformers"
        )


class Agreements:
    """Which models were found to agree, under which way of serving them: a file in the server's folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holds(self, served: str) -> bool:
        return served in self._known()

    def note(self, served: str) -> None:
        write_atomic(self._path, json.dumps(sorted({*self._known(), served})).encode())

    def _known(self) -> list[str]:
        try:
            return list(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return []


def _in_memory(base: str, adapter: Path | None, dtype: str, threads: int) -> Student:
    """On the CPU: where there is a GPU, the server has that."""
    use_threads(threads)
    loaded = load_model(base, device=torch.device("cpu"), dtype=dtype)
    model = loaded.model
    if adapter is not None:
        model = load_adapter_onto(model, adapter).merge_and_unload()
    return HFStudent(model, loaded.tokenizer, name="in memory")
