"""From readings to three levels: canonical names, triples, chains, no orphans, exact evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from proda_core.artifacts import ArtifactStore
from proda_core.config import TeacherConfig
from proda_core.errors import JobError, KnowledgeError, SetAside
from proda_core.extraction import Extracted, canonicalise, extract
from proda_core.extraction.build import build
from proda_core.extraction.canonical import opposed
from proda_core.extraction.chains import find_chains
from proda_core.extraction.graph import Triple, gather
from proda_core.extraction.job import run
from proda_core.extraction.linking import generalise
from proda_core.extraction.measure import glossary_recall, sample_relations
from proda_core.jobs.contract import JobContext, JobRequest
from proda_core.knowledge.snapshot import find_orphans, load_snapshot, make_snapshot
from proda_core.serialize import write_lines
from proda_core.teachers import Alias, Definition, Proposition, Reading, RulesTeacher
from proda_core.types import Chunk, Evidence
from tests.askers import FunctionAsker, Given, PatternModel, chunk_of, step, teacher_of

SENTENCE = "Some sentence that says it."


class SameVector:
    """An encoder for which everything is alike: only the lexical witness can keep terms apart."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 1), dtype=np.float32)


class OwnVector:
    """An encoder for which nothing is alike."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(len(texts), dtype=np.float32)


def _p(subject: str, type_: str, object_: str) -> Proposition:
    return Proposition(subject, type_, object_, "says", 0, len(SENTENCE))


def _reading(*propositions: Proposition, aliases: tuple[Alias, ...] = (), chunk: str = "k_1") -> Reading:
    return Reading(chunk, propositions, aliases=aliases)


def _chunk(chunk_id: str = "k_1", discipline: str = "001") -> Chunk:
    return Chunk(chunk_id, "d_1", 0, len(SENTENCE), SENTENCE, discipline, "T")


def _built(*readings: Reading, chunks: Sequence[Chunk] = ()) -> Extracted:
    return build(readings, chunks or [_chunk()], encoder=OwnVector(), config=TeacherConfig())


def test_case_hyphens_and_stated_aliases_are_one_concept() -> None:
    reading = _reading(
        _p("Gross-domestic product", "CAUSAL", "wealth"),
        _p("gross domestic product", "CAUSAL", "trade"),
        _p("GDP", "CAUSAL", "jobs"),
        aliases=(Alias("gross domestic product", "GDP"),),
    )
    canon = canonicalise([reading], encoder=OwnVector(), similarity=0.9)
    assert len({canon.key(t) for t in ("GDP", "Gross-domestic product", "gross domestic product")}) == 1
    assert "GDP" in canon.aliases[canon.key("GDP")]


def test_another_word_order_merges_only_when_the_encoder_confirms() -> None:
    reading = _reading(_p("growth rate", "CAUSAL", "wealth"), _p("rate of growth", "CAUSAL", "trade"))
    alike = canonicalise([reading], encoder=SameVector(), similarity=0.9)
    apart = canonicalise([reading], encoder=OwnVector(), similarity=0.9)
    assert alike.key("growth rate") == alike.key("rate of growth")
    assert apart.key("growth rate") != apart.key("rate of growth")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("price ceiling", "price floor"),
        ("demand", "supply"),
        ("demand curve", "supply curve"),
        ("higher price", "lower price"),
        ("price", "equilibrium price"),
        ("mitosis", "meiosis"),
        ("import", "export"),
    ],
)
def test_opposites_and_modified_terms_never_merge_even_if_all_vectors_are_equal(one: str, other: str) -> None:
    reading = _reading(_p(one, "CAUSAL", "wealth"), _p(other, "CAUSAL", "trade"))
    canon = canonicalise([reading], encoder=SameVector(), similarity=0.1)
    assert canon.key(one) != canon.key(other)


def test_equal_definitions_do_not_merge_opposites() -> None:
    definitions = (
        Definition("upper bound", "a limit on it", 0, 5),
        Definition("lower bound", "a limit on it", 0, 5),
    )
    propositions = (_p("upper bound", "CAUSAL", "x y"), _p("lower bound", "CAUSAL", "y z"))
    canon = canonicalise(
        [Reading("k_1", propositions, (), definitions)], encoder=SameVector(), similarity=0.1
    )
    assert opposed("upper bound", "lower bound")
    assert canon.key("upper bound") != canon.key("lower bound")


def test_terms_that_the_text_relates_are_two_concepts_whatever_it_calls_them() -> None:
    reading = _reading(_p("steam engine", "PART_OF", "engine"), aliases=(Alias("engine", "steam engine"),))
    canon = canonicalise([reading], encoder=SameVector(), similarity=0.1)
    assert canon.key("steam engine") != canon.key("engine")


def test_merging_rewrites_every_reference() -> None:
    aliases = (Alias("carbon dioxide", "CO2"),)
    extracted = _built(
        _reading(_p("fire", "CAUSAL", "CO2"), _p("carbon dioxide", "CAUSAL", "warming"), aliases=aliases)
    )
    assert len(extracted.chains) == 1
    (concept,) = [c for c in extracted.concepts if c.term in ("CO2", "carbon dioxide")]
    assert {r.object_id for r in extracted.relations} | {r.subject_id for r in extracted.relations} == {
        c.concept_id for c in extracted.concepts
    }
    assert len(concept.aliases) == 1


def test_duplicates_are_merged_with_all_their_evidence_and_contradictions_lose_to_the_stronger() -> None:
    readings = [
        _reading(_p("a b", "CAUSAL", "c d"), _p("x y", "CAUSAL", "x y"), chunk="k_1"),
        _reading(_p("A b", "CAUSAL", "c d"), _p("c d", "CAUSAL", "a b"), chunk="k_2"),
    ]
    canon = canonicalise(readings, encoder=OwnVector(), similarity=0.9)
    triples = gather(readings, {"k_1": _chunk("k_1"), "k_2": _chunk("k_2")}, canon)
    assert [(t.subject, t.object, len(t.evidence)) for t in triples.kept] == [("a b", "c d", 2)]
    assert triples.dropped == {"contradicted": 1, "self_loop": 1}


def test_an_object_is_generalised_only_to_what_the_texts_go_on_from() -> None:
    def triple(subject: str, object_: str, type_: str = "CAUSAL") -> Triple:
        return Triple(subject, type_, object_, "says")

    triples = [
        triple("smoke", "acid rain"),
        triple("rain", "erosion"),
        triple("tax", "higher price"),
        triple("price", "demand"),
        triple("mist", "heavy rain", "CONTRAST"),
    ]
    assert generalise(triples) == 1
    assert [t.object for t in triples] == ["rain", "erosion", "higher price", "demand", "heavy rain"]


NODES = st.sampled_from([f"n{i}" for i in range(8)])
EDGES = st.lists(
    st.tuples(NODES, st.sampled_from(["CAUSAL", "SPECIALIZATION", "CONTRAST"]), NODES), max_size=24
)


@given(EDGES, st.integers(2, 4))
@settings(max_examples=200, deadline=None)
def test_chains_never_revisit_a_concept_and_cover_all_that_joins(
    edges: list[tuple[str, str, str]], hops: int
) -> None:
    pairs: dict[frozenset[str], Triple] = {}
    for subject, type_, object_ in edges:
        if subject != object_:
            evidence = [Evidence("k_1", 0, 1, "S")]
            pairs.setdefault(frozenset((subject, object_)), Triple(subject, type_, object_, "v", evidence))
    triples = list(pairs.values())
    paths = find_chains(triples, max_hops=hops)
    assert len({tuple(s.triple for s in p.steps) for p in paths}) == len(paths)
    for path in paths:
        assert 2 <= len(path.steps) <= hops
        assert len(set(path.nodes)) == len(path.nodes)
        for walked in path.steps:
            triple = triples[walked.triple]
            ends = {(triple.subject, triple.object)}
            ends |= {(triple.object, triple.subject)} if triple.type == "CONTRAST" else set()
            assert (walked.source, walked.target) in ends
    covered = {step.triple for path in paths for step in path.steps}
    for number, triple in enumerate(triples):
        directed = [t for t in triples if t.type != "CONTRAST" and triple.type != "CONTRAST"]
        follows = any(t.subject == triple.object and t.object != triple.subject for t in directed)
        assert number in covered or not follows


@given(st.lists(st.tuples(NODES, st.just("CAUSAL"), NODES), max_size=24))
@settings(max_examples=100, deadline=None)
def test_what_is_extracted_is_a_valid_snapshot_without_orphans(edges: list[tuple[str, str, str]]) -> None:
    extracted = _built(_reading(*(_p(f"{s} thing", t, f"{o} thing") for s, t, o in edges)))
    snapshot = make_snapshot(extracted.concepts, extracted.relations, extracted.chains)
    assert find_orphans(snapshot) == ()


TEXT = (
    "Friction produces heat. Heat leads to expansion. Expansion causes cracking in stone. A brake is a machine that uses "
    "friction. Braking requires friction. Cracking gives rise to erosion, which is a natural process that shapes valleys."
)


def _real(text: str = TEXT) -> tuple[list[Chunk], Extracted]:
    chunks = [Chunk("k_0000000000000001", "d_1", 0, len(text), text, "001", "T")]
    return chunks, extract(chunks, RulesTeacher(), encoder=OwnVector(), config=TeacherConfig())


def test_every_quote_is_the_chunk_at_its_offsets() -> None:
    chunks, extracted = _real()
    evidence = [e for r in extracted.relations for e in r.evidence]
    evidence += [c.definition_evidence for c in extracted.concepts if c.definition_evidence]
    assert len(evidence) >= 4
    assert all(e.quote == chunks[0].text[e.start : e.end] for e in evidence)


def test_chains_join_sentences_end_to_end() -> None:
    _, extracted = _real()
    terms = {c.concept_id: c.term for c in extracted.concepts}
    walks = {tuple(terms[i] for i in chain.concept_ids) for chain in extracted.chains}
    assert ("friction", "heat", "expansion") in walks
    assert ("friction", "heat", "expansion", "cracking") in walks


def test_the_same_text_gives_the_same_knowledge() -> None:
    assert _real()[1] == _real()[1]


def _job(folder: Path, *texts: str, stop: bool = False) -> tuple[JobContext, JobRequest]:
    store = ArtifactStore(folder / "artifacts")
    chunks = [chunk_of(text, f"k_{number:016x}") for number, text in enumerate(texts, 1)]
    corpus = "u_0123456789abcdef"
    store.make("corpus", corpus, lambda f: write_lines(f / "chunks.jsonl", chunks))
    context = JobContext(folder, folder / "scratch", store, lambda _progress: None, lambda: stop)
    return context, JobRequest(
        "extract", "proda_core.extraction.job:run", {"config": {}, "seed": 0}, {"corpus": corpus}
    )


def test_the_job_saves_a_snapshot_that_loads_with_its_figures(tmp_path: Path) -> None:
    context, request = _job(tmp_path, TEXT)
    result = run(context, request)
    snapshot = load_snapshot(context.store, result.artifacts["snapshot"])
    assert result.meta["relations"] == len(snapshot.relations) >= 4
    assert result.meta["orphans"] == 0
    assert run(context, request).artifacts == result.artifacts


def test_what_a_model_said_and_the_text_does_not_is_counted_by_reason_in_the_jobs_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = PatternModel()

    def answer(kind: str, given: Given) -> Given:
        if "Silence" in given["document"]:
            raise SetAside("refusal", "no")
        said = model(kind, given)
        lies = [step("friction", "prevents", "heat", f"Friction prevents heat {n}.") for n in range(5)]
        return {"chains": [*said["chains"], {"steps": lies}]} if kind == "chains" else said

    monkeypatch.setattr(
        "proda_core.extraction.job.teacher_from", lambda *_given: teacher_of(FunctionAsker(answer))
    )
    context, request = _job(tmp_path, TEXT, "Silence falls on all of it.")
    meta = run(context, request).meta
    assert meta["teacher"] == "llm-1:test:function"
    assert meta["left_out"]["quote_not_in_chunk"] == 5
    assert meta["chunks_set_aside"] == {"refusal": 1}
    assert [one["source"] for one in meta["set_aside"]] == ["k_0000000000000002"]
    samples = [one for one in meta["left_out_samples"] if one["reason"] == "quote_not_in_chunk"]
    assert [one["sample"] for one in samples] == [f"Friction prevents heat {n}." for n in range(3)]


def test_a_text_without_any_chain_is_a_typed_error_and_a_stop_is_obeyed(tmp_path: Path) -> None:
    context, request = _job(tmp_path, "Nothing here says anything of anything.")
    with pytest.raises(KnowledgeError, match="no chain"):
        run(context, request)
    context, request = _job(tmp_path / "b", TEXT, stop=True)
    with pytest.raises(JobError, match="cancelled"):
        run(context, request)


def test_glossary_terms_are_found_by_alias_and_number_and_samples_repeat() -> None:
    _, extracted = _real()
    snapshot = make_snapshot(extracted.concepts, extracted.relations, extracted.chains)
    recall = glossary_recall(snapshot, ["Friction", "expansions", "entropy", "heat (Q)"])
    assert (recall.found, recall.total, recall.missing) == (3, 4, ("entropy",))
    assert sample_relations(snapshot, count=3, seed=1) == sample_relations(snapshot, count=3, seed=1)


def test_what_a_sentence_says_comes_before_what_a_name_tells_however_often_it_is_used() -> None:
    by_name = Proposition("price floor", "SPECIALIZATION", "floor", "", 0, len(SENTENCE))
    elsewhere = replace(by_name, end=4)
    said = _p("price floor", "CAUSAL", "floor")
    again = _p("price floor", "SPECIALIZATION", "floor")
    canon = canonicalise([_reading(by_name, said)], encoder=OwnVector(), similarity=0.9)
    (kept,) = gather([_reading(by_name, elsewhere, said)], {"k_1": _chunk()}, canon).kept
    assert kept.type == "CAUSAL"
    (kept,) = gather([_reading(by_name, again)], {"k_1": _chunk()}, canon).kept
    assert kept.verb_phrase == "says"
