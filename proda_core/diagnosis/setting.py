"""What one diagnosis is made under: the knowledge, the frozen benchmark, the thresholds and the seed."""

from __future__ import annotations

from dataclasses import dataclass

from proda_core.config import DiagnosisConfig
from proda_core.types import Benchmark, KnowledgeSnapshot


@dataclass(frozen=True, slots=True)
class Setting:
    """``max_new_tokens`` bounds a chain of thought, as in the scoring that found the failures."""

    snapshot: KnowledgeSnapshot
    benchmark: Benchmark
    config: DiagnosisConfig
    seed: int
    max_new_tokens: int
