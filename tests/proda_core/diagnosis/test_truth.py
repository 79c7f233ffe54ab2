"""The second route: names and closure find another true option, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from proda_core.diagnosis.truth import SecondRoute
from proda_core.ids import chain_id, relation_id
from proda_core.knowledge import make_snapshot
from proda_core.types import Chain, Item, KnowledgeSnapshot, Relation
from tests.fixtures_knowledge import benchmark, cid, snapshot


def grown(*triples: tuple[str, str, str]) -> KnowledgeSnapshot:
    """The fixture's graph with more relations, each on a chain of its own length two so that all checks hold."""
    old = snapshot()
    pattern = next(iter(old.relations.values()))
    fresh = [
        Relation(relation_id(cid(s), t, cid(o)), cid(s), t, cid(o), "", pattern.evidence, pattern.discipline)
        for s, t, o in triples
    ]
    return make_snapshot(old.concepts.values(), [*old.relations.values(), *fresh], old.chains.values())


def swap(item: Item, wrong: str, term: str, *, text: str = "") -> Item:
    """The item with one distractor replaced by another concept (or by a name for it)."""
    place = item.options.index(wrong)
    options = tuple(text or term if at == place else o for at, o in enumerate(item.options))
    ids = tuple(cid(term) if at == place else key for at, key in enumerate(item.option_concept_ids))
    return replace(item, options=options, option_concept_ids=ids)


OSMOSIS = next(i for i in benchmark().items if i.gold == "concentration gradient")
PLANT = next(i for i in benchmark().items if i.gold == "glucose")
MITO = next(i for i in benchmark().items if i.gold == "adenosine triphosphate")


def test_the_fixtures_items_have_one_true_option() -> None:
    route = SecondRoute(snapshot())
    assert [route.also_true(item) for item in benchmark().items] == [()] * len(benchmark().items)


def test_an_option_that_the_same_hops_lead_to_is_true() -> None:
    route = SecondRoute(grown(("diffusion", "PREREQUISITE", "photosynthesis")))
    assert route.also_true(OSMOSIS) == (OSMOSIS.options.index("photosynthesis"),)


def test_an_option_that_a_hop_reaches_by_composition_is_true() -> None:
    # photosynthesis -> glucose, and glucose -> plant cell by CAUSAL: CAUSAL composes with CAUSAL.
    route = SecondRoute(grown(("glucose", "CAUSAL", "plant cell")))
    assert route.also_true(PLANT) == (PLANT.options.index("plant cell"),)


def test_a_relation_of_another_type_or_direction_makes_no_option_true() -> None:
    for triple in (
        ("diffusion", "CAUSAL", "photosynthesis"),
        ("photosynthesis", "PREREQUISITE", "diffusion"),
        ("osmosis", "PREREQUISITE", "photosynthesis"),
    ):
        assert SecondRoute(grown(triple)).also_true(OSMOSIS) == ()


def test_an_alias_of_the_gold_is_true_as_well() -> None:
    item = swap(MITO, "chlorophyll", "adenosine triphosphate", text="ATP")
    unlinked = replace(item, option_concept_ids=tuple("" for _ in item.options))
    place = item.options.index("ATP")
    assert SecondRoute(snapshot()).also_true(item) == (place,)
    assert SecondRoute(snapshot()).also_true(unlinked) == (place,)


def test_a_backward_item_is_judged_from_its_other_end() -> None:
    # "What is a kind of something that requires a concentration gradient?": gold is the chain's first concept.
    gold = OSMOSIS.gold_index
    options = tuple("osmosis" if at == gold else o for at, o in enumerate(OSMOSIS.options))
    ids = tuple(cid(o) for o in options)
    backward = replace(OSMOSIS, options=options, option_concept_ids=ids)
    assert SecondRoute(snapshot()).also_true(backward) == ()
    also = SecondRoute(grown(("photosynthesis", "SPECIALIZATION", "diffusion"))).also_true(backward)
    assert also == (options.index("photosynthesis"),)


def test_a_symmetric_relation_is_walked_either_way_but_never_back_to_the_start() -> None:
    # osmosis contrasts with active transport, which requires adenosine triphosphate.
    contrast = next(
        i for i in benchmark().items if i.gold == "adenosine triphosphate" and i.chain_id != MITO.chain_id
    )
    route = SecondRoute(grown(("active transport", "PREREQUISITE", "osmosis")))
    returning = swap(contrast, "plant cell", "osmosis")
    assert returning.options.index("osmosis") not in route.also_true(returning)
    back = SecondRoute(grown(("active transport", "PREREQUISITE", "diffusion")))
    assert back.also_true(contrast) == (contrast.options.index("diffusion"),)


def test_an_option_that_names_no_concept_is_passed_over() -> None:
    odd = replace(
        OSMOSIS,
        options=tuple("none of these" if o == "chloroplast" else o for o in OSMOSIS.options),
        option_concept_ids=tuple("" if o == "chloroplast" else cid(o) for o in OSMOSIS.options),
    )
    assert SecondRoute(snapshot()).also_true(odd) == ()


def test_a_walk_is_found_when_it_lies_on_no_chain() -> None:
    relations = (
        relation_id(cid("osmosis"), "SPECIALIZATION", cid("diffusion")),
        relation_id(cid("diffusion"), "PREREQUISITE", cid("concentration gradient")),
    )
    assert isinstance(snapshot().chains[chain_id(relations)], Chain)
    route = SecondRoute(
        grown(("osmosis", "SPECIALIZATION", "weathering"), ("weathering", "PREREQUISITE", "chloroplast"))
    )
    assert route.also_true(OSMOSIS) == (OSMOSIS.options.index("chloroplast"),)


def test_a_symmetric_relation_is_read_against_its_direction() -> None:
    # photosynthesis is told to contrast with osmosis, so osmosis contrasts with photosynthesis.
    grown_both = grown(
        ("photosynthesis", "CONTRAST", "osmosis"), ("photosynthesis", "PREREQUISITE", "plant cell")
    )
    contrast = next(
        i for i in benchmark().items if i.gold == "adenosine triphosphate" and i.chain_id != MITO.chain_id
    )
    assert SecondRoute(grown_both).also_true(contrast) == (contrast.options.index("plant cell"),)
