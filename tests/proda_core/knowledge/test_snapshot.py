"""A snapshot is what was put in, whatever the order; a row that breaks an invariant is named on the way in and on the way out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.errors import ArtifactError, KnowledgeError
from proda_core.ids import chain_id, relation_id
from proda_core.knowledge import (
    Adjacency,
    find_orphans,
    load_snapshot,
    make_snapshot,
    neighbours,
    save_snapshot,
    snapshot_id,
)
from proda_core.knowledge.tables import write_tables
from proda_core.types import Chain, Concept, KnowledgeSnapshot, Relation
from tests import fixtures_knowledge as fx


def save(store: ArtifactStore, held: KnowledgeSnapshot) -> str:
    saved = save_snapshot(
        store, held.concepts.values(), held.relations.values(), held.chains.values(), {"teacher": "rules"}
    )
    return snapshot_id(saved.digest)


def test_a_snapshot_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    key = save(store, fx.snapshot())
    assert load_snapshot(store, key) == fx.snapshot()
    meta = store.manifest("snapshot", key).meta
    assert (meta["teacher"], meta["concepts"], meta["relations"], meta["chains"]) == ("rules", 18, 16, 8)


def test_the_order_of_rows_changes_nothing() -> None:
    held, rng = fx.snapshot(), random.Random(1)
    levels = [list(level.values()) for level in (held.concepts, held.relations, held.chains)]
    for level in levels:
        rng.shuffle(level)
    again = make_snapshot(*levels)
    assert again.digest == held.digest and list(again.relations) == list(held.relations)


def test_any_changed_field_changes_the_digest() -> None:
    held = fx.snapshot()
    concept = next(iter(held.concepts.values()))
    others = [replace(concept, type="other"), *[c for c in held.concepts.values() if c != concept]]
    assert make_snapshot(others, held.relations.values(), held.chains.values()).digest != held.digest


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    key = save(store, fx.snapshot())
    path = store.path("snapshot", key) / "chains.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="chains"):
        load_snapshot(store, key)


def test_a_snapshot_under_another_snapshots_id_is_refused(tmp_path: Path) -> None:
    store, key = ArtifactStore(tmp_path), "s_" + "0" * 16
    store.make("snapshot", key, lambda folder: write_tables(folder, fx.snapshot()))
    with pytest.raises(KnowledgeError, match="not its own"):
        load_snapshot(store, key)


def test_a_bad_row_written_past_the_checks_is_refused_on_load(tmp_path: Path) -> None:
    held = fx.snapshot()
    bad = KnowledgeSnapshot(held.digest, held.concepts, {}, held.chains)
    store, key = ArtifactStore(tmp_path), snapshot_id(held.digest)
    store.make("snapshot", key, lambda folder: write_tables(folder, bad))
    with pytest.raises(KnowledgeError, match="chain g_"):
        load_snapshot(store, key)


def concept_of(term: str) -> Concept:
    return fx.snapshot().concepts[fx.cid(term)]


def _pair(subject: str, object_: str) -> Relation:
    model = fx.rel("osmosis", "diffusion")
    key = relation_id(subject, model.type, object_)
    return replace(model, relation_id=key, subject_id=subject, object_id=object_)


def _chain(*relations: Relation, concepts: tuple[str, ...]) -> Chain:
    keys = tuple(r.relation_id for r in relations)
    return Chain(chain_id(keys), keys, tuple(fx.cid(c) for c in concepts), (), fx.BIOLOGY)


Bad = Concept | Relation | Chain
BAD_ROWS: dict[str, tuple[Callable[[], Bad], str]] = {
    "a concept's ID of another term": (
        lambda: replace(concept_of("osmosis"), term="reverse osmosis"),
        "not the ID",
    ),
    "an alias that repeats the term": (lambda: replace(concept_of("osmosis"), aliases=("Osmosis",)), "alias"),
    "a relation's ID of another type": (
        lambda: replace(fx.rel("osmosis", "diffusion"), type="CAUSAL"),
        "not the ID",
    ),
    "a relation to nowhere": (lambda: _pair(fx.cid("osmosis"), "c_" + "0" * 16), "does not hold"),
    "a relation to itself": (lambda: _pair(fx.cid("osmosis"), fx.cid("osmosis")), "itself"),
    "a relation without evidence": (
        lambda: replace(fx.rel("osmosis", "diffusion"), evidence=()),
        "no evidence",
    ),
    "evidence with other offsets": (
        lambda: replace(
            fx.rel("osmosis", "diffusion"),
            evidence=(replace(fx.rel("osmosis", "diffusion").evidence[0], end=10_000),),
        ),
        "offsets",
    ),
    "a chain's ID of other relations": (
        lambda: replace(fx.chain("osmosis", "diffusion", "concentration gradient"), chain_id="g_" + "0" * 16),
        "not the ID",
    ),
    "a chain against a relation's direction": (
        lambda: _chain(
            fx.rel("diffusion", "concentration gradient"),
            fx.rel("osmosis", "diffusion"),
            concepts=("concentration gradient", "diffusion", "osmosis"),
        ),
        "not joined at relation 1",
    ),
    "a chain of one relation": (
        lambda: _chain(fx.rel("osmosis", "diffusion"), concepts=("osmosis", "diffusion")),
        "has 1 relations",
    ),
    "a chain that comes back": (
        lambda: _chain(
            fx.rel("osmosis", "active transport"),
            fx.rel("osmosis", "active transport"),
            concepts=("osmosis", "active transport", "osmosis"),
        ),
        "comes back",
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_refused_and_named(name: str) -> None:
    make, problem = BAD_ROWS[name]
    row, held = make(), fx.snapshot()
    concepts, relations, chains = dict(held.concepts), dict(held.relations), dict(held.chains)
    if isinstance(row, Concept):
        concepts[row.concept_id] = row
        key = row.concept_id
    elif isinstance(row, Relation):
        relations[row.relation_id] = row
        key = row.relation_id
    else:
        chains = {row.chain_id: row}
        key = row.chain_id
    with pytest.raises(KnowledgeError, match=problem) as caught:
        make_snapshot(concepts.values(), relations.values(), chains.values())
    assert key in str(caught.value)


def test_a_row_given_twice_is_refused() -> None:
    held = fx.snapshot()
    twice = [*held.relations.values(), fx.rel("osmosis", "diffusion")]
    with pytest.raises(KnowledgeError, match="twice"):
        make_snapshot(held.concepts.values(), twice, held.chains.values())


def test_orphans_are_what_lies_on_no_chain() -> None:
    held = fx.snapshot()
    kept = [g for g in held.chains.values() if fx.cid("running water") not in g.concept_ids]
    found = find_orphans(make_snapshot(held.concepts.values(), held.relations.values(), kept))
    lone = [fx.rel("weathering", "erosion").relation_id, fx.rel("erosion", "running water").relation_id]
    assert found == tuple(sorted([fx.cid("erosion"), fx.cid("running water"), *lone]))
    assert find_orphans(held) == ()


def test_walks_follow_direction_and_take_symmetric_relations_both_ways() -> None:
    graph = Adjacency(fx.snapshot())
    reached = {graph.snapshot.term(w.concept_ids[-1]) for w in graph.walks(fx.cid("erosion"), 2)}
    assert reached == {"sediment"}
    assert list(graph.walks(fx.cid("glucose"), 1)) == []
    assert all(len(set(w.concept_ids)) == 4 for c in fx.snapshot().concepts for w in graph.walks(c, 3))


def test_every_chain_of_the_graph_is_among_its_walks() -> None:
    graph = Adjacency(fx.snapshot())
    for chain in fx.snapshot().chains.values():
        assert chain.relation_ids in {w.relation_ids for w in graph.walks(chain.concept_ids[0], chain.hops)}


def test_an_unknown_concept_has_no_neighbours_but_an_error() -> None:
    with pytest.raises(KnowledgeError):
        neighbours(fx.snapshot(), "c_" + "0" * 16)
