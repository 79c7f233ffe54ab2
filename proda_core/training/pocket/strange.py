"""Strange wordings: the relation phrases of a conversation replaced by made-up ones, alike in all of its texts.

A student that has met ten phrases learns those ten; one that also meets phrases nobody uses learns to copy and compare
whatever stands between two names. Only phrases that the world states are replaced, each by one of the same form.
"""

from collections.abc import Sequence
from random import Random

from proda_core.general.worlds import World

_PREPOSITIONS = (
    "",
    "",
    "to",
    "of",
    "with",
    "for",
    "from",
    "on",
    "by",
    "in",
    "at",
    "over",
    "against",
    "under",
)


def strange_phrases(rng: Random, world: World, words: Sequence[str]) -> dict[str, str]:
    """Replacements for the stated phrases and for their question forms, longest first."""
    found: dict[str, str] = {}
    for phrase in sorted({fact.wording.phrase for fact in world.facts}, key=len, reverse=True):
        head, _, rest = phrase.partition(" ")
        if head in ("is", "cannot"):
            tail = _tail(rng, words)
            found[f" {phrase} "] = f" {head} {tail} "
            found[f" {rest}?"] = f" {tail}?"
        else:
            verb = rng.choice(words).removesuffix("s")
            tail = _spaced(_complement(rng, words))
            found[f" {phrase} "] = f" {verb}s{tail} "
            found[f" {_question_form(world, phrase)}?"] = f" {verb}{tail}?"
    return found


def _tail(rng: Random, words: Sequence[str]) -> str:
    """What follows *is*: a participle or noun in a made-up use, closed by a preposition."""
    word, preposition = rng.choice(words), rng.choice(_PREPOSITIONS) or "of"
    form = rng.choice(
        ("{w} {p}", "{w} {p}", "{w} {p}", "a {w} {p}", "the {w} {p}", "{q} {w} {p}", "{w} {q} {o} {p}")
    )
    return form.format(w=word, p=preposition, q=rng.choice(_PREPOSITIONS) or "in", o=rng.choice(words))


def _complement(rng: Random, words: Sequence[str]) -> str:
    """What follows a made-up verb: nothing, a preposition, or a noun of its own."""
    preposition = rng.choice(_PREPOSITIONS)
    if rng.random() < 0.75:
        return preposition
    article = rng.choice(("its", "the", "a"))
    return f"{article} {rng.choice(words)} {preposition or 'to'}"


def _spaced(text: str) -> str:
    return f" {text}" if text else ""


def reworded(text: str, phrases: dict[str, str]) -> str:
    """The text with every phrase replaced."""
    for old, new in phrases.items():
        text = text.replace(old, new)
    return text


def _question_form(world: World, phrase: str) -> str:
    """The phrase as it stands at the end of a question ("lead to" for "leads to")."""
    wording = next(fact.wording for fact in world.facts if fact.wording.phrase == phrase)
    return wording.ask_after("x").removeprefix("what does x ").removesuffix("?")
