"""Students: the models under test and their raw calls (greedy generation, option log-likelihood), loaded from local folders.

Importing this package does not import torch; ``load_student`` does, when it is called.
"""

from __future__ import annotations

from pathlib import Path

from proda_core.students.base_model import base_digest, resolve_base
from proda_core.students.protocol import Student
from proda_core.students.scripted import ScriptedStudent

__all__ = ["ScriptedStudent", "Student", "base_digest", "load_student", "resolve_base"]


def load_student(
    base: str, adapter: Path | None = None, *, batch_size: int = 64, threads: int = 0, dtype: str = "auto"
) -> Student:
    """A student from "pocket" or a causal LM folder and, if given, a PEFT adapter folder; its name is "base" or the adapter's ID.

    ``threads`` 0 means every core, ``dtype`` is what the weights are held in. StudentError when either cannot be loaded.
    """
    from proda_core.students import loading

    return loading.load_student(base, adapter, batch_size=batch_size, threads=threads, dtype=dtype)
