"""The order in which pocket meets its tasks: short contexts first, then more chains, more hops, more distractors.

A level is left when the student gives most of its answers without a single wrong token, or when its share of the
budget is spent, whichever comes first.
"""

from dataclasses import dataclass

from proda_core.general.questions import Kind


@dataclass(frozen=True, slots=True)
class Level:
    """What rows of a level are like, and when the next begins.

    `drills` is the share of rows that are drills, `more_turns` the fewest and the most questions after the first.
    """

    number: int
    difficulties: tuple[float, ...]
    more_turns: tuple[int, int]
    mix: tuple[tuple[Kind, float], ...]
    drills: float
    until_progress: float
    until_right: float

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of the level."""
        return tuple(kind for kind, _ in self.mix)

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of its kinds."""
        return tuple(weight for _, weight in self.mix)


_FIRST = (
    (Kind.COPY, 3.0),
    (Kind.CLOZE, 2.0),
    (Kind.OPEN, 3.0),
    (Kind.RECALL, 3.0),
    (Kind.SEVERAL, 2.0),
    (Kind.CHOICE, 1.0),
    (Kind.CHOICE_COT, 2.0),
    (Kind.TRUEFALSE, 1.0),
    (Kind.CHAIN2, 2.0),
    (Kind.CHAIN_CHOICE2, 1.5),
)
_MIDDLE = (
    (Kind.COPY, 1.0),
    (Kind.CLOZE, 1.0),
    (Kind.OPEN, 2.0),
    (Kind.RECALL, 1.5),
    (Kind.LISTING, 0.7),
    (Kind.SEVERAL, 1.5),
    (Kind.CHOICE, 2.0),
    (Kind.CHOICE_COT, 2.5),
    (Kind.TRUEFALSE, 2.0),
    (Kind.CHAIN2, 2.5),
    (Kind.CHAIN3, 1.5),
    (Kind.CHAIN_CHOICE2, 3.5),
    (Kind.CHAIN_CHOICE3, 2.5),
)
_LAST = (
    (Kind.COPY, 0.7),
    (Kind.CLOZE, 0.8),
    (Kind.OPEN, 2.0),
    (Kind.RECALL, 1.2),
    (Kind.LISTING, 0.8),
    (Kind.SEVERAL, 1.2),
    (Kind.CHOICE, 2.5),
    (Kind.CHOICE_COT, 2.0),
    (Kind.TRUEFALSE, 2.5),
    (Kind.CHAIN2, 1.8),
    (Kind.CHAIN3, 2.0),
    (Kind.CHAIN4, 0.7),
    (Kind.CHAIN_CHOICE2, 3.5),
    (Kind.CHAIN_CHOICE3, 4.0),
    (Kind.CHAIN_CHOICE4, 1.3),
)
LEVELS = (
    Level(0, (1.0,), (3, 5), _FIRST, 0.2, 0.15, 0.9),
    Level(1, (0.3, 0.7), (2, 5), _MIDDLE, 0.15, 0.35, 0.9),
    Level(2, (0.15, 0.25, 0.6), (2, 5), _MIDDLE, 0.15, 0.6, 0.9),
    Level(3, (0.1, 0.15, 0.3, 0.45), (0, 5), _LAST, 0.15, 1.0, 1.0),
)


def level_after(number: int, *, progress: float, right: float) -> int:
    """The level to go on with, given the share of the budget spent and of answers that are right."""
    level = LEVELS[number]
    moves = progress >= level.until_progress or right >= level.until_right
    return min(number + moves, len(LEVELS) - 1)
