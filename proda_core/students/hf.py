"""HFStudent: a transformers causal LM as a Student, with batched greedy generation and option scoring over a shared prefix.

Prompts run in left-padded batches of like length. Generation keeps the key-value cache, leaves ended rows behind and stops when
all have ended. Options share their prompt's cache, and logits are taken at their tokens alone. Inputs longer than the
model's context lose their beginning, as in lm-eval-harness. Results do not depend on the batch a prompt fell into.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from proda_core.errors import StudentError
from proda_core.students.batching import length_sorted, pad_left, positions_of
from proda_core.students.prompting import (
    EncodedPair,
    encode_options,
    encode_prompt,
    stop_tokens,
)

_DEFAULT_CONTEXT = 2048


@dataclass(slots=True)
class _Decoding:
    """A batch being generated: the rows still alive and the tokens each has so far."""

    alive: list[int]
    tokens: list[list[int]]
    mask: torch.Tensor
    cache: Any
    last: torch.Tensor  # [alive], the token just chosen


class HFStudent:
    """A model in memory with its tokenizer. ``name`` is "base" or an adapter's ID."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str, batch_size: int = 64) -> None:
        self.model, self.tokenizer, self.name, self.batch_size = model, tokenizer, name, batch_size
        self.context = context_of(model.config)
        self._pad = int(tokenizer.pad_token_id or 0)
        ends = getattr(model.generation_config, "eos_token_id", None)
        self._stops = stop_tokens(tokenizer, ends)

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int) -> list[str]:
        """One greedy reply to each prompt. StudentError when the model's context has no room for the reply."""
        room = self.context - max_new_tokens
        if room < 1:
            raise StudentError(
                f"max_new_tokens {max_new_tokens} leaves no room in a context of {self.context}; lower it"
            )
        rows = [encode_prompt(self.tokenizer, prompt)[-room:] for prompt in prompts]
        replies = [""] * len(rows)
        with self._inference():
            for batch in length_sorted([len(row) for row in rows], self.batch_size):
                tokens = self._greedy([rows[i] for i in batch], max_new_tokens)
                for i, reply in zip(batch, tokens, strict=True):
                    replies[i] = self.tokenizer.decode(reply, skip_special_tokens=True).strip()
        return replies

    def option_loglikelihoods(
        self, prompts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """``[i][j]``: summed log-probability (natural) of the tokens of ``options[i][j]`` after prompt i, end token excluded."""
        pairs = encode_options(self.tokenizer, prompts, options)
        sums: list[list[float]] = [[] for _ in pairs]
        asked = [i for i, row in enumerate(pairs) if row]
        with self._inference():
            for batch in length_sorted([len(pairs[i][0].context) for i in asked], self.batch_size):
                rows = [asked[i] for i in batch]
                for i, row in zip(rows, self._score([pairs[i] for i in rows]), strict=True):
                    sums[i] = row
        return sums

    def _greedy(self, rows: Sequence[Sequence[int]], max_new_tokens: int) -> list[list[int]]:
        """Greedy tokens of one batch, stop tokens excluded."""
        batch = pad_left(rows, self._pad, self.model.device)
        out = self._forward(batch.ids, batch.mask, batch.positions)
        first = out.logits[:, -1].argmax(-1)
        state = _Decoding(list(range(len(rows))), [[] for _ in rows], batch.mask, out.past_key_values, first)
        for step in range(max_new_tokens):
            self._keep(state)
            if not state.alive or step == max_new_tokens - 1:
                break
            state.mask = torch.cat([state.mask, state.mask.new_ones(len(state.alive), 1)], dim=1)
            positions = positions_of(state.mask)[:, -1:]
            out = self._forward(state.last[:, None], state.mask, positions, cache=state.cache)
            state.cache, state.last = out.past_key_values, out.logits[:, -1].argmax(-1)
        return state.tokens

    def _keep(self, state: _Decoding) -> None:
        """Append the chosen tokens and leave the rows behind that have ended."""
        going: list[int] = []
        for place, token in enumerate(state.last.tolist()):
            if token not in self._stops:
                state.tokens[state.alive[place]].append(token)
                going.append(place)
        if len(going) < len(state.alive) and going:
            kept = torch.tensor(going, device=state.last.device)
            state.cache.reorder_cache(kept)
            state.mask, state.last = state.mask[kept], state.last[kept]
        state.alive = [state.alive[place] for place in going]

    def _score(self, rows: Sequence[Sequence[EncodedPair]]) -> list[list[float]]:
        """Log-likelihoods of one batch of prompts with their options."""
        longest = max(len(pair.continuation) for row in rows for pair in row)
        room = self.context - longest + 1
        if room < 1:
            raise StudentError(
                f"an option of {longest} tokens does not fit a context of {self.context}; shorten it"
            )
        width = max(len(row) for row in rows)
        batch = pad_left([row[0].context[-room:] for row in rows], self._pad, self.model.device)
        out = self._forward(batch.ids, batch.mask, batch.positions)
        # Rows with fewer options than the widest are filled with their own first option, and the surplus is dropped.
        flat = [row[j] if j < len(row) else row[0] for row in rows for j in range(width)]
        sums = self._first_tokens(out.logits[:, -1], flat, width)
        if longest > 1:
            out.past_key_values.reorder_cache(torch.arange(len(rows)).repeat_interleave(width))
            mask = batch.mask.repeat_interleave(width, dim=0)
            sums = sums + self._later_tokens(flat, mask, out.past_key_values)
        table = sums.view(len(rows), width).tolist()
        return [values[: len(row)] for values, row in zip(table, rows, strict=True)]

    def _first_tokens(self, logits: torch.Tensor, flat: Sequence[EncodedPair], width: int) -> torch.Tensor:
        """Log-probability of each option's first token, from the prompt's last position; shape [options]."""
        firsts = torch.tensor([pair.continuation[0] for pair in flat], device=logits.device)
        return _log_probabilities(logits.repeat_interleave(width, dim=0), firsts)

    def _later_tokens(self, flat: Sequence[EncodedPair], mask: torch.Tensor, cache: Any) -> torch.Tensor:
        """Summed log-probability of each option's tokens after its first, fed after the shared prompt; shape [options]."""
        longest = max(len(pair.continuation) for pair in flat) - 1
        fed = torch.full((len(flat), longest), self._pad, device=mask.device)
        wanted = torch.zeros_like(fed)
        real = torch.zeros_like(fed)
        for place, pair in enumerate(flat):
            length = len(pair.continuation) - 1
            fed[place, :length] = torch.tensor(pair.continuation[:-1], device=mask.device)
            wanted[place, :length] = torch.tensor(pair.continuation[1:], device=mask.device)
            real[place, :length] = 1
        whole = torch.cat([mask, real], dim=1)
        positions = positions_of(whole)[:, -longest:]
        out = self._forward(fed, whole, positions, cache=cache, keep=longest)
        sums: torch.Tensor = (_log_probabilities(out.logits, wanted) * real).sum(1)
        return sums

    def _forward(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        positions: torch.Tensor,
        *,
        cache: Any = None,
        keep: int = 1,
    ) -> Any:
        """One pass with a cache; logits at the last ``keep`` positions."""
        return self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
        )

    @contextmanager
    def _inference(self) -> Iterator[None]:
        """No gradients and no dropout; a model in training is handed back in training."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            self.model.train(training)


def context_of(config: Any) -> int:
    """Positions that a model was made for, by its configuration; one of several kinds of input says it of its text part."""
    named = getattr(config.get_text_config(), "max_position_embeddings", None)
    return int(named or _DEFAULT_CONTEXT)


def _log_probabilities(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """The log-probability of each token under its logits, computed in fp32 and given in fp64; shape of ``tokens``."""
    flat = functional.cross_entropy(logits.flatten(0, -2).float(), tokens.flatten(), reduction="none")
    return -flat.double().view(tokens.shape)
