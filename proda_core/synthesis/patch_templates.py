"""The template family of Patches (and scaffold), used for nothing else: walks asked in steps, and contrasts.

A walk's question names its discipline and one end. ``{known}`` is that end, ``{v}`` a relation type's phrase; each template has
an opening, a link for each inner relation and a closing, in chain order. Words differ from every item's.
"""

from __future__ import annotations

from dataclasses import dataclass

from proda_core.disciplines import discipline_name
from proda_core.phi import PHI
from proda_core.synthesis.questions import ChainQuestion


@dataclass(frozen=True, slots=True)
class WalkTemplate:
    """``opening`` says the first relation, ``link`` each inner one, ``closing`` the last; ``{w}`` is what or which option."""

    name: str
    opening: str
    link: str
    closing: str


FORWARD = (
    WalkTemplate(
        "patch.forward.things",
        "{known} {v} a first thing",
        " and this {v} a next thing",
        " and this {v} a last thing. {W} is the last thing?",
    ),
    WalkTemplate(
        "patch.forward.which",
        "{known} {v} a certain thing",
        " which {v} a further thing",
        " which in turn {v} {w}?",
    ),
    WalkTemplate(
        "patch.forward.steps",
        "go from {known} to what it {v}",
        ", on to what that {v}",
        ", and stop at what that {v}. {W} is there?",
    ),
    WalkTemplate(
        "patch.forward.goal",
        "suppose {known} {v} a link",
        ", the link {v} a further link",
        ", and the link before the goal {v} the goal. {W} is the goal?",
    ),
)
BACKWARD = (
    WalkTemplate(
        "patch.backward.things",
        "a first thing {v} a next thing",
        " and this {v} a next thing",
        " and this {v} {known}. {W} is the first thing?",
    ),
    WalkTemplate(
        "patch.backward.which",
        "{w} {v} a certain thing",
        " which {v} a further thing",
        " which in turn {v} {known}?",
    ),
    WalkTemplate(
        "patch.backward.goal",
        "suppose the goal {v} a link",
        ", the link {v} a further link",
        ", and the link nearest the end {v} {known}. {W} is the goal?",
    ),
)
CONTRAST_FRAMES = (
    "In {d}, tell {a} and {b} apart: what holds of each?",
    "{D}: set {a} against {b}.",
)
REWORDED_FRAMES = (
    "Keep this apart from its neighbours in {d}: {q}",
    "With care, in {d}: {q}",
    "Answer from {d} with a full statement: {q}",
)
NEAR_FRAMES = ("Among near terms of {d}, {q}", "In {d}, only one of these close terms fits: {q}")
NEAR_TRUTH_FRAMES = (
    "Is this so in {d}, true or false? {s}",
    "Check this claim of {d}, true or false. {s}",
)
FAMILY = (*FORWARD, *BACKWARD)
FRAMES = (*CONTRAST_FRAMES, *REWORDED_FRAMES, *NEAR_FRAMES, *NEAR_TRUTH_FRAMES)


def ask_along(
    template: WalkTemplate, question: ChainQuestion, known: str, discipline: str, *, lettered: bool
) -> str:
    """The question of a walk, opened by its discipline."""
    phrases = [_phrase(type_) for type_ in question.types]
    parts = [template.opening, *([template.link] * (len(phrases) - 2)), template.closing]
    words = {"w": "which option", "W": "Which option"} if lettered else {"w": "what", "W": "What"}
    body = "".join(part.format(known=known, v=v, **words) for part, v in zip(parts, phrases, strict=True))
    name = discipline_name(discipline)
    return f"Within {name}, {body}" if name else body[:1].upper() + body[1:]


def patch_frame(template: str, discipline: str, **parts: str) -> str:
    """A frame filled; of an unknown discipline it speaks of the text's field."""
    name = discipline_name(discipline) or "this field"
    return template.format(d=name, D=name[:1].upper() + name[1:], **parts)


def _phrase(type_: str) -> str:
    return PHI[type_].statement.removeprefix("{s} ").removesuffix(" {o}.")
