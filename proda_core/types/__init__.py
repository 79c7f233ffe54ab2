"""The project's vocabulary as frozen, slotted dataclasses; DESIGN words and no synonyms."""

from proda_core.types.benchmark import Benchmark, Item, LeftOut, Scoring, Split
from proda_core.types.decision import (
    Decision,
    DecisionKind,
    Observations,
    OptionConsidered,
    RoundSummary,
    StopReason,
)
from proda_core.types.evaluation import (
    Diagnosis,
    DiagnosisKind,
    EvalReport,
    Interval,
    Mastery,
    Score,
    Verdict,
)
from proda_core.types.knowledge import Chain, Concept, Evidence, KnowledgeSnapshot, Relation
from proda_core.types.text import Chunk, Document, Dropped
from proda_core.types.training import (
    Adapter,
    Example,
    ExampleKind,
    Format,
    Lineage,
    Message,
    Mixture,
    MixtureRow,
    Role,
    example_parts,
)

__all__ = [
    "Adapter",
    "Benchmark",
    "Chain",
    "Chunk",
    "Concept",
    "Decision",
    "DecisionKind",
    "Diagnosis",
    "DiagnosisKind",
    "Document",
    "Dropped",
    "EvalReport",
    "Evidence",
    "Example",
    "ExampleKind",
    "Format",
    "Interval",
    "Item",
    "KnowledgeSnapshot",
    "LeftOut",
    "Lineage",
    "Mastery",
    "Message",
    "Mixture",
    "MixtureRow",
    "Observations",
    "OptionConsidered",
    "Relation",
    "Role",
    "RoundSummary",
    "Score",
    "Scoring",
    "Split",
    "StopReason",
    "Verdict",
    "example_parts",
]
