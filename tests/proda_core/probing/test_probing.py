"""Probes from the shared little world, asked of students whose knowledge is scripted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from proda_core.errors import KnowledgeError
from proda_core.general.phrasings import Phrasings, phrasings_of
from proda_core.knowledge import make_snapshot, neighbours
from proda_core.layout import COT_SUFFIX
from proda_core.probing import Probe, ProbeFormat, ask_probes, build_probes, mean_mastery
from proda_core.probing.ask import says
from proda_core.probing.templates import FAMILY
from proda_core.students import ScriptedStudent
from proda_core.types import Mastery
from tests.fixtures_knowledge import cid, rel, snapshot

RELATIONS = sorted(snapshot().relations)
FACT = rel("weathering", "sediment")


def student(knows: Callable[[Probe], bool], probes: list[Probe]) -> ScriptedStudent:
    """Answers rightly the probes that ``knows`` says, and wrongly all others."""
    by_prompt = {probe.prompt: probe for probe in probes}

    def reply(prompt: str) -> str:
        probe = by_prompt[prompt]
        return f"It is {probe.accepted[0]}." if knows(probe) else "It is something else."

    def score(prompt: str, option: str) -> float:
        probe = by_prompt[prompt]
        return 0.0 if (option == probe.options[probe.gold]) == knows(probe) else -1.0

    return ScriptedStudent(reply, score)


def of(probes: list[Probe], format_: ProbeFormat) -> list[Probe]:
    return [probe for probe in probes if probe.format is format_]


def test_a_relation_is_asked_in_every_format() -> None:
    probes = build_probes(snapshot(), [FACT.relation_id], seed=0, in_chain=True)
    counts = {format_: len(of(probes, format_)) for format_ in ProbeFormat}
    assert counts == {
        ProbeFormat.CHOICE: 2,
        ProbeFormat.INVERSE: 2,
        ProbeFormat.RECALL: 1,
        ProbeFormat.IN_CHAIN: 1,
    }
    assert len({probe.prompt for probe in probes}) == len(probes)


def test_no_distractor_is_joined_to_the_subject() -> None:
    for relation_id in RELATIONS:
        relation = snapshot().relations[relation_id]
        near = {
            snapshot().term(c) for c in (relation.subject_id, *neighbours(snapshot(), relation.subject_id))
        }
        for probe in of(build_probes(snapshot(), [relation_id], seed=1), ProbeFormat.CHOICE):
            replies = list(probe.options)
            gold = replies.pop(probe.gold)
            assert gold.endswith(f"{snapshot().term(relation.object_id)}.")
            assert len(replies) == 3
            assert not any(
                reply.endswith(f" {term}.")
                for reply in replies
                for term in near - {snapshot().term(relation.subject_id)}
            )


def test_from_the_other_end_the_subject_is_asked_among_others_that_nothing_joins_to_the_object() -> None:
    probes = of(build_probes(snapshot(), [FACT.relation_id], seed=0), ProbeFormat.INVERSE)
    assert len(probes) == 2
    for probe in probes:
        assert "what leads to sediment?" in probe.prompt
        assert probe.options[probe.gold] == "Weathering leads to sediment."
        assert all(option.endswith(" leads to sediment.") for option in probe.options)
        assert len(set(probe.options)) == 4


def test_a_question_with_several_right_answers_is_not_asked_openly() -> None:
    relation = rel("chloroplast", "plant cell")
    assert of(build_probes(snapshot(), [relation.relation_id], seed=0), ProbeFormat.RECALL)
    twin = replace(
        relation, relation_id=rel("chlorophyll", "chloroplast").relation_id, object_id=cid("erosion")
    )
    kept = [r for r in snapshot().relations.values() if r.relation_id != twin.relation_id]
    from proda_core.ids import relation_id

    twin = replace(twin, relation_id=relation_id(twin.subject_id, twin.type, twin.object_id))
    chains = [g for g in snapshot().chains.values() if set(g.relation_ids) <= {r.relation_id for r in kept}]
    crowded = make_snapshot(snapshot().concepts.values(), [*snapshot().relations.values(), twin], chains)
    probes = build_probes(crowded, [relation.relation_id], seed=0)
    assert not of(probes, ProbeFormat.RECALL) and of(probes, ProbeFormat.CHOICE)


def test_a_concept_with_a_definition_is_asked_by_it_and_one_without_by_its_relations() -> None:
    defined = build_probes(snapshot(), [cid("weathering")], seed=0)
    assert all(
        "breaking down of rock"
        in (probe.options[probe.gold] if probe.format is ProbeFormat.INVERSE else probe.prompt).casefold()
        for probe in defined
    )
    assert all(probe.node_id == cid("weathering") for probe in defined)
    bare = build_probes(snapshot(), [cid("sediment")], seed=0)
    assert bare and {probe.node_id for probe in bare} == {cid("sediment")}
    asked = {probe.accepted[0] for probe in of(bare, ProbeFormat.RECALL)}
    assert asked == {"sediment", "sedimentary rock"}


def test_a_definition_does_not_give_its_own_term_away() -> None:
    concepts = [
        replace(c, definition="the weathering of rock by ice") if c.term == "frost wedging" else c
        for c in snapshot().concepts.values()
    ]
    told = make_snapshot(concepts, snapshot().relations.values(), snapshot().chains.values())
    probes = of(build_probes(told, [cid("frost wedging")], seed=0), ProbeFormat.RECALL)
    assert probes and "frost wedging" not in probes[0].prompt and "weathering" in probes[0].prompt


def test_probes_of_a_node_do_not_depend_on_what_else_is_asked() -> None:
    alone = build_probes(snapshot(), [FACT.relation_id], seed=4)
    among = build_probes(snapshot(), [*RELATIONS, *snapshot().concepts], seed=4)
    assert alone == [probe for probe in among if probe.node_id == FACT.relation_id]
    assert alone != build_probes(snapshot(), [FACT.relation_id], seed=5)


def test_an_unknown_node_is_an_error() -> None:
    with pytest.raises(KnowledgeError, match="r_nothing"):
        build_probes(snapshot(), ["r_nothing"], seed=0)


def test_who_knows_everything_masters_everything_and_who_knows_nothing_masters_nothing() -> None:
    probes = build_probes(snapshot(), RELATIONS, seed=0)
    known = ask_probes(student(lambda _: True, probes), probes)
    unknown = ask_probes(student(lambda _: False, probes), probes)
    assert list(known) == RELATIONS
    assert all(m.mastered and m.corrected == 1.0 and m.right == m.asked for m in known.values())
    assert all(not m.mastered and m.corrected == 0.0 and m.right == 0 for m in unknown.values())
    assert mean_mastery(known.values()) == 1.0 and mean_mastery([]) == 0.0


def test_always_true_and_always_a_are_worth_nothing() -> None:
    probes = build_probes(snapshot(), RELATIONS, seed=0)
    lazy = ScriptedStudent(
        lambda prompt: "true", lambda prompt, option: 1.0 if option in ("A", "True") else 0.0
    )
    masteries = ask_probes(lazy, probes)
    assert mean_mastery(masteries.values()) < 0.12
    assert sum(m.mastered for m in masteries.values()) <= 2


def test_correction_for_guessing_is_accuracy_over_chance() -> None:
    probes = build_probes(snapshot(), [FACT.relation_id], seed=0)
    mastery = ask_probes(student(lambda p: p.format is not ProbeFormat.RECALL, probes), probes)[
        FACT.relation_id
    ]
    chance = (4 * 0.25 + 0) / 5
    assert (mastery.asked, mastery.right) == (5, 4)
    assert mastery.corrected == pytest.approx((4 / 5 - chance) / (1 - chance))
    assert mastery.formats == {"choice": True, "inverse": True, "recall": False}
    assert mastery.mastered
    strict = ask_probes(
        student(lambda p: p.format is not ProbeFormat.RECALL, probes), probes, mastered_from=0.9
    )
    assert not strict[FACT.relation_id].mastered


def test_three_of_five_with_one_asked_openly_is_half_and_mastered() -> None:
    probes = build_probes(snapshot(), [FACT.relation_id], seed=0)
    wanted = {ProbeFormat.CHOICE, ProbeFormat.RECALL}
    (mastery,) = ask_probes(student(lambda p: p.format in wanted, probes), probes).values()
    assert (mastery.asked, mastery.right) == (5, 3)
    assert mastery.corrected == pytest.approx(0.5) and mastery.mastered


def test_recall_inside_a_chain_is_reported_apart() -> None:
    probes = build_probes(snapshot(), [FACT.relation_id], seed=0, in_chain=True)
    masteries = ask_probes(student(lambda p: p.format is not ProbeFormat.IN_CHAIN, probes), probes)
    mastery = masteries[FACT.relation_id]
    assert mastery.formats["in_chain"] is False
    assert mastery.corrected == 1.0 and mastery.asked == 5
    (probe,) = of(probes, ProbeFormat.IN_CHAIN)
    assert "frost wedging" in probe.prompt and probe.prompt.endswith(COT_SUFFIX)
    lead = "From frost wedging: Frost wedging is a kind of weathering. From weathering: Weathering leads to "
    assert all(reply.startswith(lead) for reply in probe.options) and len(probe.options) == 4
    assert probe.options[probe.gold] == f"{lead}sediment."


def test_the_same_prompt_for_two_nodes_is_put_once() -> None:
    asked: list[str] = []
    probes = build_probes(snapshot(), [FACT.relation_id, cid("sediment")], seed=0)

    def score(prompt: str, option: str) -> float:
        asked.append(prompt)
        return 0.0

    masteries = ask_probes(ScriptedStudent(lambda prompt: "", score), probes)
    compared = {(p.prompt, p.gold, p.options) for p in probes if p.options}
    assert len(asked) == sum(len(options) for _, _, options in compared)
    assert isinstance(masteries[cid("sediment")], Mastery)


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("Weathering leads to sediment.", True),
        ("SEDIMENT", True),
        ("sedimentary rock", False),
        ("weathering leads to erosion", False),
        ("", False),
    ],
)
def test_recall_must_say_the_object_as_whole_words(reply: str, right: bool) -> None:
    assert says(reply, ["sediment"], given=["weathering"]) is right


def test_repeating_the_question_is_no_recall() -> None:
    assert not says("heat flow", ["heat"], given=["heat flow"])
    assert says("heat flow needs heat", ["heat"], given=["heat flow"])
    assert says("flow drives heat flow", ["heat flow"], given=["flow"])


def test_no_probe_template_is_a_template_of_the_general_tasks() -> None:
    general = {text for family in ("train", "heldout") for text in _texts(phrasings_of(family))}
    assert not general & set(FAMILY)


def _texts(phrasings: Phrasings) -> set[str]:
    names = [spec.name for spec in fields(phrasings)]
    return {t for name in names for t in getattr(phrasings, name) if isinstance(t, str)}
