"""Openers: a few words before a question that say what it is about and are no part of what is asked.

Questions on real text open so; a student that has never met an opener takes its words for the name to set out from.
"""

from random import Random

_PREPOSITIONS = (
    "in",
    "on",
    "for",
    "with",
    "within",
    "under",
    "at",
    "over",
    "across",
    "among",
    "around",
    "by",
)
_FRAMES = (
    *["{p} {t}, "] * 3,
    "{p} the {t}, ",
    "{t}: ",
    "{t}; ",
    "{t} - ",
    "as to {t}: ",
    "about {t}: ",
    "on the matter of {t}, ",
    "this is on {t}. ",
    "{p} {t} we ask: ",
)


def with_opener(rng: Random, question: str, topic: str) -> str:
    """The question behind an opener that speaks of a topic; only the case of its own first letter changes."""
    opener = rng.choice(_FRAMES).format(p=rng.choice(_PREPOSITIONS), t=topic)
    kept = question if opener.endswith(". ") else question[:1].lower() + question[1:]
    return opener[:1].upper() + opener[1:] + kept
