"""ScriptedStudent: answers that are functions, for tests, dry runs and whoever wants to see the loop without a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScriptedStudent:
    """``reply`` maps a prompt to a text; ``score`` maps a prompt and an option to its log-likelihood."""

    reply: Callable[[str], str]
    score: Callable[[str, str], float]
    name: str = "scripted"

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int) -> list[str]:
        """Each reply cut to ``max_new_tokens`` words, as a real student's is to tokens."""
        return [" ".join(self.reply(prompt).split(" ")[:max_new_tokens]) for prompt in prompts]

    def option_loglikelihoods(
        self, prompts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """``score`` of every option."""
        return [
            [self.score(prompt, option) for option in row]
            for prompt, row in zip(prompts, options, strict=True)
        ]
