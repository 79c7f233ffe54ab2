"""The template family of Probes, used for nothing else: frames around Φ's own question words.

``{q}`` is a bare question, ``{d}`` a definition's body, ``{n}`` a term, ``{start}`` the term that a chain of thought
sets out from.
"""

from __future__ import annotations

from dataclasses import dataclass

from proda_core.phi import RelationType


@dataclass(frozen=True, slots=True)
class ChainFrame:
    """``opening`` says the first relation, ``link`` each inner one, ``closing`` the last; ``{v}`` is a relation type's phrase."""

    opening: str
    link: str
    closing: str


CHAIN_FORWARD = (
    ChainFrame(
        "{known} {v} one notion",
        ", which {v} a notion",
        ", which {v} the final notion. Name the final notion.",
    ),
    ChainFrame(
        "recall what {known} {v}", ", then what that {v}", ", and then what that {v}. What comes last?"
    ),
    ChainFrame(
        "{known} {v} something; ", "it {v} something; ", "it {v} the thing wanted. Which thing is wanted?"
    ),
)
CHAIN_BACKWARD = (
    ChainFrame(
        "the first notion {v} one notion",
        ", which {v} a notion",
        ", which {v} {known}. Name the first notion.",
    ),
    ChainFrame("recall what {v} something", " that {v} something", " that {v} {known}. What comes first?"),
    ChainFrame(
        "the thing wanted {v} something; ", "it {v} something; ", "it {v} {known}. Which thing is wanted?"
    ),
)

CHOICE = ("From memory: {q}", "You may know this: {q}")
RECALL = "Please recall: {q}"
IN_CHAIN = "Reason on from {start}: where do two steps lead?"
MEANING_CHOICE = ("From memory: which of these is {d}?", "You may know this: which name stands for {d}?")
MEANING_OF = ("From memory: what is meant by {n}?", "You may know this: what is meant by {n}?")
MEANING_RECALL = "Please recall: what is the name for {d}?"
CHAINS = (*CHAIN_FORWARD, *CHAIN_BACKWARD)
FAMILY = (*CHOICE, RECALL, IN_CHAIN, *MEANING_CHOICE, *MEANING_OF, MEANING_RECALL)


def ask_object(type_: RelationType, subject: str) -> str:
    """The question for the object, first letter lower: it always follows a frame's opening."""
    return _lower(type_.question.format(s=subject))


def ask_subject(type_: RelationType, object_: str) -> str:
    """The question for the subject."""
    return _lower(type_.inverse_question.format(o=object_))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
