"""The sixteen disciplines have one code each, the same in sentences and in the corpus stage's table."""

from __future__ import annotations

from proda_core.corpus.disciplines import DISCIPLINES
from proda_core.disciplines import DISCIPLINE_NAMES, UNKNOWN, discipline_name


def test_the_names_in_sentences_are_those_of_the_corpus_stage() -> None:
    assert list(DISCIPLINE_NAMES) == list(DISCIPLINES)
    for code, row in DISCIPLINES.items():
        assert discipline_name(code).startswith(row.name.lower())


def test_an_unknown_discipline_has_no_name() -> None:
    assert discipline_name(UNKNOWN) == discipline_name("999") == ""
