"""The protocol of a vLLM server, as much of it as asking students takes: tokens in, tokens and their log-probabilities out.

Prompts go as token IDs, so that no chat template or tokenizer of the server's has a say. A request that the server refuses as
such is a StudentError, for it is about that request; anything else that goes wrong is ServerTrouble, and about the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proda_core.errors import ServingError, StudentError

T = TypeVar("T", bound=BaseModel)
_CONNECT_S = 10.0
_REFUSED = (400, 413, 422)
_NO_ENTRY = (401, 403)
# Whatever a model's own settings say of sampling, the likeliest token is taken.
_GREEDY: Mapping[str, Any] = {
    "temperature": 0.0,
    "top_p": 1.0,
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "ignore_eos": True,  # the stop tokens are given with the request
}


class ServerTrouble(Exception):
    """The server is gone, hangs or fails. Whoever asked decides whether it is worth another try."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, without a path, and the key it asks for; "" for none."""

    url: str
    key: str = ""


class _Answer(BaseModel):
    """Of what a server answers, what is read: it may say more."""

    model_config = ConfigDict(extra="ignore", strict=True)


class ServedName(_Answer):
    """One model of the server: its name, what it was loaded from, and for an adapter the name of its base."""

    id: str
    root: str | None = None
    parent: str | None = None
    max_model_len: int | None = None


class _Models(_Answer):
    data: list[ServedName]


class _Logprob(_Answer):
    logprob: float


class _Choice(_Answer):
    index: int
    token_ids: list[int] | None = None
    prompt_logprobs: list[dict[str, _Logprob] | None] | None = Field(None, strict=False)


class _Completion(_Answer):
    choices: list[_Choice]


class ServerClient:
    """``with ServerClient(address, timeout_s=...) as server:``; one connection, used by one thread."""

    def __init__(self, address: Address, *, timeout_s: float) -> None:
        headers = {"Authorization": f"Bearer {address.key}"} if address.key else {}
        timeout = httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        self.url = address.url.rstrip("/").removesuffix("/v1")
        self._http = httpx2.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)

    def __enter__(self) -> ServerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def is_healthy(self) -> bool:
        """Whether it answers and its engine lives."""
        try:
            return self._http.get("/health").status_code == 200
        except httpx2.HTTPError:
            return False

    def models(self) -> list[ServedName]:
        """The base and the adapters that are loaded."""
        return _read(_Models, self._send("GET", "/v1/models")).data

    def load_adapter(self, name: str, folder: Path) -> None:
        """Load a PEFT folder, which the server must see under the same path. StudentError when the server will not have it."""
        body = {"lora_name": name, "lora_path": str(folder)}
        try:
            self._send("POST", "/v1/load_lora_adapter", body)
        except ServerTrouble as error:  # what it cannot load it answers as a failure of its own
            if not self.is_healthy():
                raise
            raise StudentError(f"the server does not load adapter {folder.name}: {error}") from error

    def generate(
        self, model: str, rows: Sequence[Sequence[int]], max_new_tokens: int, stops: Sequence[int]
    ) -> list[list[int]]:
        """Greedy tokens after each row, without the stop token that ended them."""
        asked = {"max_tokens": max_new_tokens, "stop_token_ids": list(stops), "return_token_ids": True}
        choices = self._complete(model, rows, asked)
        ends = set(stops)
        return [[token for token in _there(c.token_ids) if token not in ends] for c in choices]

    def logprobs(self, model: str, rows: Sequence[Sequence[int]]) -> list[list[float]]:
        """Natural log-probability of each token of each row but its first, from all that stand before it."""
        choices = self._complete(model, rows, {"max_tokens": 1, "prompt_logprobs": 0})
        return [_of_tokens(row, choice) for row, choice in zip(rows, choices, strict=True)]

    def _complete(self, model: str, rows: Sequence[Sequence[int]], asked: Mapping[str, Any]) -> list[_Choice]:
        body = {"model": model, "prompt": [list(row) for row in rows], **_GREEDY, **asked}
        choices = _read(_Completion, self._send("POST", "/v1/completions", body)).choices
        if sorted(choice.index for choice in choices) != list(range(len(rows))):
            raise ServerTrouble(f"{self.url} answered {len(choices)} of {len(rows)} prompts")
        return sorted(choices, key=lambda choice: choice.index)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        try:
            answer = self._http.request(method, path, json=body)
        except httpx2.HTTPError as error:
            raise ServerTrouble(f"{self.url}: {type(error).__name__} {error}".strip()) from error
        if answer.is_success:
            return answer.content
        said = f"{self.url}{path} answered {answer.status_code}: {answer.text[:300]}"
        if answer.status_code in _REFUSED:
            raise StudentError(said)
        if answer.status_code in _NO_ENTRY:
            raise ServingError(f"{said}; its key belongs into the environment, as $PRODA_STUDENT_KEY")
        raise ServerTrouble(said)


def _read(kind: type[T], content: bytes) -> T:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise ServerTrouble(f"no answer of a vLLM server: {error.errors()[0]['msg']}") from error


def _there(tokens: list[int] | None) -> list[int]:
    if tokens is None:
        raise ServerTrouble("the server gives no token IDs back; it needs vLLM 0.10 or later")
    return tokens


def _of_tokens(row: Sequence[int], choice: _Choice) -> list[float]:
    """The values of the row's own tokens; a server may name others beside them."""
    told = choice.prompt_logprobs or []
    found = [(values or {}).get(str(token)) for token, values in zip(row, told, strict=False)]
    if len(found) != len(row) or any(value is None for value in found[1:]):
        raise ServerTrouble("the server does not give the log-probability of every token of a prompt")
    return [value.logprob for value in found[1:] if value is not None]
