"""ServedStudent: a base or an adapter on a vLLM server as a Student, asked with the very tokens that HFStudent would feed it.

Log-likelihoods in fp32 are those of transformers within ``TOLERANCE``; greedy replies are the same where no two tokens are that
near. A server that dies is found again and the batch asked once more, a bounded number of times; then ServingError. A question
longer than the server was started for is a StudentError and never cut shorter than transformers would cut it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from proda_core.artifacts import file_digest
from proda_core.errors import ServingError, StudentError
from proda_core.students.hf import context_of
from proda_core.students.loading import BaseDescription
from proda_core.students.prompting import encode_options, encode_prompt, stop_tokens
from proda_core.students.served.client import Address, ServerClient, ServerTrouble

T = TypeVar("T")
TOLERANCE = 1e-4  # of a log-likelihood summed over an answer, fp32
TRIES = 3  # of one batch, on a server that was found again


class Server(Protocol):
    """A server that is held up, or run by others."""

    def address(self) -> Address: ...

    def restart(self) -> None: ...

    def last_words(self) -> str: ...

    def close(self) -> None: ...


class FixedServer:
    """A server at an address, which others run: it is asked again and never started."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def address(self) -> Address:
        return self._address

    def restart(self) -> None:
        """Others do that."""

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing was held."""


class ServedModel:
    """The base, or an adapter loaded on it, on a server that may be another one after a restart."""

    def __init__(self, server: Server, base: Path, adapter: Path | None, *, timeout_s: float) -> None:
        self._server, self._base, self._adapter, self._timeout_s = server, base, adapter, timeout_s
        self._client: ServerClient | None = None
        self._name, self.max_length = "", 0
        self._ask(lambda client: client.url)  # finds what is not there before anything is asked

    def generate(
        self, rows: Sequence[Sequence[int]], *, max_new_tokens: int, stops: Sequence[int]
    ) -> list[list[int]]:
        """As ``ServerClient.generate``; ServingError when the server fails for good."""
        return self._ask(lambda client: client.generate(self._name, rows, max_new_tokens, stops))

    def logprobs(self, rows: Sequence[Sequence[int]]) -> list[list[float]]:
        """As ``ServerClient.logprobs``; ServingError when the server fails for good."""
        return self._ask(lambda client: client.logprobs(self._name, rows))

    def _ask(self, put: Callable[[ServerClient], T]) -> T:
        """``put`` a question to the server; again where the server fails, within ``TRIES``."""
        troubles: list[str] = []
        while True:
            try:
                return put(self._connected())
            except ServerTrouble as trouble:
                self._disconnect()
                self._server.restart()
                troubles.append(self._server.last_words() or str(trouble))
                if len(troubles) == TRIES:
                    raise ServingError(
                        f"the vLLM server failed {TRIES} times on one batch: {'; '.join(dict.fromkeys(troubles))}; mend it, "
                        "or score through transformers"
                    ) from trouble

    def close(self) -> None:
        self._disconnect()
        self._server.close()

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> ServerClient:
        if self._client is None:
            self._client = ServerClient(self._server.address(), timeout_s=self._timeout_s)
            self._find_model(self._client)
        return self._client

    def _find_model(self, client: ServerClient) -> None:
        """Check that the server has the base, and load the adapter unless it has that. Its name says which weights it has."""
        served = {model.id: model for model in client.models()}
        bases = [model for model in served.values() if model.parent is None]
        if len(bases) != 1 or Path(bases[0].root or "").resolve() != self._base.resolve():
            roots = ", ".join(str(model.root) for model in bases) or "nothing"
            raise ServingError(
                f"{client.url} serves {roots}, the student is {self._base}; start it on that folder"
            )
        self._name, self.max_length = bases[0].id, bases[0].max_model_len or 0
        if self._adapter is not None:
            weights = file_digest(self._adapter / "adapter_model.safetensors")[:12]
            self._name = f"{self._adapter.name}-{weights}"
            if self._name not in served:
                client.load_adapter(self._name, self._adapter.absolute())


class ServedStudent:
    """A Student by its tokenizer here and its weights on a server. ``name`` is "base" or the adapter's ID."""

    def __init__(self, model: ServedModel, base: BaseDescription, *, name: str, batch_size: int) -> None:
        self.name, self.batch_size = name, batch_size
        self.context = context_of(base.config)
        self._model, self._tokenizer = model, base.tokenizer
        self._stops = sorted(stop_tokens(base.tokenizer, getattr(base.generation, "eos_token_id", None)))

    def close(self) -> None:
        """Let go of the server."""
        self._model.close()

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int) -> list[str]:
        """One greedy reply to each prompt. StudentError when there is no room for the reply."""
        room = self.context - max_new_tokens
        if room < 1:
            raise StudentError(
                f"max_new_tokens {max_new_tokens} leaves no room in a context of {self.context}; lower it"
            )
        rows = [encode_prompt(self._tokenizer, prompt)[-room:] for prompt in prompts]
        self._check_fits(max((len(row) + max_new_tokens for row in rows), default=0))
        replies: list[str] = []
        for batch in self._batches(rows):
            tokens = self._model.generate(batch, max_new_tokens=max_new_tokens, stops=self._stops)
            replies += [self._tokenizer.decode(row, skip_special_tokens=True).strip() for row in tokens]
        return replies

    def option_loglikelihoods(
        self, prompts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """``[i][j]``: summed log-probability (natural) of the tokens of ``options[i][j]`` after prompt i, end token excluded."""
        pairs = encode_options(self._tokenizer, prompts, options)
        rows, tails = [], []
        for row in pairs:
            longest = max((len(pair.continuation) for pair in row), default=0)
            room = self.context - longest - 1  # a server reads the last token too, and gives one more
            if room < 1:
                raise StudentError(
                    f"an option of {longest} tokens does not fit a context of {self.context}; shorten it"
                )
            rows += [[*pair.context[-room:], *pair.continuation] for pair in row]
            tails += [len(pair.continuation) for pair in row]
        self._check_fits(max((len(row) + 1 for row in rows), default=0))
        values: list[list[float]] = []
        for batch in self._batches(rows):
            values += self._model.logprobs(batch)
        sums = iter(sum(row[-tail:]) for row, tail in zip(values, tails, strict=True))
        return [[next(sums) for _ in row] for row in pairs]

    def _check_fits(self, longest: int) -> None:
        if longest > self._model.max_length:
            raise StudentError(
                f"a question takes {longest} tokens, the server {self._model.max_length}; raise vllm.max_length"
            )

    def _batches(self, rows: Sequence[list[int]]) -> list[list[list[int]]]:
        return [list(rows[i : i + self.batch_size]) for i in range(0, len(rows), self.batch_size)]
