"""The lineage index reads concepts and relations off a text: longest first, plural-tolerant, both ends or nothing."""

from __future__ import annotations

import pytest

from proda_core.errors import KnowledgeError
from proda_core.guard.normalise import stem, tokens, words
from tests import fixtures_knowledge as fx


def derived_terms(text: str) -> list[str]:
    return sorted(fx.snapshot().term(key) for key in fx.index().derive(text).l1_ids)


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("boxes", "box"),
        ("gases", "gas"),
        ("analyses", "analysis"),
        ("crises", "crisis"),
        ("viruses", "virus"),
        ("houses", "house"),
        ("lenses", "lens"),
        ("volcanoes", "volcano"),
        ("calories", "calorie"),
        ("galaxies", "galaxy"),
        ("waves", "wave"),
        ("masses", "mass"),
        ("taxes", "tax"),
        ("branches", "branch"),
        ("prices", "price"),
        ("mitochondria", "mitochondrion"),
        ("nuclei", "nucleus"),
    ],
)
def test_plural_and_singular_meet(plural: str, singular: str) -> None:
    assert stem(plural) == stem(singular)


@pytest.mark.parametrize(
    ("one", "other"), [("plane", "plan"), ("gas", "ga"), ("mass", "mas"), ("thesis", "the")]
)
def test_different_words_do_not_meet(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_case_hyphens_possessives_and_aliases_are_seen_through() -> None:
    assert derived_terms("The MITOCHONDRIA's ATP") == ["adenosine triphosphate", "mitochondrion"]
    assert derived_terms("Frost-wedging; plant-cells") == ["frost wedging", "plant cell"]


def test_the_longest_term_wins_over_one_inside_it() -> None:
    assert derived_terms("sedimentary rock") == ["sedimentary rock"]
    assert derived_terms("active transport and diffusion") == ["active transport", "diffusion"]


def test_a_term_never_crosses_a_sentence_or_a_line() -> None:
    assert derived_terms("It was active. Transport was slow.") == []
    assert derived_terms("A. plant\nB. cell") == []
    assert derived_terms("the plant cell.") == ["plant cell"]


def test_a_word_inside_another_is_no_mention() -> None:
    assert derived_terms("Sedimentation and glucosides are mentioned.") == []


def test_a_relation_is_read_only_when_both_its_ends_are_named() -> None:
    relation = fx.rel("osmosis", "diffusion")
    assert fx.index().derive("Osmosis is a process.").l2_ids == ()
    assert fx.index().derive("Is diffusion a kind of osmosis?").l2_ids == (relation.relation_id,)


def test_everything_derived_is_sorted_and_repeatable() -> None:
    text = " ".join(c.term + "." for c in fx.snapshot().concepts.values())
    found = fx.index().derive(text)
    assert found == fx.index().derive(text)
    assert set(found.l1_ids) == set(fx.snapshot().concepts) and list(found.l1_ids) == sorted(found.l1_ids)
    assert set(found.l2_ids) == set(fx.snapshot().relations) and list(found.l2_ids) == sorted(found.l2_ids)


def test_a_definition_counts_as_its_concepts_relation_even_where_the_text_names_one_end() -> None:
    found = fx.index().derive_definition(fx.cid("osmosis"), "What is osmosis?")
    assert found.l1_ids == (fx.cid("osmosis"),)
    assert found.l2_ids == (fx.rel("osmosis", "diffusion").relation_id,)


def test_a_definition_row_does_not_count_for_what_only_its_definition_mentions() -> None:
    row = fx.definition_row("photosynthesis")
    assert row.lineage.l1_ids == (fx.cid("photosynthesis"),) and row.lineage.l2_ids == ()


def test_an_unknown_concept_has_no_definition() -> None:
    with pytest.raises(KnowledgeError):
        fx.index().derive_definition("c_" + "0" * 16, "What is it?")


def test_folding_leaves_plain_words() -> None:
    assert words("Ｏsmosis—  “the ﬂow”\u200b of H₂O!") == ["osmosis", "the", "flow", "of", "h2o"]
    assert tokens("Cells divide. Cells grow") == ["cell", "divide", "|", "cell", "grow"]
