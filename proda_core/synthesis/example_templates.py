"""The template family of initial Examples, used for nothing else: how a single fact is asked, judged and told.

Question words come from Φ's own verbalisations, so that a type added to the table can be asked at once; the frames around
them, which name the discipline, are this family's. ``{d}`` is the discipline, ``{q}`` a bare question, ``{s}`` a statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proda_core.disciplines import discipline_name
from proda_core.general.wordings import Wording
from proda_core.phi import RelationType

QA_FRAMES = ("In {d}, {q}", "{D}: {q}", "In the study of {d}, {q}", "A question of {d}: {q}")
CHOICE_FRAMES = ("In {d}, {q}", "{D}: {q}", "Choose for {d}: {q}", "From {d}: {q}")
TRUTH_FRAMES = (
    "In {d}, is it true or false? {s}",
    "{D}, true or false: {s}",
    "True or false in {d}? {s}",
    "Judge for {d}, true or false. {s}",
)
ABOUT_FRAMES = (
    "In {d}, what is known about {n}?",
    "{D}: state what holds of {n}.",
    "What does {d} say about {n}?",
)
DEFINE_FRAMES = ("In {d}, what is meant by {n}?", "{D}: define {n}.")
TERM_FRAMES = ("In {d}, which of these means the following? {s}", "{D}: which of these is defined so? {s}")
NAME_ONE = "Name one thing in {d}: {q}"
TURN_FRAMES = ("{D}, in turn: {q}", "In {d}, one after the other: {q}", "Answer each for {d}. {q}")
FAMILY = (
    *QA_FRAMES,
    *CHOICE_FRAMES,
    *TRUTH_FRAMES,
    *ABOUT_FRAMES,
    *DEFINE_FRAMES,
    *TERM_FRAMES,
    NAME_ONE,
    *TURN_FRAMES,
)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to word a type: a statement template, and the phrase between its two ends (inverted: object first)."""

    statement: str
    wording: Wording

    def ask_object(self, subject: str, what: str) -> str:
        return (
            self.wording.ask_before(subject, what)
            if self.wording.inverted
            else self.wording.ask_after(subject, what)
        )

    def ask_subject(self, object_: str, what: str) -> str:
        return (
            self.wording.ask_after(object_, what)
            if self.wording.inverted
            else self.wording.ask_before(object_, what)
        )


def forms_of(row: RelationType) -> tuple[Form, ...]:
    """The wordings of a type that a question can be made from, the canonical one first."""
    found: list[Form] = []
    for statement in (row.statement, *row.verbalisations):
        for first, last in (("{s}", "{o}"), ("{o}", "{s}")):
            if statement.startswith(f"{first} ") and statement.endswith(f" {last}."):
                phrase = statement.removeprefix(first).removesuffix(f"{last}.").strip()
                if phrase.split()[0] != "and":
                    found.append(Form(statement, Wording(phrase, inverted=first == "{o}")))
    return tuple(found)


def frame(template: str, discipline: str, **parts: str) -> str:
    """A frame filled; of an unknown discipline the bare question or statement is left, a name asked after in full."""
    name = discipline_name(discipline)
    if name:
        return template.format(d=name, D=name[:1].upper() + name[1:], **parts)
    return _UNFRAMED[template].format(**parts) if template in _UNFRAMED else parts["q"]


_UNFRAMED: Mapping[str, str] = {
    **dict.fromkeys(TURN_FRAMES, "Answer each. {q}"),
    **dict.fromkeys(TRUTH_FRAMES, "Is it true or false? {s}"),
    **dict.fromkeys(ABOUT_FRAMES, "State what holds of {n}."),
    **dict.fromkeys(DEFINE_FRAMES, "Define {n}."),
    **dict.fromkeys(TERM_FRAMES, "Which of these is defined so? {s}"),
}
