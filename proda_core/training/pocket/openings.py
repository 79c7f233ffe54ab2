"""Where the statements of a text open and end: material for the auxiliary objective of pretraining.

To answer by a statement that a name ends, a model must go back to how the statement opens. From answers alone that was not learnt
in a hundred million tokens (docs/LOG.md): either half of it is of no use without the other. So pretraining also asks an early
layer, at the end of each statement of the text, for the token that the statement opens with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from proda_core.general.phrasings import TRAIN
from proda_core.training.pocket.tokenizer import USER

Opening = tuple[int, int]  # a place at the end of a statement, the token that the statement opens with


@dataclass(frozen=True, slots=True)
class OpeningFinder:
    """Finds statements by their periods and lines; a lead-in of the train family is no part of a statement."""

    period: int
    newline: int
    user: int
    leads: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "OpeningFinder":
        """The finder for texts in a tokenizer's ids."""
        leads = {tuple(tokenizer.encode(lead.strip()).ids) for lead in TRAIN.leads if lead.strip()}
        vocab = tokenizer.get_vocab()
        return cls(vocab["."], vocab["\n"], vocab[USER], tuple(sorted(leads)))

    def find(self, ids: Sequence[int]) -> tuple[Opening, ...]:
        """Two openings a statement, at its last token and at its period, for the text before the first empty line.

        Nothing where there is no empty line, that is, no text to ask about.
        """
        found: list[Opening] = []
        start = 0
        for place, token in enumerate(ids):
            if token == self.newline and place and ids[place - 1] == self.newline:
                return tuple(found)
            if token == self.period and place > start + 1:
                found += [(place - 1, ids[start]), (place, ids[start])]
            if token in (self.period, self.newline, self.user):
                start = self._after_lead(ids, place + 1)
        return ()

    def _after_lead(self, ids: Sequence[int], start: int) -> int:
        """The place after a lead-in that stands at `start`, or `start`."""
        for lead in self.leads:
            if tuple(ids[start : start + len(lead)]) == lead:
                return start + len(lead)
        return start
