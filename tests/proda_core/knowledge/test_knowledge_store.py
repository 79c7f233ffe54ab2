"""The store over real Kùzu: bulk load, the named queries, one store a path, and loads that were killed or fail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.errors import KnowledgeError
from proda_core.knowledge import (
    Adjacency,
    component_sizes,
    find_orphans,
    neighbours,
    save_snapshot,
    snapshot_id,
)
from proda_core.knowledge import store as store_module
from proda_core.knowledge.store import KnowledgeStore
from tests import fixtures_knowledge as fx

SNAPSHOT_ID = snapshot_id(fx.snapshot().digest)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The fixture's snapshot artifact, below a folder with a quote and a space in its name."""
    store = ArtifactStore(tmp_path / "someone's files")
    held = fx.snapshot()
    save_snapshot(store, held.concepts.values(), held.relations.values(), held.chains.values())
    return store.path("snapshot", SNAPSHOT_ID)


@pytest.fixture
def loaded(tmp_path: Path, folder: Path) -> Iterator[KnowledgeStore]:
    with KnowledgeStore(tmp_path / "knowledge.kuzu") as store:
        assert store.load(folder, SNAPSHOT_ID)
        yield store


def test_counts_and_components_are_the_snapshots(loaded: KnowledgeStore) -> None:
    held, stats, parts = fx.snapshot(), loaded.stats(), loaded.components()
    assert (stats.concepts, stats.relations, stats.chains) == (18, 16, 8)
    assert sum(stats.by_type.values()) == sum(stats.by_discipline.values()) == 16
    assert stats.by_type["CONTRAST"] == 2
    assert parts.sizes == component_sizes(held) == (12, 6)
    assert parts.largest_share == pytest.approx(12 / 18)
    triples = {(t.relation_id, t.subject_id, t.type, t.object_id) for t in loaded.triples()}
    assert triples == {(r.relation_id, r.subject_id, r.type, r.object_id) for r in held.relations.values()}


def test_neighbours_are_the_snapshots_by_id_term_and_alias(loaded: KnowledgeStore) -> None:
    for concept in fx.snapshot().concepts.values():
        for name in (concept.concept_id, concept.term.upper(), *concept.aliases):
            found = {n.concept_id for n in loaded.neighbours(name)}
            assert found == set(neighbours(fx.snapshot(), concept.concept_id))


def test_a_symmetric_relation_is_one_neighbour_and_walked_both_ways(loaded: KnowledgeStore) -> None:
    assert len([n for n in loaded.neighbours("erosion") if n.term == "weathering"]) == 1
    assert [f.type for f in loaded.walk("erosion", "sedimentary rock")] == ["CONTRAST", "CAUSAL", "CAUSAL"]


def test_a_walk_is_the_shortest_path_and_each_step_is_read_in_a_sentence(loaded: KnowledgeStore) -> None:
    steps = loaded.walk("chlorophyll", "glucose")
    path = next(Adjacency(fx.snapshot()).paths(fx.cid("chlorophyll"), fx.cid("glucose"), 6))
    assert tuple(f.relation_id for f in steps) == path.relation_ids
    assert steps[0].evidence[0].quote == "Every chloroplast contains chlorophyll."
    assert loaded.walk("glucose", "chlorophyll") == ()


def test_lineage_leads_from_each_level_back_to_the_sentence(loaded: KnowledgeStore) -> None:
    relation = fx.rel("osmosis", "diffusion")
    sentence = "Osmosis is a kind of diffusion in which water crosses a membrane."
    assert loaded.lineage(relation.relation_id).facts[0].evidence[0].quote == sentence
    chain = fx.chain("osmosis", "diffusion", "concentration gradient")
    assert tuple(f.relation_id for f in loaded.lineage(chain.chain_id).facts) == chain.relation_ids
    concept = loaded.lineage(fx.cid("osmosis"))
    assert concept.definition_evidence is not None and concept.definition_evidence.quote == sentence
    assert {f.object for f in concept.facts} == {"diffusion", "active transport"}


@pytest.mark.parametrize("unknown", ["c_0000000000000000", "r_0000000000000000", "g_0000000000000000", "?"])
def test_lineage_of_an_unknown_id_is_an_error(loaded: KnowledgeStore, unknown: str) -> None:
    with pytest.raises(KnowledgeError, match="holds no"):
        loaded.lineage(unknown)


def test_search_finds_terms_and_aliases_exact_ones_first(loaded: KnowledgeStore) -> None:
    assert [f.term for f in loaded.search("ATP")] == ["adenosine triphosphate"]
    assert [f.term for f in loaded.search("sediment")] == ["sediment", "sedimentary rock"]
    assert loaded.search("sediment", most=1)[0].term == "sediment"
    assert loaded.search("  ") == ()


def test_a_callers_words_are_never_query_text(loaded: KnowledgeStore) -> None:
    assert loaded.search("' OR true RETURN 1 //") == ()
    assert loaded.stats().concepts == 18


def test_an_unknown_term_suggests_what_contains_it(loaded: KnowledgeStore) -> None:
    with pytest.raises(KnowledgeError, match="sedimentary rock"):
        loaded.neighbours("sedimentar")


