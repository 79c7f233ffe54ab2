"""The template family of Items, used for nothing else: paths told by their relation types, unnamed in the middle.

A stem names the discipline and one end of the path. ``{known}`` is that end, ``{v}`` a relation type's phrase. Each template
has an opening, a link for each inner relation, and a closing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proda_core.disciplines import discipline_name
from proda_core.phi import PHI, RelationType
from proda_core.synthesis.questions import ChainQuestion


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """``opening`` says the first relation, ``link`` each inner one, ``closing`` the last, in chain order."""

    name: str
    opening: str
    link: str
    closing: str


FORWARD = (
    PathTemplate(
        "item.forward.nested",
        "{known} {v} a concept",
        " that {v} a concept",
        " that {v} which of the following?",
    ),
    PathTemplate(
        "item.forward.told",
        "{known} {v} one concept",
        ", that concept {v} another",
        ", and that concept {v} the answer. Which of the following is the answer?",
    ),
)
BACKWARD = (
    PathTemplate(
        "item.backward.nested",
        "which of the following {v} a concept",
        " that {v} a concept",
        " that {v} {known}?",
    ),
    PathTemplate(
        "item.backward.told",
        "the answer {v} one concept",
        ", that concept {v} another",
        ", and that concept {v} {known}. Which of the following is the answer?",
    ),
)
FAMILY = (*FORWARD, *BACKWARD)


def type_phrase(type_: str, phi: Mapping[str, RelationType] = PHI) -> str:
    """How a type reads between subject and object, e.g. "leads to"."""
    return phi[type_].statement.removeprefix("{s} ").removesuffix(" {o}.")


def write_stem(template: PathTemplate, question: ChainQuestion, known: str, discipline: str) -> str:
    """The stem: "In biology, " (when the discipline is known) and the path."""
    phrases = [type_phrase(type_) for type_ in question.types]
    parts = [template.opening, *([template.link] * (len(phrases) - 2)), template.closing]
    body = "".join(part.format(known=known, v=v) for part, v in zip(parts, phrases, strict=True))
    name = discipline_name(discipline)
    return f"In {name}, {body}" if name else body[:1].upper() + body[1:]
