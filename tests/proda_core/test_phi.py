"""The table of relation types is closed, complete and consistent with itself."""

from __future__ import annotations

import pytest

from proda_core.errors import ConfigError
from proda_core.phi import PHI, RelationType, phi_with, verbalise

EXTRA = RelationType(
    "MEASURES",
    "{s} measures {o}.",
    ("{o} is measured by {s}.",),
    "What does {s} measure?",
    "What measures {o}?",
)


def test_the_table_holds_the_seven_types_of_the_design() -> None:
    assert list(PHI) == [
        "SPECIALIZATION",
        "CAUSAL",
        "PREREQUISITE",
        "CONTRAST",
        "PART_OF",
        "FUNCTION",
        "SEQUENCE",
    ]
    assert [name for name, row in PHI.items() if row.symmetric] == ["CONTRAST"]


@pytest.mark.parametrize("row", PHI.values(), ids=lambda row: row.name)
def test_every_wording_names_both_ends_and_every_question_only_the_known_one(row: RelationType) -> None:
    wordings = (row.statement, *row.verbalisations)
    assert len(set(wordings)) == len(wordings) >= 3
    assert all("{s}" in text and "{o}" in text and text.endswith(".") for text in wordings)
    assert "{s}" in row.question and "{o}" not in row.question
    assert "{o}" in row.inverse_question and "{s}" not in row.inverse_question


def test_what_a_type_composes_to_is_in_the_table() -> None:
    assert all({*row.composes, *row.composes.values()} <= set(PHI) for row in PHI.values())


def test_a_sentence_begins_with_a_capital_and_keeps_the_rest() -> None:
    assert verbalise("CAUSAL", "warm air", "DNA damage") == "Warm air leads to DNA damage."
    assert verbalise("CAUSAL", "a", "b", form="{o} results from {s}.") == "B results from a."


def test_a_configuration_may_add_a_type_and_not_replace_one() -> None:
    assert phi_with([EXTRA])["MEASURES"] is EXTRA
    assert "MEASURES" not in PHI
    with pytest.raises(ConfigError, match="'CAUSAL' exists already"):
        phi_with([RelationType("CAUSAL", "{s} {o}.", (), "{s}?", "{o}?")])
