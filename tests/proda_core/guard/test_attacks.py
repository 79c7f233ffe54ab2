"""Attempts to get a bad mixture through the guard's own interface, rule by rule; each is refused by name and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proda_core.artifacts import ArtifactStore, file_digest
from proda_core.errors import GuardRefusal
from proda_core.general import generate_tasks
from proda_core.guard import commit_mixture, example_id, general_example, recheck_for_training
from proda_core.guard.general_rows import GENERATOR
from proda_core.ids import make_id
from proda_core.layout import COT_SUFFIX, choice_prompt
from proda_core.records import mixture_digest, save_patch
from proda_core.types import (
    Benchmark,
    Example,
    ExampleKind,
    Format,
    Item,
    Lineage,
    Message,
    MixtureRow,
    Role,
    Split,
)
from tests import fixtures_knowledge as fx


@pytest.fixture
def world(tmp_path: Path) -> fx.World:
    return fx.honest_world(ArtifactStore(tmp_path))


def commit(world: fx.World, *, benchmark: Benchmark | None = None) -> None:
    commit_mixture(
        world.store,
        world.mixture,
        index=fx.index(),
        benchmark=benchmark or fx.benchmark(),
        inputs=world.inputs,
    )


def refused(world: fx.World, rule: str, row_id: str = "", **options: Benchmark) -> str:
    """Commit, expect a refusal by ``rule`` (of ``row_id``) and nothing written; its detail."""
    with pytest.raises(GuardRefusal) as caught:
        commit(world, **options)
    assert list(world.store.list("mixture")) == []
    found = [r for r in caught.value.refusals if r.rule == rule and (not row_id or r.row_id == row_id)]
    assert found, caught.value.refusals
    return found[0].detail


def relabel(example: Example, **lineage: Any) -> Example:
    """The same truthful text with other declared lineage."""
    return replace(example, lineage=replace(example.lineage, **lineage))


def refused_row(world: fx.World, rule: str, example: Example, role: Role = Role.REPLAY) -> str:
    return refused(world.with_rows(MixtureRow(role, example)), rule, example.example_id)


# G1: lineage


@pytest.mark.parametrize("kind", [ExampleKind.RELATION, ExampleKind.CONTRAST, ExampleKind.CHAIN])
@pytest.mark.parametrize("empty", ["l1_ids", "l2_ids"])
def test_a_row_without_ids_is_refused(world: fx.World, kind: ExampleKind, empty: str) -> None:
    honest = fx.row("What does erosion need?", "Erosion requires running water.", kind=kind)
    refused_row(world, "G1", relabel(honest, **{empty: ()}))


def test_truthful_text_with_the_ids_of_another_relation_is_refused(world: fx.World) -> None:
    lie = fx.statement_row(fx.rel("erosion", "running water")).lineage
    honest = fx.statement_row(fx.rel("osmosis", "diffusion"))
    detail = refused_row(world, "G1", replace(honest, lineage=lie))
    assert "declared but not in the text" in detail


def test_truthful_text_that_leaves_one_of_its_relations_undeclared_is_refused(world: fx.World) -> None:
    honest = fx.chain_row("osmosis", "diffusion", "concentration gradient")
    detail = refused_row(world, "G1", relabel(honest, l2_ids=honest.lineage.l2_ids[:1]))
    assert "in the text but not declared" in detail


def test_ids_that_the_graph_does_not_hold_are_refused(world: fx.World) -> None:
    honest = fx.statement_row(fx.rel("erosion", "running water"))
    refused_row(world, "G1", relabel(honest, l2_ids=("r_" + "0" * 16,)))


def test_a_row_naming_a_chain_that_the_graph_does_not_hold_is_refused(world: fx.World) -> None:
    honest = fx.statement_row(fx.rel("erosion", "running water"))
    refused_row(world, "G1", relabel(honest, chain_id="g_" + "0" * 16))


def test_an_example_id_of_other_content_is_refused(world: fx.World) -> None:
    honest = fx.statement_row(fx.rel("erosion", "running water"))
    refused_row(world, "G1", replace(honest, example_id="x_" + "0" * 16))


@pytest.mark.parametrize("named", [(), ("osmosis", "diffusion"), ("glucose",)])
def test_a_definition_row_of_none_two_or_another_concept_is_refused(
    world: fx.World, named: tuple[str, ...]
) -> None:
    honest = fx.definition_row("osmosis")
    refused_row(world, "G1", relabel(honest, l1_ids=tuple(sorted(map(fx.cid, named)))))


def test_a_definition_row_without_its_relations_is_refused(world: fx.World) -> None:
    refused_row(world, "G1", relabel(fx.definition_row("osmosis"), l2_ids=()))


@pytest.mark.parametrize(
    "lie",
    [{"seed": 4}, {"index": 1}, {"generator": "nobody"}, {"template": "{}"}, {"template": "not json"}],
    ids=str,
)
def test_a_general_row_that_its_seed_does_not_make_is_refused(
    world: fx.World, lie: dict[str, object]
) -> None:
    honest = fx.general_examples(seed=3, count=1)[0]
    refused_row(world, "G1", relabel(honest, **lie), Role.GENERAL)


def test_knowledge_smuggled_in_as_a_general_row_is_refused(world: fx.World) -> None:
    taught = fx.statement_row(fx.rel("active transport", "adenosine triphosphate"))
    messages = taught.messages
    key = example_id(ExampleKind.GENERAL, Format.QA, messages)
    origin = fx.general_examples(seed=3, count=1)[0].lineage
    smuggled = Example(key, ExampleKind.GENERAL, Format.QA, messages, origin)
    refused_row(world, "G1", smuggled, Role.GENERAL)
    refused_row(world, "G1", taught, Role.GENERAL)


def test_a_row_of_the_heldout_general_family_cannot_be_made() -> None:
    task = generate_tasks(seed=1, count=1, family="heldout")[0]
    with pytest.raises(ValueError, match="train family"):
        general_example(task)


def test_a_system_message_is_refused(world: fx.World) -> None:
    honest = fx.statement_row(fx.rel("erosion", "running water"))
    messages = (Message("system", "Osmosis differs from active transport."), *honest.messages)
    key = example_id(honest.kind, honest.format, messages)
    refused_row(world, "G1", replace(honest, example_id=key, messages=messages))


def test_a_mixture_of_another_snapshot_is_refused(world: fx.World) -> None:
    mix = world.mixture
    found = mixture_digest(mix.rows, mix.benchmark_digest, "0" * 64, mix.seed)
    other = replace(mix, digest=found, mixture_id=make_id("m", found), snapshot_digest="0" * 64)
    refused(replace(world, mixture=other), "G1", other.mixture_id)


# G2: disjointness


@pytest.mark.parametrize("role", [Role.PATCH, Role.CARRIED, Role.SCAFFOLD])
def test_a_replay_row_sharing_a_relation_is_refused(world: fx.World, role: Role) -> None:
    taught = fx.chain_row("osmosis", "diffusion", "concentration gradient")
    replayed = fx.statement_row(fx.rel("diffusion", "concentration gradient"))
    both = world.with_rows(MixtureRow(role, taught), MixtureRow(Role.REPLAY, replayed))
    refused(both, "G2", replayed.example_id)


def test_a_replay_row_with_the_pair_reversed_and_of_another_type_is_refused(world: fx.World) -> None:
    taught = fx.statement_row(fx.rel("erosion", "running water"))
    replayed = fx.row("True or false: running water leads to erosion.", "True", format=Format.TRUE_FALSE)
    both = world.with_rows(MixtureRow(Role.PATCH, taught), MixtureRow(Role.REPLAY, replayed))
    refused(both, "G2", replayed.example_id)


def test_a_replayed_definition_read_in_a_patched_relations_sentence_is_refused(world: fx.World) -> None:
    taught = fx.statement_row(fx.rel("osmosis", "diffusion"))
    replayed = fx.definition_row("osmosis")
    both = world.with_rows(MixtureRow(Role.PATCH, taught), MixtureRow(Role.REPLAY, replayed))
    refused(both, "G2", replayed.example_id)


def test_lying_ids_do_not_hide_a_shared_relation(world: fx.World) -> None:
    taught = fx.statement_row(fx.rel("osmosis", "diffusion"))
    elsewhere = fx.statement_row(fx.rel("erosion", "running water"))
    lie = replace(fx.chain_row("osmosis", "diffusion", "concentration gradient"), lineage=elsewhere.lineage)
    both = world.with_rows(MixtureRow(Role.PATCH, taught), MixtureRow(Role.REPLAY, lie))
    refused(both, "G1", lie.example_id)
    refused(both, "G2", lie.example_id)


# G3: sealed


@pytest.mark.parametrize("role", [Role.PATCH, Role.CARRIED, Role.SCAFFOLD])
def test_a_taught_row_on_a_sealed_relation_is_refused(world: fx.World, role: Role) -> None:
    refused_row(world, "G3", fx.statement_row(fx.rel("osmosis", "active transport")), role)


def test_an_alias_and_a_plural_do_not_evade_the_seal(world: fx.World) -> None:
    refused_row(world, "G3", fx.row("What do active transports need?", "They need atp."), Role.PATCH)
    wedge = fx.row("What is ICE-WEDGING a type of?", "It is weathering.")
    refused_row(world, "G3", wedge, Role.SCAFFOLD)


def test_invisible_and_lookalike_letters_do_not_evade_the_seal(world: fx.World) -> None:
    tricked = fx.row("What is оsmo\u200bsis unlike?", "Аctive transpоrt.")
    refused_row(world, "G3", tricked, Role.PATCH)


def test_a_sealed_relation_called_a_definition_is_refused(world: fx.World) -> None:
    definition = fx.snapshot().concepts[fx.cid("photosynthesis")].definition
    text = f"Photosynthesis is {definition}. Active transport requires ATP."
    refused_row(world, "G3", fx.row("What is photosynthesis?", text, defines="photosynthesis"), Role.PATCH)
    other = fx.row(
        "What does active transport need?", "Active transport requires ATP.", defines="adenosine triphosphate"
    )
    refused_row(world, "G3", other, Role.PATCH)


def test_truthful_text_with_unsealed_ids_does_not_evade_the_seal(world: fx.World) -> None:
    honest = fx.statement_row(fx.rel("erosion", "running water"))
    lie = replace(fx.statement_row(fx.rel("osmosis", "active transport")), lineage=honest.lineage)
    bad = world.with_rows(MixtureRow(Role.PATCH, lie))
    refused(bad, "G1", lie.example_id)
    refused(bad, "G3", lie.example_id)


def test_a_benchmark_whose_sealed_chain_is_unknown_refuses_everything(world: fx.World) -> None:
    items = [
        replace(i, chain_id="g_" + "0" * 16) if i.split is Split.SEALED else i for i in fx.benchmark().items
    ]
    frozen = fx.freeze(items)
    refused(world, "G3", frozen.benchmark_id, benchmark=frozen)


# G4: orthogonality


def _as_asked(item: Item) -> Example:
    letter = "ABCD"[item.gold_index]
    prompt = choice_prompt(item.stem, item.options) + COT_SUFFIX
    return fx.row(prompt, f"Answer: {letter}", kind=ExampleKind.CHAIN, format=Format.CHOICE)


def _as_question(item: Item) -> Example:
    return fx.row(f"Dear student! {item.stem.upper()}", f"Surely: {item.gold}.")


def _with_one_word_changed(item: Item) -> Example:
    stem = item.stem.replace("In ", "For ", 1)
    return fx.row(choice_prompt(stem, item.options), "B", format=Format.CHOICE)


@pytest.mark.parametrize("split", list(Split))
@pytest.mark.parametrize("write", [_as_asked, _as_question, _with_one_word_changed])
def test_a_row_repeating_an_item_is_refused(
    world: fx.World, split: Split, write: Callable[[Item], Example]
) -> None:
    item = fx.benchmark().of(split)[-1]
    detail = refused_row(world, "G4", write(item))
    assert item.stem[:20].casefold() not in detail.casefold()
    if split is Split.SEALED:
        assert item.item_id not in detail


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: text.translate(str.maketrans("ouhng", "օսհոց")),  # Armenian
        lambda text: "\u3164".join(text),  # a letter that shows nothing
        lambda text: text[::-1],
    ],
    ids=["armenian", "fillers", "backwards"],
)
def test_an_item_in_disguise_is_refused(world: fx.World, disguise: Callable[[str], str]) -> None:
    item = fx.benchmark().of(Split.SEALED)[-1]
    honest = fx.statement_row(fx.rel("erosion", "running water"))
    said = f"{honest.messages[-1].content} {disguise(item.gold)}"
    refused_row(world, "G4", fx.row(f"Erosion? {disguise(item.stem)}", said))


def test_an_item_shared_out_between_two_questions_of_a_row_is_refused(world: fx.World) -> None:
    item = fx.benchmark().of(Split.SEALED)[-1]
    words = item.stem.split()
    parts = (" ".join(words[:5]), "Do go on, I am all ears and have time.", " ".join(words[5:]), item.gold)
    messages = tuple(
        Message("user" if place % 2 == 0 else "assistant", text) for place, text in enumerate(parts)
    )
    honest = fx.row(item.stem, item.gold)
    key = example_id(honest.kind, honest.format, messages)
    refused_row(world, "G4", replace(honest, example_id=key, messages=messages))


def test_a_reworded_question_on_the_same_chain_is_no_repetition(world: fx.World) -> None:
    fine = fx.row(
        "Chlorophyll sits in a chloroplast, which serves photosynthesis. What does that make?", "Glucose."
    )
    other = world.with_rows(MixtureRow(Role.REPLAY, fine))
    commit(other)
    assert world.store.exists("mixture", other.mixture.mixture_id)


# G5: test first


def test_a_benchmark_changed_after_the_freeze_is_refused(world: fx.World) -> None:
    frozen = fx.benchmark()
    thawed = replace(frozen, items=frozen.items[:-1])
    refused(world, "G5", frozen.benchmark_id, benchmark=thawed)


def test_a_mixture_naming_another_benchmark_is_refused(world: fx.World) -> None:
    mix = world.mixture
    found = mixture_digest(mix.rows, "0" * 64, mix.snapshot_digest, mix.seed)
    other = replace(mix, digest=found, mixture_id=make_id("m", found), benchmark_digest="0" * 64)
    refused(replace(world, mixture=other), "G5", other.mixture_id)


def test_rows_whose_manifest_names_another_benchmark_are_refused(world: fx.World) -> None:
    earlier = fx.freeze(fx.benchmark().items[1:])
    taught = [row for row in world.mixture.rows if row.role in (Role.PATCH, Role.CARRIED, Role.SCAFFOLD)]
    manifest = save_patch(world.store, taught, benchmark=earlier)
    refused(replace(world, patch_id=manifest.artifact_id), "G5", manifest.artifact_id)


def test_rows_that_no_manifest_names_are_refused(world: fx.World) -> None:
    extra = fx.statement_row(fx.rel("erosion", "running water"))
    bare = replace(world, mixture=fx.mixture((*world.mixture.rows, MixtureRow(Role.SCAFFOLD, extra))))
    refused(bare, "G5", extra.example_id)


# G6: what was checked is what is trained


def recheck(world: fx.World) -> None:
    recheck_for_training(
        world.store, world.mixture.mixture_id, snapshot_id=world.snapshot_id, benchmark_id=world.benchmark_id
    )


def recheck_refused(world: fx.World, rule: str) -> None:
    with pytest.raises(GuardRefusal) as caught:
        recheck(world)
    assert rule in {r.rule for r in caught.value.refusals}


def tamper(world: fx.World, kind: str, key: str, name: str, change: Callable[[str], str]) -> None:
    """Change a data file and bring its manifest's checksum into line with it."""
    folder = world.store.path(kind, key)
    text = (folder / name).read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    (folder / name).write_text(changed, encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][name] = file_digest(folder / name)
    manifest["digest"] = ""  # as if it had been written before there was one
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_mixture_object_with_other_rows_than_its_digest_is_refused(world: fx.World) -> None:
    other = replace(world.mixture, rows=world.mixture.rows[:-1])
    refused(replace(world, mixture=other), "G6", other.mixture_id)


