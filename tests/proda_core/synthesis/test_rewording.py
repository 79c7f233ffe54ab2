"""Questions in a model's words take the template's place only where the graph and a second opinion agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proda_core.config import SynthesisConfig
from proda_core.errors import ConfigError, SetAside
from proda_core.guard import LineageIndex, check_examples
from proda_core.phi import verbalise
from proda_core.synthesis.benchmark import BenchmarkBuild
from proda_core.synthesis.examples import ExampleSet, build_examples
from proda_core.teachers.llm.wording import TOGETHER, Rewriter, Wanted, Worded
from proda_core.types import KnowledgeSnapshot
from tests.askers import FunctionAsker, Given

Write = Callable[[Given], str]


def honestly(row: Given) -> str:
    """The same question under another opening."""
    return f"For a student of {row['keep'][-1]}: {row['question']}"


def model(
    write: Write, true: Callable[[str], bool], *, contrary: bool = False
) -> Callable[[str, Given], Given]:
    """Words each row with ``write``; as second opinion names the fact that is ``true``, or, contrary, another."""

    def answer(kind: str, given: Given) -> Given:
        if kind == "wording":
            return {"rows": [{"row": row["row"], "question": write(row)} for row in given["rows"]]}
        said = []
        for row in given["rows"]:
            (fact,) = [one["number"] for one in row["facts"] if true(one["fact"])]
            said.append({"row": row["row"], "fact": 3 - fact if contrary else fact})
        return {"rows": said}

    return answer


def rewriter(answer: Callable[[str, Given], Given]) -> Rewriter:
    asker = FunctionAsker(answer, turns=lambda number: number % 5)
    return Rewriter(lambda: asker, at_once=3)


@pytest.fixture(scope="module")
def true(snapshot: KnowledgeSnapshot) -> Callable[[str], bool]:
    facts = {
        verbalise(r.type, snapshot.term(r.subject_id), snapshot.term(r.object_id))
        for r in snapshot.relations.values()
    }
    return facts.__contains__


WANTED = [
    Wanted(
        f"In physics, what does force {n} lead to?", f"Fact {n}.", f"Turned {n}.", (f"force {n}", "physics")
    )
    for n in range(2 * TOGETHER + 3)
]


def is_fact(text: str) -> bool:
    return text.startswith("Fact")


def test_wordings_come_in_the_order_asked_however_the_answers_come() -> None:
    found = rewriter(model(honestly, is_fact)).reword(WANTED)
    assert found == tuple(Worded(f"For a student of physics: {one.question}") for one in WANTED)


def test_what_a_second_opinion_reads_the_other_way_round_is_not_used() -> None:
    assert set(rewriter(model(honestly, is_fact, contrary=True)).reword(WANTED)) == {
        Worded("", "second_opinion")
    }


def test_a_row_left_out_or_a_call_without_a_good_answer_leaves_its_questions_as_they_were() -> None:
    good = model(honestly, is_fact)

    def forgetful(kind: str, given: Given) -> Given:
        answer = good(kind, given)
        return {"rows": [*answer["rows"][1:], {"row": 99, "question": "?"}]} if kind == "wording" else answer

    def refusing(kind: str, given: Given) -> Given:
        if kind == "opinion" and "force 0 " in str(given):
            raise SetAside("refusal")
        return good(kind, given)

    left = rewriter(forgetful).reword(WANTED)
    assert [n for n, one in enumerate(left) if one == Worded("", "not_worded")] == [0, TOGETHER, 2 * TOGETHER]
    left = rewriter(refusing).reword(WANTED)
    assert [one.reason for one in left] == ["refusal"] * TOGETHER + [""] * (TOGETHER + 3)


def test_the_second_opinion_does_not_see_the_templates_question_and_the_fact_has_no_usual_place() -> None:
    asker = FunctionAsker(model(lambda row: f"Say what {row['keep'][0]} does?", is_fact))
    Rewriter(lambda: asker, at_once=1).reword(WANTED)
    opinions = [task.content for task in asker.tasks if task.kind == "opinion"]
    assert len(opinions) == 3 and not any("In physics" in content for content in opinions)
    assert any(f'"number": {place},\n     "fact": "Fact' in content for content in opinions for place in (1,))
    assert any(f'"number": {place},\n     "fact": "Fact' in content for content in opinions for place in (2,))


def rows_with(
    index: LineageIndex, build: BenchmarkBuild, write: Write, true: Callable[[str], bool]
) -> ExampleSet:
    config = SynthesisConfig(reworded_rows=1)
    return build_examples(index, build.benchmark, config, seed=0, reword=rewriter(model(write, true)).reword)


def test_a_reworded_row_stands_in_the_templates_place_with_the_same_lineage(
    index: LineageIndex, build: BenchmarkBuild, examples: ExampleSet, true: Callable[[str], bool]
) -> None:
    made = rows_with(index, build, honestly, true)
    new = [row for row in made.rows if row.lineage.template.endswith(".reworded")]
    assert len(new) == made.rewording["reworded"] > 20
    assert len(made.rows) == len(examples.rows)
    assert check_examples(made.rows, index, build.benchmark) == ()
    for old, row in zip(examples.rows, made.rows, strict=True):
        assert (row.lineage.l1_ids, row.lineage.l2_ids) == (old.lineage.l1_ids, old.lineage.l2_ids)
        assert row.messages[-1] == old.messages[-1]
        assert row == old or row.messages[0].content == honestly(
            {"keep": [row.messages[0].content.split(": ")[0][17:]], "question": old.messages[0].content}
        )


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda row: f"{row['question'][:-1]}, as {row['fact'].rstrip('.')}?", "names_other_concepts"),
        (lambda row: f"What is asked in {row['keep'][-1]}?", "names_other_concepts"),
        (lambda row: f"Say it. {row['question'][:-1]}.", "no_question"),
        (lambda row: row["question"].upper(), "same_words"),
        (lambda row: f"This asks for more: {row['question']}", "dangling_pronoun"),
        (lambda row: "word " * 120 + row["question"], "too_long"),
    ],
)
def test_a_wording_that_the_graph_does_not_bear_out_leaves_the_template(
    write: Write,
    reason: str,
    index: LineageIndex,
    build: BenchmarkBuild,
    examples: ExampleSet,
    true: Callable[[str], bool],
) -> None:
    made = rows_with(index, build, write, true)
    assert made.rewording.keys() == {f"kept_template_{reason}", "reworded"}
    assert made.rewording["reworded"] == 0
    assert made.rows == examples.rows


def test_rewording_without_a_model_is_a_configuration_error() -> None:
    from proda_core.config import config_from

    with pytest.raises(ConfigError, match=r"teacher\.kind"):
        config_from({"synthesis": {"reworded_rows": 1}})
