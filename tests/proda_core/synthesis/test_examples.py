"""Initial Examples cover the graph in three formats, stand alone, and pass the guard."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore
from proda_core.config import SynthesisConfig
from proda_core.guard import LineageIndex, check_examples
from proda_core.ids import pair_key
from proda_core.jobs import JobContext, JobRequest
from proda_core.knowledge import save_snapshot, snapshot_id
from proda_core.layout import COT_SUFFIX, parse_cot_choice, parse_true_false
from proda_core.phi import verbalise
from proda_core.records import load_examples, save_benchmark
from proda_core.synthesis import examples_job
from proda_core.synthesis.benchmark import BenchmarkBuild
from proda_core.synthesis.data_report import data_report
from proda_core.synthesis.examples import ExampleSet, build_examples
from proda_core.synthesis.options import item_ends
from proda_core.synthesis.rows import Refused, RowText, RowWriter, context_failure
from proda_core.synthesis.truths import Truths
from proda_core.types import Example, ExampleKind, Format, KnowledgeSnapshot


def of(rows: tuple[Example, ...], template: str) -> list[Example]:
    found = [row for row in rows if row.lineage.template.startswith(template)]
    assert found, template
    return found


def test_every_concept_and_relation_is_taught_and_every_relation_in_every_format(
    examples: ExampleSet, index: LineageIndex, build: BenchmarkBuild
) -> None:
    report = data_report(examples.rows, index, build.benchmark, examples.left_out)
    organized, rigorous = report["organized"], report["rigorous"]
    assert organized["concepts_covered"] == organized["relations_covered"] == 1.0
    assert rigorous["relations_in_every_format"] > 0.98
    assert report["contextualized"]["failures"] == 0
    assert report["evolving"]["rows_without_ids"] == 0
    assert report["words"]["most"] <= 110
    assert set(rigorous["gold_letters"]) == set("ABCD")


def test_no_row_is_refused_by_the_guard(
    examples: ExampleSet, index: LineageIndex, build: BenchmarkBuild
) -> None:
    assert check_examples(examples.rows, index, build.benchmark) == ()


def test_declared_lineage_is_what_the_text_says(examples: ExampleSet, index: LineageIndex) -> None:
    for row in examples.rows:
        if row.kind is ExampleKind.RELATION:
            derived = index.derive(row.text)
            assert (row.lineage.l1_ids, row.lineage.l2_ids) == (derived.l1_ids, derived.l2_ids)


def test_open_answers_are_the_canonical_statements_of_the_relations(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    statements = {
        verbalise(r.type, snapshot.term(r.subject_id), snapshot.term(r.object_id))
        for r in snapshot.relations.values()
    }
    for row in of(examples.rows, "example.qa"):
        told = [f"{part}." for part in row.messages[1].content.rstrip(".").split(". ")]
        assert set(told) <= statements


def test_a_question_with_several_right_answers_tells_them_all_or_asks_for_one(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    truths = Truths(snapshot)
    several = 0
    for row in of(examples.rows, "example.qa.forward"):
        answers = row.messages[1].content.count(".")
        relation = snapshot.relations[row.lineage.l2_ids[0]]
        right = truths.after(relation.subject_id, relation.type)
        if len(row.lineage.l2_ids) == 1 and len(right) > 1:
            assert row.messages[0].content.startswith("Name one")
        several += answers > 1
    assert several


def test_choices_have_four_options_one_right_and_balanced_places(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    truths = Truths(snapshot)
    ids = {concept.term: key for key, concept in snapshot.concepts.items()}
    letters: Counter[str] = Counter()
    for row in of(examples.rows, "example.choice"):
        question, *options = row.messages[0].content.split("\n")
        terms = [option[3:] for option in options if option[1:3] == ". "]
        answer = row.messages[1].content
        reasoned = row.messages[0].content.endswith(COT_SUFFIX)
        letter = parse_cot_choice(answer, terms)
        assert len(terms) == 4 and letter
        letters[letter] += 1
        gold = ids[terms["ABCD".index(letter)]]
        relation = next(
            r
            for r in map(snapshot.relations.get, row.lineage.l2_ids)
            if r and gold in (r.subject_id, r.object_id)
        )
        forward = relation.object_id == gold
        known = relation.subject_id if forward else relation.object_id
        right = truths.implied(known, (relation.type,), forward=forward)
        assert not right & {ids[t] for n, t in enumerate(terms) if n != "ABCD".index(letter)}
        assert "which of these" in question
        if reasoned:  # one fact, said as the graph verbalises it, and its option: nothing is composed
            fact = verbalise(
                relation.type, snapshot.term(relation.subject_id), snapshot.term(relation.object_id)
            )
            assert answer == f"From {snapshot.term(known)}: {fact} So {snapshot.term(gold)}. Answer: {letter}"
    assert max(letters.values()) - min(letters.values()) <= 2


def test_true_and_false_are_balanced_and_a_false_statement_is_put_right(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    rows = of(examples.rows, "example.truth")
    values = Counter(parse_true_false(row.messages[1].content) for row in rows)
    assert abs(values["True"] - values["False"]) <= 0.02 * len(rows)
    statements = {
        verbalise(r.type, snapshot.term(r.subject_id), snapshot.term(r.object_id))
        for r in snapshot.relations.values()
    }
    for row in rows:
        answer = row.messages[1].content
        assert answer == "True" or answer.removeprefix("False. ") in statements


def test_facts_stand_first_and_last_in_rows_about_a_concept(examples: ExampleSet) -> None:
    first, last = set(), set()
    for row in of(examples.rows, "example.about"):
        sentences = row.messages[1].content.rstrip(".").split(". ")
        assert 2 <= len(sentences) <= 3
        first.add(sentences[0])
        last.add(sentences[-1])
    assert first & last


def steps_of(row: Example) -> list[tuple[str, str]]:
    """Where each step of a chain of thought sets out from, and what it states."""
    body = re.split(r" (?:So .*?\. )?Answer: ", row.messages[1].content)[0]
    return re.findall(r"From (.*?): (.*?\.)(?= From |$)", body)


def test_each_fact_is_recalled_in_a_chain_of_thought_beside_unrelated_ones_first_and_last(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    statements = {
        verbalise(r.type, snapshot.term(r.subject_id), snapshot.term(r.object_id)): r
        for r in snapshot.relations.values()
    }
    asked: Counter[str] = Counter()
    first, last, options = set(), set(), 0
    for row in of(examples.rows, "example.in_turn"):
        told = [said for _, said in steps_of(row)]
        facts = [statements[said] for said in told]
        ends = [end for fact in facts for end in (fact.subject_id, fact.object_id)]
        assert 2 <= len(told) <= 3 and len(set(ends)) == len(ends)  # no two of them make a chain
        assert row.messages[0].content.endswith(COT_SUFFIX)
        asked.update(told)
        first.add(told[0])
        last.add(told[-1])
        options += row.format is Format.CHOICE
    assert asked.keys() == statements.keys() and max(asked.values()) <= 5
    assert first & last
    assert 0.5 < options / len(of(examples.rows, "example.in_turn")) < 0.85


def test_a_row_of_facts_in_turn_brings_no_other_relation_together_and_no_option_is_of_an_earlier_fact(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    ends_of = {
        verbalise(r.type, snapshot.term(r.subject_id), snapshot.term(r.object_id)): {
            r.subject_id,
            r.object_id,
        }
        for r in snapshot.relations.values()
    }
    terms = {concept.term.lower(): key for key, concept in snapshot.concepts.items()}
    for row in of(examples.rows, "example.in_turn"):
        told = [ends_of[said] for _, said in steps_of(row)]
        named = [snapshot.relations[key] for key in row.lineage.l2_ids]
        assert all({relation.subject_id, relation.object_id} in told for relation in named)
        options = [line[3:].lower() for line in row.messages[0].content.split("\n") if line[1:3] == ". "]
        assert not {terms[option] for option in options} & set().union(*told[:-1])


def test_in_a_row_of_facts_in_turn_the_option_that_is_right_ends_the_last_step(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    for row in of(examples.rows, "example.in_turn"):
        if row.format is Format.CHOICE:
            terms = [line[3:] for line in row.messages[0].content.split("\n") if line[1:3] == ". "]
            letter = parse_cot_choice(row.messages[1].content, terms)
            assert (
                letter and terms["ABCD".index(letter)] in steps_of(row)[-1][1].lower() + steps_of(row)[-1][1]
            )


def test_a_reasoned_open_question_is_asked_from_the_side_with_fewer_answers(
    examples: ExampleSet, snapshot: KnowledgeSnapshot
) -> None:
    truths = Truths(snapshot)
    ids = {concept.term: key for key, concept in snapshot.concepts.items()}
    for row in of(examples.rows, "example.reasoned"):
        ((known, _),) = steps_of(row)
        relation = snapshot.relations[row.lineage.l2_ids[0]]
        after = len(truths.after(relation.subject_id, relation.type))
        before = len(truths.before(relation.object_id, relation.type))
        if after != before:
            assert ids[known] == (relation.subject_id if after < before else relation.object_id)


def test_definition_rows_name_exactly_one_concept(examples: ExampleSet) -> None:
    rows = [row for row in examples.rows if row.kind is ExampleKind.DEFINITION]
    assert {row.format for row in rows} == {Format.QA, Format.CHOICE}
    assert {len(row.lineage.l1_ids) for row in rows} == {1}


def test_more_wordings_give_more_and_different_rows(
    index: LineageIndex, build: BenchmarkBuild, examples: ExampleSet
) -> None:
    more = build_examples(
        index, build.benchmark, SynthesisConfig(wordings=4, reasoned_rows=2, in_turn_rows=10), seed=0
    )
    assert len(more.rows) > 1.7 * len(examples.rows)
    questions = [row.messages[0].content for row in more.rows]
    assert len(set(questions)) > 0.99 * len(questions)


def test_no_example_joins_the_two_ends_of_an_items_chain(examples: ExampleSet, build: BenchmarkBuild) -> None:
    ends = item_ends(build.benchmark)
    for row in examples.rows:
        named = row.lineage.l1_ids
        assert not ends & {pair_key(a, b) for a in named for b in named if a != b}


def test_the_same_request_gives_the_same_rows(
    index: LineageIndex, build: BenchmarkBuild, examples: ExampleSet
) -> None:
    assert build_examples(index, build.benchmark, SynthesisConfig(), seed=0) == examples
    assert build_examples(index, build.benchmark, SynthesisConfig(), seed=9).rows != examples.rows


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("This leads to what in biology?", "dangling_pronoun"),
        ("What does {term} lead to?", "names_no_discipline"),
        ("In biology, what is known?", "names_no_concept"),
        ("In biology, what does {term} lead to?", ""),
    ],
)
def test_a_question_must_stand_alone(question: str, reason: str, index: LineageIndex) -> None:
    term = next(iter(index.snapshot.concepts.values())).term
    assert context_failure(question.format(term=term), "006", index) == reason


def test_a_row_that_is_too_long_or_states_nothing_is_refused_with_its_reason(index: LineageIndex) -> None:
    term = next(iter(index.snapshot.concepts.values())).term
    row = RowText(ExampleKind.RELATION, Format.QA, f"In biology, {term}?", "yes " * 120, "t", "006")
    assert RowWriter(index).write(row) == Refused("too_long", "t")
    row = RowText(ExampleKind.RELATION, Format.QA, f"In biology, {term}?", "Yes.", "t", "006")
    assert RowWriter(index).write(row) == Refused("states_no_relation", "t")


def test_the_job_saves_rows_and_report_under_the_benchmark(
    tmp_path: Path, snapshot: KnowledgeSnapshot, build: BenchmarkBuild, examples: ExampleSet
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    save_snapshot(store, snapshot.concepts.values(), snapshot.relations.values(), snapshot.chains.values())
    save_benchmark(store, build.benchmark)
    inputs = {"snapshot": snapshot_id(snapshot.digest), "benchmark": build.benchmark.benchmark_id}
    request = JobRequest(
        "synthesise", "proda_core.synthesis.examples_job:run", {"config": {"wordings": 2}, "seed": 0}, inputs
    )
    result = examples_job.run(JobContext(tmp_path, tmp_path, store, lambda p: None, lambda: False), request)
    key = result.artifacts["examples"]
    assert load_examples(store, key) == examples.rows
    manifest = store.manifest("examples", key)
    assert manifest.meta["benchmark_digest"] == build.benchmark.digest
    report = json.loads(store.file("examples", key, "data_report.json").read_text())
    assert report == manifest.meta["report"] == result.meta["report"]
