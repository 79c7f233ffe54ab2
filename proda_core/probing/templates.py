"""The template family of Probes, used for nothing else: frames around Φ's own question words.

``{q}`` is a bare question, ``{d}`` a definition's body, ``{n}`` a term, ``{start}`` the term that a chain of thought
sets out from.
"""

from __future__ import annotations

from proda_core.phi import RelationType

CHOICE = ("From memory: {q}", "You may know this: {q}")
RECALL = "Please recall: {q}"
IN_CHAIN = "Reason on from {start}: where do two steps lead?"
MEANING_CHOICE = ("From memory: which of these is {d}?", "You may know this: which name stands for {d}?")
MEANING_OF = ("From memory: what is meant by {n}?", "You may know this: what is meant by {n}?")
MEANING_RECALL = "Please recall: what is the name for {d}?"
FAMILY = (*CHOICE, RECALL, IN_CHAIN, *MEANING_CHOICE, *MEANING_OF, MEANING_RECALL)


def ask_object(type_: RelationType, subject: str) -> str:
    """The question for the object, first letter lower: it always follows a frame's opening."""
    return _lower(type_.question.format(s=subject))


def ask_subject(type_: RelationType, object_: str) -> str:
    """The question for the subject."""
    return _lower(type_.inverse_question.format(o=object_))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
