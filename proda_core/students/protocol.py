"""What a student is to the rest of the project: something that answers prompts and scores options.

Scoring, probing and diagnosis know this protocol and nothing of how a model is loaded or run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Student(Protocol):
    """A model under test. Prompts are user texts; the student renders them itself."""

    @property
    def name(self) -> str: ...

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int) -> list[str]:
        """One greedy reply to each prompt, in order, without its end token and outer space."""
        ...

    def option_loglikelihoods(
        self, prompts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """``[i][j]``: summed natural-log probability of ``options[i][j]`` as the answer to ``prompts[i]``."""
        ...
