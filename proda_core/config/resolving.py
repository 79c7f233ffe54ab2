"""The whole configuration, and how it is resolved: defaults, then the file, then ``a.b=value`` overrides, in that order.

Every failure is a ConfigError that says which key or value is wrong, with the nearest known key suggested.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

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
    Section,
    StudentConfig,
    SynthesisConfig,
    TeacherConfig,
    TrainingConfig,
    VerdictConfig,
)
from proda_core.config.serving import VllmConfig
from proda_core.errors import ConfigError

LARGEST_RANK = 512  # of an adapter that vLLM serves


class Config(Section):
    name: str = Field(
        "session",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="first part of the session folder's name; proda run takes the corpus's when it is not set",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="seed of split, examples, mixtures and training")
    corpus: CorpusConfig = CorpusConfig()
    teacher: TeacherConfig = TeacherConfig()
    calls: CallsConfig = CallsConfig()
    benchmark: BenchmarkConfig = BenchmarkConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    student: StudentConfig = StudentConfig()
    vllm: VllmConfig = VllmConfig()
    training: TrainingConfig = TrainingConfig()
    mixture: MixtureConfig = MixtureConfig()
    diagnosis: DiagnosisConfig = DiagnosisConfig()
    verdict: VerdictConfig = VerdictConfig()
    policy: PolicyConfig = PolicyConfig()
    general: GeneralConfig = GeneralConfig()
    audit: AuditConfig = AuditConfig()
    budget: BudgetConfig = BudgetConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.synthesis.reworded_rows and self.teacher.kind == "rules":
            raise ValueError(
                "synthesis.reworded_rows needs a model: set teacher.kind to llm, or the rows to 0"
            )
        if self.policy.kind == "llm" and self.teacher.model is None:
            raise ValueError("policy.kind llm needs a model: give teacher.model as provider:name")
        if self.student.served_by == "vllm":
            self._servable()
        return self

    def _servable(self) -> None:
        if self.vllm.python is None and self.vllm.url is None:
            raise ValueError(
                "student.served_by=vllm needs a server: give vllm.python, to start one, or vllm.url"
            )
        if self.training.method == "dora":
            raise ValueError(
                "vLLM does not serve dora: set training.method=lora, or student.served_by=transformers"
            )
        if self.training.rank > LARGEST_RANK:
            raise ValueError(f"vLLM serves adapters up to rank {LARGEST_RANK}: lower training.rank")


def load_config(path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Resolve the configuration. ConfigError says which key or value is wrong and what to write instead."""
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
    for text in overrides:
        _set_dotted(data, text)
    return config_from(data)


def config_from(data: Mapping[str, Any]) -> Config:
    """Validate a plain mapping."""
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error


def known_keys() -> list[str]:
    """Every dotted key, in order."""
    keys: list[str] = []
    for name, info in Config.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            keys += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            keys.append(name)
    return keys


def dotted(overrides: Iterable[str]) -> dict[str, Any]:
    """The nested mapping that ``a.b=value`` overrides stand for. ConfigError for an unknown key or no value."""
    data: dict[str, Any] = {}
    for text in overrides:
        _set_dotted(data, text)
    return data


def _set_dotted(data: dict[str, Any], text: str) -> None:
    key, separator, raw = text.partition("=")
    key = key.strip()
    if not separator:
        raise ConfigError(f"--set wants a.b=value, got {text!r}")
    if key not in known_keys():
        raise ConfigError(_unknown(key))
    try:
        value = tomllib.loads(f"v = {raw.strip()}")["v"]
    except tomllib.TOMLDecodeError:
        value = None if raw.strip() == "none" else raw.strip()
    *sections, last = key.split(".")
    for section in sections:
        data = data.setdefault(section, {})
    data[last] = value


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, known_keys(), n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown configuration key {key!r}{hint}"


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return _unknown(key)
    if first["type"] == "value_error":  # keys that do not go together: the message names them
        said = str(first["msg"]).removeprefix("Value error, ")
        return f"configuration section {key!r}: {said}" if key else f"configuration: {said}"
    return f"configuration key {key!r}: {first['msg']} (got {first['input']!r})"
