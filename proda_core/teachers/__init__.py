"""Teachers turn text into knowledge behind one protocol; ``rules`` reads English prose with patterns, without key or network."""

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
