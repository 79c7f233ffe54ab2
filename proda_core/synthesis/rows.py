"""Writing one training row: its messages, its content ID, and the lineage that the guard will derive from its text.

A row is declared by deriving, never by claiming: ``RowWriter`` asks the guard's own index, so declared equals derived. Rows that
are too long or not contextualized are refused with a reason, which the data report counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proda_core.disciplines import discipline_name
from proda_core.guard.general_rows import example_id
from proda_core.guard.lineage import LineageIndex
from proda_core.types import Example, ExampleKind, Format, Lineage, Message

MAX_ROW_WORDS = 110  # a choice with a chain of thought of three steps
_DANGLING = re.compile(r"(this|that|these|those|it|they|he|she|such)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RowText:
    """What a row says. ``about`` is the concept a definition row is about; ``chain_id`` a chain of the graph it walks."""

    kind: ExampleKind
    format: Format
    question: str
    answer: str
    template: str
    discipline: str
    about: str = ""
    chain_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not written, and why."""

    reason: str
    template: str


class RowWriter:
    """Rows over one snapshot."""

    def __init__(self, index: LineageIndex) -> None:
        self.index = index

    def write(self, row: RowText) -> Example | Refused:
        """The Example, or why there is none."""
        messages = (Message("user", _capital(row.question)), Message("assistant", row.answer))
        text = "\n".join(m.content for m in messages)
        if reason := self._refusal(row, text):
            return Refused(reason, row.template)
        if row.kind is ExampleKind.DEFINITION:
            derived = self.index.derive_definition(row.about, text)
        else:
            derived = self.index.derive(text)
            if not derived.l2_ids:
                return Refused("states_no_relation", row.template)
        lineage = Lineage(derived.l1_ids, derived.l2_ids, row.chain_id, row.template)
        key = example_id(row.kind, row.format, messages)
        return Example(key, row.kind, row.format, messages, lineage, row.discipline)

    def _refusal(self, row: RowText, text: str) -> str:
        if len(text.split()) > MAX_ROW_WORDS:
            return "too_long"
        return context_failure(row.question, row.discipline, self.index)


def context_failure(question: str, discipline: str, index: LineageIndex) -> str:
    """Why a question cannot be answered from itself, or "": it must name a concept and its discipline and not dangle."""
    if _DANGLING.match(question):
        return "dangling_pronoun"
    if discipline_name(discipline) not in question.casefold():
        return "names_no_discipline"
    return "" if index.mentions(question) else "names_no_concept"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
