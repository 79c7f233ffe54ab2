"""The relation types, one closed table: how each reads, whether it is symmetric and what it composes with.

The first four are the paper's (SPECIALIZATION, CAUSAL, PREREQUISITE, CONTRAST); a configuration may add rows with
``phi_with``. ``composes`` maps the next type on a chain to the type of the joined pair (its closure); a type missing there
may still follow, but the pair then has no single type. A free verb phrase is kept as evidence, never instead of a type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from proda_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RelationType:
    """``statement`` is the canonical verbalisation (and the form of a reasoning step); ``{s}`` subject, ``{o}`` object."""

    name: str
    statement: str
    verbalisations: tuple[str, ...]
    question: str  # asks for the object
    inverse_question: str  # asks for the subject
    symmetric: bool = False
    composes: Mapping[str, str] = field(default_factory=dict)


_TABLE = (
    RelationType(
        "SPECIALIZATION",
        "{s} is a kind of {o}.",
        ("{s} is a type of {o}.", "{s} counts as {o}.", "One kind of {o} is {s}."),
        "What is {s} a kind of?",
        "What is a kind of {o}?",
        composes={
            "SPECIALIZATION": "SPECIALIZATION",
            "CAUSAL": "CAUSAL",
            "PREREQUISITE": "PREREQUISITE",
            "FUNCTION": "FUNCTION",
            "PART_OF": "PART_OF",
        },
    ),
    RelationType(
        "CAUSAL",
        "{s} leads to {o}.",
        ("{s} causes {o}.", "{s} brings about {o}.", "{o} results from {s}."),
        "What does {s} lead to?",
        "What leads to {o}?",
        composes={"CAUSAL": "CAUSAL", "SPECIALIZATION": "CAUSAL"},
    ),
    RelationType(
        "PREREQUISITE",
        "{s} requires {o}.",
        ("{s} depends on {o}.", "{s} needs {o}.", "{o} is required for {s}."),
        "What does {s} require?",
        "What requires {o}?",
        composes={"PREREQUISITE": "PREREQUISITE", "SPECIALIZATION": "PREREQUISITE"},
    ),
    RelationType(
        "CONTRAST",
        "{s} contrasts with {o}.",
        ("{s} differs from {o}.", "{s} is unlike {o}.", "{s} and {o} are opposed."),
        "What does {s} contrast with?",
        "What contrasts with {o}?",
        symmetric=True,
    ),
    RelationType(
        "PART_OF",
        "{s} is part of {o}.",
        ("{s} belongs to {o}.", "{o} contains {s}.", "{o} includes {s}."),
        "What is {s} part of?",
        "What is part of {o}?",
        composes={"PART_OF": "PART_OF", "SPECIALIZATION": "PART_OF"},
    ),
    RelationType(
        "FUNCTION",
        "{s} serves {o}.",
        ("{s} is used for {o}.", "The role of {s} is {o}.", "{o} is the function of {s}."),
        "What does {s} serve?",
        "What serves {o}?",
        composes={"SPECIALIZATION": "FUNCTION", "CAUSAL": "CAUSAL"},
    ),
    RelationType(
        "SEQUENCE",
        "{s} comes before {o}.",
        ("{s} precedes {o}.", "{s} is followed by {o}.", "{o} follows {s}."),
        "What does {s} come before?",
        "What comes before {o}?",
        composes={"SEQUENCE": "SEQUENCE"},
    ),
)

PHI: Mapping[str, RelationType] = MappingProxyType({row.name: row for row in _TABLE})


def phi_with(extra: Iterable[RelationType] = ()) -> Mapping[str, RelationType]:
    """The table with a configuration's additions; a name already taken is a ConfigError."""
    table = dict(PHI)
    for row in extra:
        if row.name in table:
            raise ConfigError(f"relation type {row.name!r} exists already; give the addition another name")
        table[row.name] = row
    return MappingProxyType(table)


def verbalise(relation_type: str, subject: str, object_: str, *, form: str = "") -> str:
    """The sentence for a triple: the canonical statement, or ``form`` (a template with {s} and {o}); first letter upper."""
    template = form or PHI[relation_type].statement
    text = template.format(s=subject, o=object_)
    return text[:1].upper() + text[1:]
