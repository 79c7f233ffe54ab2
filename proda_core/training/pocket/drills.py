"""Drills on what is learnt late unless it is much practised: looking back, and answering in form without a text.

Copying what follows a name is learnt early; finding the start of the statement that a name ends is not, so here names are often
single words and questions often the bare name. A guess is a choice whose text is withheld: its reply has its form all the same.
"""

from dataclasses import dataclass
from random import Random

from proda_core.general.names import Family, NameSource
from proda_core.general.questions import Kind, capital
from proda_core.general.tasks import build_question
from proda_core.general.worlds import Shape, build_world
from proda_core.layout import context_prompt

_GUESS_SHARE = 0.4
_COMMON = 4000
_ENOUGH = 200
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
        return rng.choice(self.words[:_COMMON])


def drill(rng: Random, family: Family, *, names: NameSource, words: tuple[str, ...]) -> list[Turn]:
    """A drill with plain or with any names."""
    plain = rng.random() < 0.5 and len(words) >= _ENOUGH
    source = NameSource((CommonWord(words),), (1.0,)) if plain else names
    return _guess(rng, family, source) if rng.random() < _GUESS_SHARE else _ends(rng, family, source)


def _guess(rng: Random, family: Family, names: NameSource) -> list[Turn]:
    """A choice whose text is withheld: nothing tells which option is right.

    A student that has met only answerable questions breaks off, or invents an option, when it is asked by heart.
    """
    _, question = build_question(rng, family, Kind.BY_HEART, difficulty=1, names=names)
    return [Turn(question.text, question.answer)]


def _ends(rng: Random, family: Family, names: NameSource) -> list[Turn]:
    """A few statements told once, then each asked for by the name that it ends with."""
    shape = Shape((1,) * rng.randint(2, 4), 0, 0.0)
    world = build_world(rng, family, shape, names=names)
    turns: list[Turn] = []
    for fact in rng.choices(world.facts, k=rng.randint(2, 4)):
        question = capital(rng.choice(_ENDINGS).format(n=fact.surface[1]))
        turns.append(Turn(question if turns else context_prompt(world.text, question), fact.sentence))
    return turns
