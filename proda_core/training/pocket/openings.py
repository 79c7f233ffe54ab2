"""Where the statements of a text, and the options of a choice, open and end: material for the auxiliary objective of pretraining.

To answer by a statement that a name ends, a model must go back to how the statement opens. From answers alone that was not learnt
in a hundred million tokens (docs/LOG.md): either half of it is of no use without the other. So pretraining also asks an early
layer, at the end of each statement of the text, for the token that the statement opens with, and of each option for its letter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from proda_core.general.phrasings import TRAIN
from proda_core.layout import LETTERS
from proda_core.training.pocket.tokenizer import ASSISTANT, USER

NO_TOKEN = -100  # where there is nothing to predict

# A place at the end of a statement and the token that the statement opens with.
Opening = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OpeningFinder:
    """Finds statements by their periods and lines; a lead-in of the train family is no part of a statement."""

    period: int
    newline: int
    user: int
    assistant: int
    letters: frozenset[int]
    leads: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "OpeningFinder":
        """The finder for texts in a tokenizer's ids."""
        leads = {tuple(tokenizer.encode(lead.strip()).ids) for lead in TRAIN.leads if lead.strip()}
        vocab = tokenizer.get_vocab()
        letters = frozenset(tokenizer.encode(letter).ids[0] for letter in LETTERS)
        return cls(vocab["."], vocab["\n"], vocab[USER], vocab[ASSISTANT], letters, tuple(sorted(leads)))

    def find(self, ids: Sequence[int]) -> tuple[Opening, ...]:
        """Two openings a statement, at its last token and at its period; two an option, at its last token and the one after."""
        return (*self._statements(ids), *self._options(ids))

    def _options(self, ids: Sequence[int]) -> Iterator[Opening]:
        """Of lines that begin with a letter and a period."""
        letter, start = 0, 0
        for place, token in enumerate(ids):
            if token in (self.newline, self.assistant):
                if start and place > start + 2:
                    yield place - 1, letter
                    yield place, letter
                start = 0
                if list(ids[place + 2 : place + 3]) == [self.period] and ids[place + 1] in self.letters:
                    letter, start = ids[place + 1], place + 1

    def _statements(self, ids: Sequence[int]) -> tuple[Opening, ...]:
        """Of the text before the first empty line; nothing where there is none, that is, no text to ask about."""
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