def test_the_fixture_has_no_orphans_and_an_orphan_is_named(tmp_path: Path, loaded: KnowledgeStore) -> None:
    assert loaded.orphans() == find_orphans(fx.snapshot()) == ()
    loaded.check_orphans()
    held, store = fx.snapshot(), ArtifactStore(tmp_path / "fewer")
    kept = [g for g in held.chains.values() if g.discipline == fx.BIOLOGY]
    fewer = save_snapshot(store, held.concepts.values(), held.relations.values(), kept)
    key = snapshot_id(fewer.digest)
    assert loaded.load(store.path("snapshot", key), key)
    assert loaded.orphans() == find_orphans(fewer) != ()
    with pytest.raises(KnowledgeError, match=loaded.orphans()[0]):
        loaded.check_orphans()


def test_loading_the_same_snapshot_again_is_a_no_op(loaded: KnowledgeStore, folder: Path) -> None:
    shutil.rmtree(folder)
    assert not loaded.load(folder, SNAPSHOT_ID)
    assert loaded.stats().relations == 16


def test_a_load_that_fails_midway_leaves_the_graph_that_was_there(
    loaded: KnowledgeStore, folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "chains.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(KnowledgeError, match="cannot load snapshot s_1"):
        loaded.load(broken, "s_1")
    assert loaded.snapshot_id == SNAPSHOT_ID
    assert loaded.stats().chains == 8
    assert not loaded.load(folder, SNAPSHOT_ID)


def test_a_folder_that_is_no_snapshot_is_an_error(tmp_path: Path) -> None:
    with (
        KnowledgeStore(tmp_path / "knowledge.kuzu") as store,
        pytest.raises(KnowledgeError, match="not a snapshot"),
    ):
        store.load(tmp_path, SNAPSHOT_ID)


def test_asking_an_empty_store_says_what_to_run(tmp_path: Path) -> None:
    with KnowledgeStore(tmp_path / "knowledge.kuzu") as store:
        assert store.snapshot_id is None
        with pytest.raises(KnowledgeError, match="run the extraction"):
            store.stats()


def test_a_second_store_on_the_same_path_is_refused_and_a_closed_one_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.kuzu"
    with KnowledgeStore(path) as first:
        with pytest.raises(KnowledgeError, match="open in this process"):
            KnowledgeStore(tmp_path / "." / "knowledge.kuzu")
        first.close()
        with pytest.raises(KnowledgeError, match="is closed"):
            first.orphans()
    with KnowledgeStore(path) as again:
        assert again.snapshot_id is None


def test_another_process_cannot_open_the_store_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.kuzu"
    code = (
        "import sys; from pathlib import Path; from proda_core.knowledge.store import KnowledgeStore\n"
        "KnowledgeStore(Path(sys.argv[1]))"
    )
    with KnowledgeStore(path):
        found = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
        )
    assert found.returncode != 0
    assert "KnowledgeError: cannot open knowledge.kuzu" in found.stderr


def test_a_store_survives_reopening(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "knowledge.kuzu"
    with KnowledgeStore(path) as store:
        store.load(folder, SNAPSHOT_ID)
    with KnowledgeStore(path) as store:
        assert store.snapshot_id == SNAPSHOT_ID and store.stats().concepts == 18


def test_a_query_past_its_time_is_an_error_and_not_a_hang(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "MATCH p = (a:Concept)-[e:Link* 1..28]-(b:Concept) RETURN count(*) AS n"
    monkeypatch.setattr(store_module, "QUERIES", {**store_module.QUERIES, "endless": endless})
    with KnowledgeStore(tmp_path / "knowledge.kuzu", timeout_ms=100) as store:
        store.load(folder, SNAPSHOT_ID)
        with pytest.raises(KnowledgeError, match="timeout"):
            store._ask("endless")
        assert store.stats().relations == 16


def test_threads_asking_and_loading_wait_for_each_other(
    loaded: KnowledgeStore, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    errors: list[Exception] = []

    def work(name: str) -> None:
        try:
            loaded.load(other, name)
            loaded.stats()
        except KnowledgeError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"s_{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and loaded.stats().relations == 16


_KILLED = """
import os, signal, sys
from pathlib import Path
from proda_core.knowledge import store as m

left = int(sys.argv[4])
class Cut(tuple):
    def __iter__(self):
        for number, statement in enumerate(tuple.__iter__(self)):
            if number == left:
                os.kill(os.getpid(), signal.SIGKILL)
            yield statement
m.COPIES = Cut(m.COPIES)
m.KnowledgeStore(Path(sys.argv[1])).load(Path(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.parametrize("after", [0, 3, 6])
def test_a_load_killed_at_any_copy_is_done_again(tmp_path: Path, folder: Path, after: int) -> None:
    path = tmp_path / "knowledge.kuzu"
    argv = [sys.executable, "-c", _KILLED, str(path), str(folder), SNAPSHOT_ID, str(after)]
    killed = subprocess.run(argv, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": "."})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with KnowledgeStore(path) as store:
        assert store.snapshot_id is None
        assert store.load(folder, SNAPSHOT_ID)
        assert store.stats().chains == 8
        store.check_orphans()
