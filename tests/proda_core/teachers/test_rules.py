"""What the rules teacher reads from a sentence, and what it must never assert."""

from __future__ import annotations

import pytest

from proda_core.teachers import Reading, RulesTeacher
from proda_core.types import Chunk


@pytest.fixture(scope="module")
def teacher() -> RulesTeacher:
    return RulesTeacher()


def _read(teacher: RulesTeacher, text: str) -> Reading:
    return teacher.read_chains(Chunk("k_0", "d_0", 0, len(text), text, "000", ""))


def _triples(teacher: RulesTeacher, text: str) -> set[tuple[str, str, str]]:
    return {(p.subject, p.type, p.object) for p in _read(teacher, text).propositions}


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("Friction produces heat.", ("friction", "CAUSAL", "heat")),
        ("Heat is produced by friction.", ("friction", "CAUSAL", "heat")),
        ("Rapid erosion often leads to the loss of soil.", ("rapid erosion", "CAUSAL", "loss of soil")),
        ("A drought results from blocked winds.", ("blocked wind", "CAUSAL", "drought")),
        ("Weak oversight gives rise to fraud.", ("weak oversight", "CAUSAL", "fraud")),
        ("A tariff raises the price of imports.", ("tariff", "CAUSAL", "higher price of import")),
        ("Lubrication reduces friction.", ("lubrication", "CAUSAL", "lower friction")),
        ("When demand rises, the price increases.", ("higher demand", "CAUSAL", "higher price")),
        ("Combustion requires oxygen.", ("combustion", "PREREQUISITE", "oxygen")),
        ("Combustion depends on oxygen.", ("combustion", "PREREQUISITE", "oxygen")),
        ("Oxygen is essential for combustion.", ("combustion", "PREREQUISITE", "oxygen")),
        ("Without oxygen, combustion cannot continue.", ("combustion", "PREREQUISITE", "oxygen")),
        ("A glacier contains ice.", ("ice", "PART_OF", "glacier")),
        ("A molecule is made of atoms.", ("atom", "PART_OF", "molecule")),
        ("The piston is part of the engine.", ("piston", "PART_OF", "engine")),
        ("A violin is a stringed instrument.", ("violin", "SPECIALIZATION", "stringed instrument")),
        ("Insects, such as beetles, lay eggs.", ("beetle", "SPECIALIZATION", "insect")),
        ("Metals include copper and tin.", ("tin", "SPECIALIZATION", "metal")),
        ("Beetles, moths, and other insects lay eggs.", ("moth", "SPECIALIZATION", "insect")),
        ("Unlike copper, glass conducts badly.", ("glass", "CONTRAST", "copper")),
        ("Copper differs from glass.", ("copper", "CONTRAST", "glass")),
        ("Arteries carry blood.", ("artery", "FUNCTION", "blood transport")),
        (
            "Lathes are used for turning wood and woodwork is followed by sanding.",
            ("woodwork", "SEQUENCE", "sanding"),
        ),
        ("The larva becomes a pupa.", ("larva", "SEQUENCE", "pupa")),
        ("Ovens convert dough into bread.", ("dough", "SEQUENCE", "bread")),
        ("Plants absorb light, releasing oxygen.", ("plant", "CAUSAL", "oxygen")),
        ("Insulin is a hormone that regulates glucose.", ("insulin", "FUNCTION", "glucose regulation")),
        ("Frost causes cracking, which weakens concrete.", ("cracking", "CAUSAL", "less concrete")),
    ],
)
def test_a_pattern_gives_its_triple(teacher: RulesTeacher, text: str, triple: tuple[str, str, str]) -> None:
    assert triple in _triples(teacher, text)


@pytest.mark.parametrize(
    "text",
    [
        "Friction does not produce heat.",
        "Friction never produces heat.",
        "Friction hardly produces heat.",
        "No friction produces heat.",
        "Friction can never lead to heat.",
        "Heat is not caused by friction.",
        "Heat is never caused by friction.",
        "Friction may produce heat.",
        "Friction could produce heat.",
        "Perhaps friction produces heat.",
        "If friction produces heat, the brake fails.",
        "Critics argue that friction produces heat.",
        "Does friction produce heat?",
        "Friction produced heat in 1850.",
        "Friction has no effect on heat.",
        "Brakes that use friction produce heat.",
        "The process produces heat.",
        "They produce heat.",
        "This produces heat.",
        "In the figure, friction produces heat.",
    ],
)
def test_what_is_not_asserted_in_general_is_not_read(teacher: RulesTeacher, text: str) -> None:
    assert not {t for t in _triples(teacher, text) if "heat" in t}


def test_each_conjunct_is_a_concept_of_its_own(teacher: RulesTeacher) -> None:
    triples = _triples(teacher, "Rain and wind cause erosion, landslides, and flooding.")
    assert {s for s, _, _ in triples} == {"rain", "wind"}
    assert {o for _, _, o in triples} == {"erosion", "landslide", "flooding"}


def test_a_conjunction_of_clauses_is_no_conjunction_of_objects(teacher: RulesTeacher) -> None:
    triples = _triples(teacher, "Rain causes erosion and wind causes drought.")
    assert triples == {("rain", "CAUSAL", "erosion"), ("wind", "CAUSAL", "drought")}


def test_a_pronoun_means_the_subject_before_only_if_number_agrees(teacher: RulesTeacher) -> None:
    assert ("glacier", "CAUSAL", "erosion") in _triples(teacher, "A glacier contains ice. It causes erosion.")
    assert not any("erosion" in t for t in _triples(teacher, "A glacier contains ice. They cause erosion."))


def test_a_definition_and_an_abbreviation_are_noted(teacher: RulesTeacher) -> None:
    reading = _read(
        teacher, "Gross domestic product (GDP) is the value of all goods that a country makes in a year."
    )
    assert [(d.term, d.text[:12]) for d in reading.definitions] == [
        ("gross domestic product", "the value of")
    ]
    assert [(a.term, a.alias) for a in reading.aliases] == [("gross domestic product", "GDP")]


def test_every_proposition_carries_the_sentence_it_was_read_from(teacher: RulesTeacher) -> None:
    text = "# Heat\n\nA brake needs friction. Friction produces heat.\n\n- Heat causes expansion."
    for proposition in _read(teacher, text).propositions:
        sentence = text[proposition.start : proposition.end]
        assert sentence.endswith(".") and "\n" not in sentence
        assert proposition.verb_phrase in sentence


def test_propositions_join_into_chains_inside_the_chunk(teacher: RulesTeacher) -> None:
    reading = _read(teacher, "Friction produces heat. Heat causes expansion.")
    assert [[reading.propositions[i].object for i in chain] for chain in reading.chains] == [
        ["heat", "expansion"]
    ]


def test_code_tables_and_headings_say_nothing(teacher: RulesTeacher) -> None:
    text = (
        "# Friction causes heat\n\n| Friction causes heat. |\n\n```\nx\n```\n\nThe call f(x) produces heat."
    )
    assert _read(teacher, text).propositions == ()


def test_a_term_is_never_longer_than_four_words_around_a_preposition(teacher: RulesTeacher) -> None:
    text = "The very long chain of small local rural savings banks causes the steady slow decline of the old northern port towns."
    for proposition in _read(teacher, text).propositions:
        for term in (proposition.subject, proposition.object):
            assert len([w for w in term.split() if w not in ("of", "in", "for", "on", "to")]) <= 4
