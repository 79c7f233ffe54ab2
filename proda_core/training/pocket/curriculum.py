"""The order in which pocket meets its tasks: short contexts first, then more chains, more hops, more distractors.

A level is left when its share of the budget is spent.
"""

from dataclasses import dataclass

from proda_core.general.questions import Kind


@dataclass(frozen=True, slots=True)
class Level:
    """What rows of a level are like, and when the next begins.

    `drills` is the share of rows that are drills, `lore` that of the others on lore, `guesses` that of the rest that are guesses;
    `more_turns` are the fewest and the most questions after the first; `batch` is the share of the plan's batch that a step
    takes: what is common to nearly all rows is learnt from few of them.
    """

    number: int
    difficulties: tuple[float, ...]
    more_turns: tuple[int, int]
    mix: tuple[tuple[Kind, float], ...]
    drills: float
    lore: float
    guesses: float
    until: float
    batch: float = 1.0

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of the level."""
        return tuple(kind for kind, _ in self.mix)

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of its kinds."""
        return tuple(weight for _, weight in self.mix)


_SINGLE = (
    (Kind.COPY, 3.0),
    (Kind.CLOZE, 2.0),
    (Kind.OPEN, 2.0),
    (Kind.RECALL, 3.0),
    (Kind.SEVERAL, 2.0),
)
_FIRST = (
    (Kind.COPY, 1.5),
    (Kind.CLOZE, 1.0),
    (Kind.OPEN, 2.5),
    (Kind.RECALL, 2.0),
    (Kind.SEVERAL, 1.0),
    (Kind.CHOICE, 1.5),
    (Kind.CHOICE_COT, 2.5),
    (Kind.TRUEFALSE, 1.5),
    (Kind.CHAIN2, 3.0),
    (Kind.CHAIN3, 1.0),
    (Kind.CHAIN_CHOICE2, 2.0),
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
    (Kind.CLOZE, 1.6),
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
    Level(0, (1.0,), (3, 5), _SINGLE, drills=0.5, lore=0.1, guesses=0.0, until=0.1, batch=0.5),
    Level(1, (0.5, 0.5), (3, 5), _FIRST, drills=0.2, lore=0.12, guesses=0.03, until=0.25, batch=0.5),
    Level(2, (0.2, 0.3, 0.5), (2, 5), _MIDDLE, drills=0.12, lore=0.18, guesses=0.03, until=0.5),
    Level(3, (0.1, 0.25, 0.3, 0.35), (1, 5), _LAST, drills=0.08, lore=0.2, guesses=0.04, until=1.0),
)


def level_at(spent: float) -> int:
    """The number of the level at a share of the budget, 0 to 1."""
    return next((level.number for level in LEVELS if spent < level.until), LEVELS[-1].number)
