"""What the rules teacher takes for a definition, a name or a pair, and what it must not."""

from __future__ import annotations

import pytest

from proda_core.teachers import Reading, RulesTeacher
from proda_core.types import Chunk


@pytest.fixture(scope="module")
def teacher() -> RulesTeacher:
    return RulesTeacher()


def _read(teacher: RulesTeacher, *texts: str) -> tuple[Reading, ...]:
    chunks = [Chunk(f"k_{n}", "d_0", 0, len(text), text, "000", "") for n, text in enumerate(texts)]
    return teacher.read_all(chunks, lambda _done, _total: None)


@pytest.mark.parametrize(
    ("text", "term", "begins"),
    [
        ("A loom is a machine that weaves cloth.", "loom", "a machine that"),
        ("Drainage refers to the removal of water from land.", "drainage", "the removal of"),
        ("The process by which water becomes vapor is called evaporation.", "evaporation", "The process by"),
        (
            "We call the rate at which water flows in a pipe the discharge rate.",
            "discharge rate",
            "the rate at",
        ),
        ("The shop sells leather, which is a material that is made from skin.", "leather", "a material that"),
        ("The worker oils the spindle (a rod that turns).", "spindle", "a rod that"),
        ("A thread that runs across the cloth is a weft thread.", "weft thread", "A thread that"),
        ("We refer to a cloth which repels water as a coated cloth.", "coated cloth", "a cloth which"),
        ("Snapping occurs when a thread dries out.", "snapping", "occurs when a"),
        ("A wire bends and breaks. We call this situation metal fatigue.", "metal fatigue", "A wire bends"),
    ],
)
def test_a_sentence_that_says_what_a_term_is_defines_it(
    teacher: RulesTeacher, text: str, term: str, begins: str
) -> None:
    (reading,) = _read(teacher, text)
    found = {d.term: d.text for d in reading.definitions}
    assert found.get(term, "").startswith(begins), found


@pytest.mark.parametrize(
    "text",
    [
        "A loom was a machine that wove cloth.",
        "A loom may be a machine that weaves cloth.",
        "A loom is not a machine that weaves cloth.",
        "This loom is a machine that weaves cloth.",
        "Is a loom a machine that weaves cloth?",
        "The mill needs a loom, a wheel, and a spindle that turns.",
    ],
)
def test_what_is_past_doubted_denied_pointed_at_or_listed_defines_nothing(
    teacher: RulesTeacher, text: str
) -> None:
    (reading,) = _read(teacher, text)
    assert "loom" not in {d.term for d in reading.definitions}
    assert not [p for p in reading.propositions if p.type == "SPECIALIZATION"]


def test_things_told_apart_contrast_and_a_sum_does_not(teacher: RulesTeacher) -> None:
    told, total = _read(
        teacher,
        "There are major differences between a hammer and a chisel.",
        "A margin is the difference between revenue and expense.",
    )
    assert ("hammer", "CONTRAST", "chisel") in {(p.subject, p.type, p.object) for p in told.propositions}
    assert "CONTRAST" not in {p.type for p in total.propositions}


def test_a_kind_told_by_the_name_alone_is_spare_until_the_name_recurs(teacher: RulesTeacher) -> None:
    known = "A loom is a machine that weaves cloth."
    once = _read(teacher, known, "The power loom is old.")
    often = _read(teacher, known, *["The power loom is old."] * 3)
    said = ("power loom", "SPECIALIZATION", "loom")

    def stated(readings: tuple[Reading, ...]) -> set[tuple[str, str, str]]:
        return {(p.subject, p.type, p.object) for r in readings for p in r.propositions}

    assert said in {(p.subject, p.type, p.object) for r in once for p in r.spare}
    assert said not in stated(once)
    assert said in stated(often)


def test_a_modifier_that_takes_the_kind_away_makes_no_kind(teacher: RulesTeacher) -> None:
    readings = _read(teacher, "A loom is a machine that weaves cloth.", "The virtual loom is old.")
    assert not [p for r in readings for p in r.spare if p.subject == "virtual loom"]


def test_without_definitions_only_statements_are_read() -> None:
    reader = RulesTeacher(definitions=False)
    (reading,) = _read(reader, "Drainage refers to the removal of water. Drainage causes subsidence.")
    assert [(p.subject, p.object) for p in reading.propositions] == [("drainage", "subsidence")]
    assert not reading.spare
    assert reader.name != RulesTeacher().name
