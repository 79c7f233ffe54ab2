"""Lore: a small made-up world that pocket knows by heart, asked for single statements and along chains of them.

A student that has answered from a text alone has no way of recalling; a few minutes on a corpus must then teach it both the facts
and how to look them up in itself. Lore is asked along chains too: guesses, the only other questions without a text, have steps
that are made up. It changes little by little, so that learning new facts is practised to the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from proda_core.general.names import Family, NameSource
from proda_core.general.questions import Asker, Kind, NoQuestionError
from proda_core.general.tasks import ask_on
from proda_core.general.worlds import Shape, World, build_world
from proda_core.training.pocket.drills import Turn
from proda_core.training.pocket.fillers import FILLED, with_fillers

WORLDS = 200  # of four statements each
LIFE = 160  # pools that a world lasts: some two hundred askings of each statement
_SHAPES = (Shape((2, 1), 1, 0.0), Shape((3,), 1, 0.0))
_KINDS = (
    (Kind.OPEN, 2.0),
    (Kind.CHOICE, 1.5),
    (Kind.TRUEFALSE, 0.7),
    (Kind.CHOICE_COT, 2.0),
    (Kind.RECALL, 1.5),
    (Kind.CLOZE, 1.0),
    (Kind.SEVERAL, 1.0),
    (Kind.CHAIN2, 1.5),
    (Kind.CHAIN3, 0.7),
    (Kind.CHAIN_CHOICE2, 2.0),
    (Kind.CHAIN_CHOICE3, 1.0),
)


@dataclass(frozen=True, slots=True)
class Lore:
    """The lore as it stands in one pool of rows of a seed."""

    seed: int
    pool: int
    family: Family
    names: NameSource

    def world(self, number: int) -> World:
        """World `number`, 0 to WORLDS - 1; each has its own pool in which it gives way to a new one."""
        return _world(
            self.seed, number, (self.pool + number * LIFE // WORLDS) // LIFE, self.family, self.names
        )

    def turns(self, rng: Random, *, words: Sequence[str]) -> list[Turn]:
        """Two to five questions on as many worlds, none of which is told."""
        kinds, weights = zip(*_KINDS, strict=True)
        made: list[Turn] = []
        for number in rng.sample(range(WORLDS), k=rng.randint(2, 5)):
            world, kind = self.world(number), rng.choices(kinds, weights)[0]
            try:
                question = ask_on(Asker(rng, self.names), world, kind)
            except NoQuestionError:
                continue
            text = question.text
            if kind in FILLED:
                text = with_fillers(rng, text, names=world.names, words=words)
            made.append(Turn(text, question.answer))
        return made or self.turns(rng, words=words)


@cache
def _world(seed: int, number: int, age: int, family: Family, names: NameSource) -> World:
    return build_world(Random(f"lore:{seed}:{number}:{age}"), family, _SHAPES[number % 2], names=names)
