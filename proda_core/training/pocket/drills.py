"""Drills on looking back, and guesses: choices whose text is withheld, answered in form all the same.

Copying what follows a name is learnt early; finding the start of the statement that a name ends is not, so in drills names
are often single words and questions often the bare name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from proda_core.general.names import Family, NameSource
from proda_core.general.questions import Kind, capital
from proda_core.general.tasks import build_question
from proda_core.general.worlds import Shape, build_world
from proda_core.layout import context_prompt
from proda_core.training.pocket.fillers import COMMONEST, with_fillers

_COMMON = 4000
_ENOUGH = COMMONEST + 200
_ENDINGS = (
    "{n}",
    "{n}",
    "Which statement ends with {n}?",
    "Give the sentence that ends in {n}.",
    "What comes before {n}?",
    "{n} is at the end of which sentence?",
    "Find {n} at the end of a statement.",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One user text and the answer to learn."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class CommonWord:
    """Names of one common word."""

    words: tuple[str, ...]

    def __call__(self, rng: Random) -> str:
        return rng.choice(self.words[COMMONEST:_COMMON])


def drill(rng: Random, family: Family, *, names: NameSource, words: tuple[str, ...]) -> list[Turn]:
    """A few statements told once, then each asked for by the name that it ends with; names are plain words or any."""
    plain = rng.random() < 0.5 and len(words) >= _ENOUGH
    source = NameSource((CommonWord(words),), (1.0,)) if plain else names
    world = build_world(rng, family, Shape((1,) * rng.randint(2, 4), 0, 0.0), names=source)
    turns: list[Turn] = []
    for fact in rng.choices(world.facts, k=rng.randint(2, 4)):
        question = capital(rng.choice(_ENDINGS).format(n=fact.surface[1]))
        turns.append(Turn(question if turns else context_prompt(world.text, question), fact.sentence))
    return turns


def guess(rng: Random, family: Family, *, names: NameSource, words: Sequence[str]) -> list[Turn]:
    """A choice whose text is withheld, with fillers: nothing tells which option is right.

    A student that has met only answerable questions breaks off, or invents an option, when it is asked by heart.
    """
    world, question = build_question(rng, family, Kind.BY_HEART, difficulty=1, names=names)
    return [Turn(with_fillers(rng, question.text, names=world.names, words=words), question.answer)]
