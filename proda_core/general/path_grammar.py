"""Questions along relations, put together at random from small parts: more arrangements than any list of templates holds.

A student that has met twenty ways to ask looks for the known name where those twenty have it. All of these belong to the train
family; what asks in them is no part of a heldout form, of an item or of a patch.
"""

from random import Random

from proda_core.general.forms import PathForm
from proda_core.general.questions import capital

_OPENINGS = (
    *[""] * 8,
    "here, ",
    "say that ",
    "suppose ",
    "as told, ",
    "we read that ",
    "think of this: ",
    "now, ",
    "a puzzle: ",
    "given that ",
    "look: ",
)
_NOUNS = (
    "thing",
    "link",
    "name",
    "piece",
    "member",
    "point",
    "part",
    "something",
    "step",
    "matter",
    "notion",
    "body",
)
_FIRST = ("a {noun}", "one {noun}", "some {noun}", "a certain {noun}", "a single {noun}")
_NEXT = ("a second {noun}", "one more {noun}", "a further {noun}", "some other {noun}", "its own {noun}")
_WHO = ("that", "which")
_BACK = ("this", "that", "it", "the same", "this {noun}", "that {noun}", "the {noun}", "that one")
_JOINTS = (", ", "; ", ". ", ", and ", ", then ", " and ", ". Then ", ", while ", ". Also, ")
_ASKED = (
    "what",
    "which one",
    "which thing",
    "which {noun}",
    "what {noun}",
    "which of them",
    "which of those",
)
_GOALS = (
    "the goal",
    "the one wanted",
    "the one asked for",
    "the missing {noun}",
    "the name to find",
    "the unknown {noun}",
)
_CALLS = (
    "What is {goal}?",
    "Name {goal}.",
    "Find {goal}.",
    "Which one is {goal}?",
    "Tell us {goal}.",
    "Say what {goal} is.",
)
_COMMANDS = ("name", "find", "tell us", "say", "give", "think of")


def composed_path(rng: Random, *, forward: bool) -> PathForm:
    """A form: one relation inside the other, or told one after another with the question at the end."""
    return (_nested if rng.random() < 0.5 else _told)(rng, forward=forward)


def _nested(rng: Random, *, forward: bool) -> PathForm:
    """ "X leads to a thing that is part of what?", and "which one leads to a thing that is part of X?"."""
    noun, who, opening = rng.choice(_NOUNS), rng.choice(_WHO), rng.choice(_OPENINGS)
    between = f" {who} {{vp}} {_thing(_FIRST, rng, noun)}"
    if forward:
        asked = rng.choice(_ASKED).format(noun=noun)
        first = f"{opening}{{a}} {{vp}} {_thing(_FIRST, rng, noun)}"
        return PathForm(capital(first), between, f" {who} {{vp}} {asked}?")
    if rng.random() < 0.4:
        command = f"{rng.choice(_COMMANDS)} the {_plain(noun)} {who} {{vp}} {_thing(_FIRST, rng, noun)}"
        return PathForm(capital(opening + command), between, f" {who} {{vp}} {{a}}.")
    asked = rng.choice(_ASKED).format(noun=noun)
    return PathForm(
        capital(f"{opening}{asked} {{vp}} {_thing(_FIRST, rng, noun)}"), between, f" {who} {{vp}} {{a}}?"
    )


def _told(rng: Random, *, forward: bool) -> PathForm:
    """One relation after another: "X leads to one thing; this is part of the goal. Name the goal."."""
    noun, joint, opening = rng.choice(_NOUNS), rng.choice(_JOINTS), rng.choice(_OPENINGS)
    back = rng.choice(_BACK).format(noun=_plain(noun))
    goal = rng.choice(_GOALS).format(noun=_plain(noun))
    call = rng.choice(_CALLS).format(goal=goal)
    start, end = ("{a}", goal) if forward else (goal, "{a}")
    back = capital(back) if joint == ". " else back
    between = f"{joint}{back} {{vp}} {_thing(_NEXT, rng, noun)}"
    return PathForm(
        capital(f"{opening}{start} {{vp}} {_thing(_FIRST, rng, noun)}"),
        between,
        f"{joint}{back} {{vp}} {end}. {call}",
    )


def _thing(kinds: tuple[str, ...], rng: Random, noun: str) -> str:
    """An unnamed member of the path."""
    return noun if noun == "something" else rng.choice(kinds).format(noun=noun)


def _plain(noun: str) -> str:
    return "thing" if noun == "something" else noun
