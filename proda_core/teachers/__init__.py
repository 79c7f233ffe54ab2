"""Teachers read texts behind one protocol: ``rules`` with patterns, without key or network, ``llm`` by a model."""

from proda_core.teachers.lexicon import MEASURED, PRIVATIVE
from proda_core.teachers.protocol import Alias, Definition, OnRead, Proposition, Reading, Teacher
from proda_core.teachers.rules import RulesTeacher
from proda_core.teachers.terms import singular

__all__ = [
    "MEASURED",
    "PRIVATIVE",
    "Alias",
    "Definition",
    "OnRead",
    "Proposition",
    "Reading",
    "RulesTeacher",
    "Teacher",
    "singular",
]
