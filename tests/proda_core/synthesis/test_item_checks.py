"""Every item check lets a good item pass and stops one that is broken in just that way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proda_core.ids import concept_id, relation_id
from proda_core.synthesis import item_checks
from proda_core.synthesis.item_checks import ITEM_CHECKS, item_failure
from proda_core.synthesis.truths import Truths
from proda_core.types import Item, KnowledgeSnapshot, Split
from tests.proda_core.synthesis.worlds import concept, little, relation, snapshot_of

LEADS, PART, KIND = "CAUSAL", "PART_OF", "SPECIALIZATION"
TRIPLES = (
    ("frost", LEADS, "gravel"),
    ("gravel", PART, "moraine"),
    ("quartz", PART, "granite"),
    ("basalt", PART, "seabed"),
    ("magma", LEADS, "basalt"),
)
cid = concept_id


def rid(subject: str, type_: str, object_: str) -> str:
    return relation_id(cid(subject), type_, cid(object_))


def item_of(options: tuple[str, ...] = ("gravel", "moraine", "granite", "seabed"), gold: int = 1) -> Item:
    """In biology, frost leads to gravel, which is part of a moraine."""
    return Item(
        item_id="i_0000000000000000",
        chain_id="g_0000000000000000",
        group_id="n_0000000000000000",
        split=Split.DEV,
        stem="In biology, frost leads to a concept that is part of which of the following?",
        options=options,
        gold_index=gold,
        operators=tuple("gold" if n == gold else "sibling" for n in range(len(options))),
        option_concept_ids=tuple(cid(o) for o in options),
        discipline="006",
        hops=2,
        template="item.forward.nested",
        l1_ids=(cid("frost"), cid("gravel"), cid("moraine")),
        l2_ids=(rid("frost", LEADS, "gravel"), rid("gravel", PART, "moraine")),
    )


def failure(item: Item, *more: tuple[str, str, str]) -> str:
    return item_failure(item, Truths(little(*TRIPLES, *more)))


def test_a_good_item_passes_every_check() -> None:
    truths = Truths(little(*TRIPLES))
    assert [check(item_of(), truths) for check in ITEM_CHECKS] == [""] * len(ITEM_CHECKS)


def test_three_options_are_refused() -> None:
    assert failure(item_of(("gravel", "moraine", "granite"))) == "not_four_options"


def test_a_gold_that_is_not_marked_is_refused() -> None:
    assert failure(replace(item_of(), operators=("gold", "gold", "sibling", "sibling"))) == "gold_not_marked"


def test_an_option_that_is_not_the_term_of_its_concept_is_refused() -> None:
    assert (
        failure(replace(item_of(), options=("gravel", "a moraine", "granite", "seabed")))
        == "option_is_no_term"
    )


def test_a_relation_outside_the_graph_is_refused() -> None:
    item = item_of()
    assert failure(replace(item, l2_ids=(item.l2_ids[0], "r_0000000000000000"))) == "relation_not_in_graph"


def test_a_gold_in_the_middle_of_the_chain_is_refused() -> None:
    assert failure(item_of(gold=0)) == "gold_not_an_end"


def test_l2_ids_that_miss_a_relation_on_the_same_pair_are_refused() -> None:
    assert failure(item_of(), ("moraine", "PREREQUISITE", "gravel")) == "l2_ids_incomplete"


def test_a_second_option_that_the_same_path_reaches_is_refused() -> None:
    assert failure(item_of(), ("frost", LEADS, "quartz")) == "second_option_reached"


def test_a_gold_that_the_path_does_not_reach_is_refused() -> None:
    item = item_of()
    wrong = replace(item, l2_ids=(rid("gravel", PART, "moraine"), rid("frost", LEADS, "gravel")))
    assert failure(wrong) == "gold_not_reached"


def test_a_second_option_that_phi_implies_is_refused() -> None:
    # What gravel is part of is part of what that is part of: granite is implied, and no path of the item's types reaches it.
    assert failure(item_of(), ("moraine", PART, "granite")) == "second_option_implied"


def test_an_inner_concept_that_a_longer_way_makes_right_is_refused() -> None:
    # Frost leads to ice, that to cracks, and those to gravel: so frost leads to something that leads to gravel.
    way = (
        ("frost", LEADS, "gravel"),
        ("gravel", LEADS, "moraine"),
        ("quartz", LEADS, "granite"),
        ("basalt", LEADS, "seabed"),
    )
    item = replace(
        item_of(),
        stem="In biology, frost leads to a concept that leads to which of the following?",
        l2_ids=(rid("frost", LEADS, "gravel"), rid("gravel", LEADS, "moraine")),
    )
    assert item_failure(item, Truths(little(*way))) == ""
    longer = (("frost", LEADS, "ice"), ("ice", LEADS, "crack"), ("crack", LEADS, "gravel"))
    assert item_failure(item, Truths(little(*way, *longer))) == "second_option_implied"


def test_a_wider_name_of_the_gold_is_refused_as_an_option() -> None:
    assert failure(item_of(), ("granite", KIND, "moraine")) == "second_option_implied"


def test_an_option_that_is_an_alias_of_a_right_answer_is_refused() -> None:
    terms = sorted({t for s, _, o in TRIPLES for t in (s, o)})
    rows = [concept(t, "006", aliases=("granite",) if t == "moraine" else ()) for t in terms]
    aliased = snapshot_of(rows, [relation(*t) for t in TRIPLES])
    assert item_failure(item_of(), Truths(aliased)) == "second_option_implied"


def test_an_item_whose_ends_are_joined_directly_is_refused() -> None:
    assert failure(item_of(), ("moraine", "PREREQUISITE", "frost")) == "direct_relation"


def test_an_item_whose_ends_share_a_name_is_refused() -> None:
    rows = [concept(t, "006", aliases=("frost",) if t == "moraine" else ()) for t in _terms()]
    truths = Truths(snapshot_of(rows, [relation(*t) for t in TRIPLES]))
    assert item_checks.whole_chain_needed(item_of(), truths) == "ends_share_a_name"


def test_an_item_whose_last_relation_fits_the_gold_alone_is_refused() -> None:
    item = item_of(("gravel", "moraine", "quartz", "basalt"))
    assert failure(item) == "last_relation_gives_gold_away"


@pytest.mark.parametrize("long", ["terminal moraine of a large glacier", "moraine field"])
def test_options_of_unlike_length_or_inside_each_other_are_refused(long: str) -> None:
    item = item_of(("gravel", "moraine", "granite", long))
    assert failure(item, ("sand", PART, long)) == "options_unlike"


def test_options_that_share_a_name_are_refused() -> None:
    rows = [concept(t, "006", aliases=("seabed",) if t == "granite" else ()) for t in _terms()]
    truths = Truths(snapshot_of(rows, [relation(*t) for t in TRIPLES]))
    assert item_checks.options_alike(item_of(), truths) == "options_share_a_name"


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("In biology, ice leads to a concept that is part of which of the following?", "stem_lacks_subject"),
        ("Frost leads to a concept that is part of which of the following?", "stem_lacks_discipline"),
        ("This, in biology, is what frost leads to. It is part of which of the following?", "stem_dangles"),
        ("In biology, frost leads to gravel that is part of which of the following?", "stem_names_answer"),
        ("In biology, frost leads to a concept that, like granite, is part of which?", "stem_names_answer"),
        (
            "In biology, frost leads to " + "very " * 30 + "much that is part of which of the following?",
            "stem_too_long",
        ),
    ],
)
def test_a_stem_that_cannot_stand_alone_is_refused(stem: str, reason: str) -> None:
    assert failure(replace(item_of(), stem=stem)) == reason


def test_an_item_that_would_not_score_with_its_own_gold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    truths = Truths(little(*TRIPLES))
    monkeypatch.setattr(item_checks, "parse_letter", lambda text, n: None)
    assert item_failure(item_of(), truths) == "gold_letter_unread"
    monkeypatch.undo()
    monkeypatch.setattr(item_checks, "parse_cot_choice", lambda text, options: "D")
    assert item_failure(item_of(), truths) == "gold_chain_unread"


def test_gold_positions_that_differ_by_two_are_refused() -> None:
    even = [item_of(gold=1)] * 1
    assert item_checks.gold_positions_balanced(even) == ""
    assert item_checks.gold_positions_balanced(even * 2) == "gold_positions_0_2_0_0"


def _terms() -> list[str]:
    return sorted({t for s, _, o in TRIPLES for t in (s, o)})


def test_the_little_graph_is_what_these_tests_think() -> None:
    snapshot: KnowledgeSnapshot = little(*TRIPLES)
    assert len(snapshot.relations) == len(TRIPLES) and rid("frost", LEADS, "gravel") in snapshot.relations
