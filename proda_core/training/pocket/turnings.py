"""What is hard in a reply, read from its ids: where it goes one way or another, what mere copying gives, where each step leads.

Most tokens of a reply repeat a statement and are soon learnt; what goes wrong is few of them: which statement a step takes, where
a name ends, whether another step follows (docs/LOG.md). Those weigh more. And at each step, while its statement is still being
told, a layer in the middle is asked which name the step leads to and how many steps are left.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

MOST_LEFT = 4  # steps, told apart


@dataclass(frozen=True, slots=True)
class Ahead:
    """At a place in a step: the first token of the name that the step leads to, and how many steps follow it."""

    place: int
    token: int
    left: int


@dataclass(frozen=True, slots=True)
class TurningFinder:
    """Reads replies in a tokenizer's ids, as `cot_answer` lays them out."""

    period: int
    colon: int
    start: tuple[int, ...]
    ends: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "TurningFinder":
        """The finder for replies in a tokenizer's ids."""
        vocab = tokenizer.get_vocab()
        start, *ends = (tuple(tokenizer.encode(text).ids) for text in ("From", "So", "Answer:"))
        return cls(vocab["."], vocab[":"], start, tuple(ends))

    def turnings(self, ids: Sequence[int], answers: Sequence[tuple[int, int]]) -> frozenset[int]:
        """Places of the tokens that decide: how a statement opens, where a name ends, what follows a step, how an answer ends."""
        return frozenset(
            place
            for start, stop in answers
            for place in range(start, stop)
            if place >= stop - 2
            or ids[place] == self.colon
            or (place > start and ids[place - 1] in (self.colon, self.period))
        )

    def ahead(self, ids: Sequence[int], answers: Sequence[tuple[int, int]]) -> tuple[Ahead, ...]:
        """For each step of each reply: a record at every token from the colon to the period of its statement."""
        return tuple(record for start, stop in answers for record in self._ahead(ids, start, stop))

    def _ahead(self, ids: Sequence[int], start: int, stop: int) -> list[Ahead]:
        """The records of the reply [start, stop)."""
        steps: list[tuple[range, int]] = []
        place = start
        while self._named(ids, place, (self.start,)):
            try:
                colon = ids.index(self.colon, place, stop)
                period = ids.index(self.period, colon, stop)
            except ValueError:
                break
            place = period + 1
            named = self._named(ids, place, (self.start, *self.ends))
            if not named or named >= stop:
                break
            steps.append((range(colon, place), ids[named]))
        return [
            Ahead(one, token, min(len(steps) - 1 - number, MOST_LEFT))
            for number, (told, token) in enumerate(steps)
            for one in told
        ]

    @staticmethod
    def _named(ids: Sequence[int], place: int, markers: Sequence[tuple[int, ...]]) -> int:
        """The place after the marker that stands at `place`, 0 where none does."""
        return next((place + len(one) for one in markers if tuple(ids[place : place + len(one)]) == one), 0)


def copied(ids: Sequence[int], answers: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Places of answers whose token has always followed the one before it, in this row: what mere copying gives."""
    followers: defaultdict[int, set[int]] = defaultdict(set)
    wanted = {place for start, stop in answers for place in range(start, stop)}
    found = []
    for place in range(1, len(ids)):
        known = followers[ids[place - 1]]
        if place in wanted and known == {ids[place]}:
            found.append(place)
        known.add(ids[place])
    return frozenset(found)