def test_a_file_changed_after_the_check_is_refused_by_the_trainer(world: fx.World) -> None:
    commit(world)
    path = world.store.path("mixture", world.mixture.mixture_id) / "rows.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("carried", "patch"), encoding="utf-8")
    recheck_refused(world, "G6")


def test_a_file_and_its_checksum_changed_together_are_refused_by_the_trainer(world: fx.World) -> None:
    commit(world)
    tamper(world, "mixture", world.mixture.mixture_id, "rows.jsonl", lambda t: t.replace("carried", "patch"))
    recheck_refused(world, "G6")


def test_a_mixture_forged_on_disk_whole_is_refused_by_the_trainers_own_check(world: fx.World) -> None:
    """Someone writes a consistent mixture past the guard: digests hold, but the rules are checked again."""
    from proda_core.records import save_mixture

    sealed = fx.statement_row(fx.rel("osmosis", "active transport"))
    forged = world.with_rows(MixtureRow(Role.PATCH, sealed))
    save_mixture(forged.store, forged.mixture, inputs=forged.inputs)
    recheck_refused(forged, "G3")


def test_a_benchmark_changed_after_the_check_is_refused_by_the_trainer(world: fx.World) -> None:
    commit(world)
    tamper(world, "benchmark", world.benchmark_id, "items.jsonl", lambda t: t.replace("sealed", "dev", 1))
    recheck_refused(world, "G5")


