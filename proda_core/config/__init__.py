"""The session's configuration: one TOML file, dotted overrides, unknown keys refused with the nearest one suggested.

``load_config`` resolves it. The resolved configuration is written to ``session.toml`` and, with the corpus digest and the seed,
names the session.
"""

from proda_core.config.resolving import Config, config_from, dotted, known_keys, load_config
from proda_core.config.sections import (
    AuditConfig,
    BenchmarkConfig,
    BudgetConfig,
    CallsConfig,
    CorpusConfig,
    DiagnosisConfig,
    GeneralConfig,
    MixtureConfig,
    PolicyConfig,
    StudentConfig,
    SynthesisConfig,
    TeacherConfig,
    TrainingConfig,
    VerdictConfig,
)
from proda_core.config.serving import VllmConfig

__all__ = [
    "AuditConfig",
    "BenchmarkConfig",
    "BudgetConfig",
    "CallsConfig",
    "Config",
    "CorpusConfig",
    "DiagnosisConfig",
    "GeneralConfig",
    "MixtureConfig",
    "PolicyConfig",
    "StudentConfig",
    "SynthesisConfig",
    "TeacherConfig",
    "TrainingConfig",
    "VerdictConfig",
    "VllmConfig",
    "config_from",
    "dotted",
    "known_keys",
    "load_config",
]
