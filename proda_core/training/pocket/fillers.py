"""Fillers: words put between the words of a question, so that a name is told by the text that states it and not by the template.

A student that has met a dozen templates looks for the name where they have it: asked in other words it copies a piece of those.
"""

import re
from collections.abc import Sequence
from random import Random

from proda_core.general.chains import HOPS
from proda_core.general.openers import with_opener
from proda_core.general.questions import Kind

COMMONEST = 200  # words, of which no name begins or ends
# Kinds whose questions quote no statement.
FILLED = frozenset({*HOPS, Kind.OPEN, Kind.CHOICE, Kind.CHOICE_COT, Kind.RECALL, Kind.BY_HEART})
_COUNTS = (0, 0, 1, 1, 2, 3)
_AS_FIRST = 0.35
_COMMON = 2000
_COMMONEST_SHARE = 0.6
_OPENED = 0.4


def with_fillers(rng: Random, asked: str, *, names: Sequence[str], words: Sequence[str]) -> str:
    """A user text whose question, the first line after its last empty one, has up to three words more, none inside a name,
    and may stand behind an opener.
    """
    head, gap, question = asked.rpartition("\n\n")
    line, newline, options = question.partition("\n")
    for _ in range(rng.choice(_COUNTS)):
        pool = words[:COMMONEST] if rng.random() < _COMMONEST_SHARE else words[:_COMMON]
        place = 0 if rng.random() < _AS_FIRST else rng.choice(_gaps(line, names))
        line = f"{line[:place]}{rng.choice(pool)} {line[place:]}"
    if rng.random() < _OPENED:
        topic = " ".join(rng.choices(words, k=rng.choice((1, 1, 2))))
        line = with_opener(rng, line, topic)
    return f"{head}{gap}{line}{newline}{options}"


def _gaps(line: str, names: Sequence[str]) -> list[int]:
    """Where words of a line begin, those inside its names left out."""
    inside = {
        place
        for name in names
        for found in re.finditer(re.escape(name), line, re.IGNORECASE)
        for place in range(found.start() + 1, found.end())
    }
    return [0, *(found.end() for found in re.finditer(" ", line) if found.end() not in inside)]