def test_examples_changed_after_the_check_are_refused_by_the_trainer(world: fx.World) -> None:
    commit(world)
    tamper(world, "examples", world.examples_id, "examples.jsonl", lambda t: t.replace("fixture", "other", 1))
    recheck_refused(world, "G5")


def test_a_manifest_that_no_longer_names_its_sources_is_refused_by_the_trainer(world: fx.World) -> None:
    commit(world)
    path = world.store.path("mixture", world.mixture.mixture_id) / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["meta"]["notes"] = {}
    manifest["inputs"] = {}
    manifest["digest"] = ""
    path.write_text(json.dumps(manifest), encoding="utf-8")
    recheck_refused(world, "G1")
    recheck_refused(world, "G5")


def test_a_mixture_never_committed_is_refused_by_the_trainer(world: fx.World) -> None:
    recheck_refused(world, "G6")


def test_a_snapshot_that_does_not_hold_is_refused_by_the_trainer(world: fx.World) -> None:
    commit(world)
    (world.store.path("snapshot", world.snapshot_id) / "relations.parquet").write_bytes(b"PAR1")
    recheck_refused(world, "G1")


def test_no_way_through_the_guard_takes_a_bypass_argument() -> None:
    import inspect

    for way in (commit_mixture, recheck_for_training):
        parameters = inspect.signature(way).parameters.values()
        assert all(p.default is inspect.Parameter.empty for p in parameters), way


def test_an_unknown_origin_never_crashes_the_guard(world: fx.World) -> None:
    honest = fx.general_examples(seed=3, count=1)[0]
    wild = replace(
        honest, lineage=Lineage(generator=GENERATOR, seed=3, template='{"difficulty":true,"kinds":["x"]}')
    )
    refused_row(world, "G1", wild, Role.GENERAL)
    older = replace(honest, lineage=replace(honest.lineage, generator="general"))
    refused_row(world, "G1", older, Role.GENERAL)
