"""Drills: conversations in which nearly every answer turns on looking back, from a name to what stood before it.

Copying what follows a name is learnt early; finding the letter before it, or the start of the statement that it ends, is
learnt late or never unless much practised. Names are often single words here and questions often the bare name.
"""

from dataclasses import dataclass
from random import Random

from proda_core.general.names import Family, NameSource
from proda_core.general.phrasings import phrasings_of
from proda_core.general.questions import capital
from proda_core.general.worlds import Shape, build_world
from proda_core.layout import LETTERS, choice_prompt, context_prompt

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
    """A drill on option letters or on the ends of statements, with plain or with any names."""
    plain = rng.random() < 0.5 and len(words) >= _ENOUGH
    source = NameSource((CommonWord(words),), (1.0,)) if plain else names
    return _letters(rng, family, source) if rng.random() < 0.5 else _ends(rng, family, source)


def _letters(rng: Random, family: Family, names: NameSource) -> list[Turn]:
    """Options told once, then names asked for by letter and letters by name."""
    forms = phrasings_of(family)
    options = names.draw(rng, family, count=rng.choice((2, 3, 4, 4, 4)))
    turns: list[Turn] = []
    for place in rng.choices(range(len(options)), k=rng.randint(4, 8)):
        matches = rng.random() < 0.85
        known, sought = (options[place], LETTERS[place]) if matches else (LETTERS[place], options[place])
        template = "{n}" if rng.random() < 0.5 else rng.choice(forms.matches if matches else forms.picks)
        question = capital(template.format(n=known))
        turns.append(Turn(question if turns else choice_prompt(question, options), sought))
    return turns


def _ends(rng: Random, family: Family, names: NameSource) -> list[Turn]:
    """A few statements told once, then each asked for by the name that it ends with."""
    shape = Shape((1,) * rng.randint(2, 4), 0, 0.0)
    world = build_world(rng, family, shape, names=names)
    turns: list[Turn] = []
    for fact in rng.choices(world.facts, k=rng.randint(2, 4)):
        question = capital(rng.choice(_ENDINGS).format(n=fact.surface[1]))
        turns.append(Turn(question if turns else context_prompt(world.text, question), fact.sentence))
    return turns
