"""How a vLLM server that asks the students is had: started in an environment of its own, or at an address that others give.

Where it is, and what it may take, changes no score beyond rounding: this section may change when a session is resumed.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from proda_core.config.sections import Section, without_secret


class VllmConfig(Section):
    python: str | None = Field(
        None,
        min_length=1,
        description="interpreter of the environment that vLLM is installed in, which is not this program's own; "
        "the session starts and ends its server",
    )
    url: str | None = Field(
        None,
        description="address of a vLLM server that others run, in place of `vllm.python`; "
        "its key comes from `$PRODA_STUDENT_KEY`",
    )
    max_length: int = Field(
        4096,
        ge=64,
        description="longest question with its answer, in tokens, where the base's context is not shorter",
    )
    cache_bytes: int = Field(
        1_000_000_000, gt=0, description="memory of the server's key-value cache, beside that of the weights"
    )
    compare: bool = Field(
        True,
        description="compare log-likelihoods of each model with those of transformers before its first answers count; "
        "takes loading the base beside the server, once a model",
    )
    start_s: float = Field(600, gt=0, description="time in which the server must be up")
    timeout_s: float = Field(600, gt=0, description="time after which a batch without an answer is given up")

    _address = field_validator("url")(without_secret)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.python is not None and self.url is not None:
            raise ValueError("vllm.python starts a server and vllm.url names one: give one of the two")
        return self
