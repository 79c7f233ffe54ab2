"""By heart: a choice whose text is withheld, so that nothing tells which option is right and only the form can be learnt.

Memory is hazy now and then: the reply's last step then names something like the right option, or like none, and the reply
concludes on an option all the same. Without such rows a student learns to repeat its last step, garbled or not.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from proda_core.general.openers import with_opener
from proda_core.general.questions import Asker, Kind, Question
from proda_core.general.worlds import World
from proda_core.layout import LETTERS

_HAZY = 0.5
_OPENED = 0.5
_CONCLUSION = "Answer: "


def by_heart(asker: Asker, world: World, question: Question) -> Question:
    """A choice asked with its text as one asked without, half of them remembered hazily, half behind an opener."""
    text, answer = question.text, question.answer
    if asker.rng.random() < _OPENED:
        text = with_opener(asker.rng, text, asker.names.draw(asker.rng, world.family, count=1)[0])
    if asker.rng.random() < _HAZY:
        gold = question.options[LETTERS.index(question.gold)]
        fresh = asker.names.draw(asker.rng, world.family, count=1)[0]
        steps, _, conclusion = answer.rpartition(_CONCLUSION)
        hazy = fresh if asker.rng.random() < 0.5 else _garbled(asker.rng, gold, fresh)
        steps = re.sub(rf"\b{re.escape(gold)}\b", hazy, steps, flags=re.IGNORECASE)
        answer = f"{steps}{_CONCLUSION}{conclusion}"
    return replace(question, kind=Kind.BY_HEART, text=text, answer=answer)


def _garbled(rng: Random, name: str, other: str) -> str:
    """A name like another: one of its words exchanged or left out, or its end exchanged where it is a single word."""
    words, strange = name.split(), other.split()
    if len(words) == 1:
        return _joined_halves(name, strange[-1])
    place = rng.randrange(len(words))
    return " ".join((*words[:place], *_perhaps(rng, rng.choice(strange)), *words[place + 1 :]))


def _joined_halves(first: str, second: str) -> str:
    """The beginning of one word and the end of another."""
    return first[: (len(first) + 1) // 2] + second[len(second) // 2 :]


def _perhaps(rng: Random, word: str) -> Sequence[str]:
    return (word,) if rng.random() < 0.6 else ()
