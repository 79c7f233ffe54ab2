"""Both routes to what is true: as the graph says it, and as Φ implies it."""

from __future__ import annotations

from proda_core.ids import concept_id
from proda_core.synthesis.truths import Truths
from tests.proda_core.synthesis.worlds import concept, little, relation, snapshot_of

LEADS, KIND, PART, CONTRAST = "CAUSAL", "SPECIALIZATION", "PART_OF", "CONTRAST"
cid = concept_id


def test_a_path_reaches_what_its_types_lead_to_in_either_direction() -> None:
    truths = Truths(
        little(("heat", LEADS, "melting"), ("melting", PART, "rock cycle"), ("frost", LEADS, "melting"))
    )
    assert truths.reached(cid("heat"), (LEADS, PART), forward=True) == {cid("rock cycle")}
    assert truths.reached(cid("rock cycle"), (LEADS, PART), forward=False) == {cid("heat"), cid("frost")}


def test_a_symmetric_relation_is_walked_both_ways() -> None:
    truths = Truths(little(("river", CONTRAST, "glacier"), ("river", KIND, "flow")))
    assert truths.reached(cid("glacier"), (CONTRAST, KIND), forward=True) == {cid("flow")}


def test_what_a_kind_of_thing_does_is_implied_and_not_direct() -> None:
    truths = Truths(little(("granite", KIND, "rock"), ("rock", PART, "crust"), ("crust", KIND, "shell")))
    assert not truths.after(cid("granite"), PART)
    assert truths.holds(cid("granite"), PART, cid("crust"))
    assert truths.holds(cid("granite"), PART, cid("shell"))
    assert not truths.holds(cid("crust"), PART, cid("granite"))


def test_anything_is_a_kind_of_itself_by_implication() -> None:
    truths = Truths(little(("heat", LEADS, "melting"), ("melting", KIND, "change")))
    assert cid("melting") in truths.implied(cid("heat"), (LEADS, KIND), forward=True)
    assert cid("melting") not in truths.reached(cid("heat"), (LEADS, KIND), forward=True)


def test_a_path_without_a_type_of_its_own_composes_to_nothing() -> None:
    truths = Truths(little(("heat", LEADS, "melting"), ("melting", CONTRAST, "freezing")))
    assert truths.composed((LEADS, CONTRAST)) == ""
    assert truths.composed((LEADS, LEADS)) == LEADS


def test_two_concepts_share_a_name_through_an_alias() -> None:
    rows = [
        concept("adenosine triphosphate", "006", aliases=("ATP",)),
        concept("ATP", "006"),
        concept("cell", "006"),
    ]
    truths = Truths(snapshot_of(rows, [relation("ATP", PART, "cell")]))
    assert truths.same_name(cid("adenosine triphosphate"), cid("ATP"))
    assert not truths.same_name(cid("cell"), cid("ATP"))


def test_every_relation_on_the_same_pair_counts_with_it() -> None:
    snapshot = little(("valve", PART, "heart"), ("heart", "PREREQUISITE", "valve"), ("valve", LEADS, "flow"))
    part = next(r.relation_id for r in snapshot.relations.values() if r.type == PART)
    assert len(Truths(snapshot).on_pairs([part])) == 2
