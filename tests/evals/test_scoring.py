"""Scorers, the benchmark and the general suite under scripted students."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from evals.baselines import chance, longest_option, options_only, options_prior
from evals.benchmark_eval import score_benchmark
from evals.general_suite import score_suite, suite
from evals.scorers import score_items
from evals.summary import accuracy, summarise
from proda_core.errors import BenchmarkError, StudentError
from proda_core.layout import COT_SUFFIX, LETTERS
from proda_core.students import ScriptedStudent
from proda_core.types import EvalReport, Item, Score, Scoring, Split
from tests.evals.reports import benchmark, item

ITEMS = tuple(item(place, Split.DEV) for place in range(8))


def student(reply: str = "A", *, name: str = "scripted") -> ScriptedStudent:
    return ScriptedStudent(
        reply=lambda prompt: reply, score=lambda prompt, option: -float(len(option)), name=name
    )


def score(reply: str, scoring: Scoring, items: tuple[Item, ...] = ITEMS) -> list[Score]:
    return score_items(student(reply), items, scoring=scoring, max_new_tokens=96)


def test_the_letter_scoring_reads_the_letter_and_nothing_of_the_option_text() -> None:
    found = score("B", Scoring.LETTER)
    assert [s.value for s in found] == [float(i.gold_index == 1) for i in ITEMS]
    assert all(s.answer == 1 and s.output == "B" for s in found)


def test_the_letter_scoring_allows_fifteen_tokens() -> None:
    asked: list[int] = []

    class Counting(ScriptedStudent):
        def generate(self, prompts: Sequence[str], *, max_new_tokens: int) -> list[str]:
            asked.append(max_new_tokens)
            return ["A"] * len(prompts)

    score_items(Counting(lambda p: "", lambda p, o: 0.0), ITEMS, scoring=Scoring.LETTER, max_new_tokens=96)
    score_items(Counting(lambda p: "", lambda p, o: 0.0), ITEMS, scoring=Scoring.COT, max_new_tokens=96)
    assert asked == [15, 96]


def test_chain_of_thought_is_asked_with_the_suffix_and_answered_after_the_steps() -> None:
    prompts: list[str] = []
    thinking = ScriptedStudent(
        reply=lambda prompt: (prompts.append(prompt), "A beta ray leads to B. Answer: C")[1],
        score=lambda p, o: 0.0,
    )
    found = score_items(thinking, ITEMS[:1], scoring=Scoring.COT, max_new_tokens=96)
    assert found[0].answer == 2
    assert prompts == [f"dev question 0?\nA. alpha ray\nB. beta ray\nC. gamma ray\nD. delta ray{COT_SUFFIX}"]


@pytest.mark.parametrize("scoring", [Scoring.LETTER, Scoring.COT])
def test_an_unreadable_reply_is_wrong_and_counted_apart(scoring: Scoring) -> None:
    found = score("it depends", scoring)
    assert {(s.value, s.answer, s.reason) for s in found} == {(0.0, None, "format_error")}
    assert found[0].output == "it depends"


def test_a_conclusion_in_good_form_that_is_no_option_is_wrong_and_no_format_error() -> None:
    found = score("Alpha ray leads to omega ray. Answer: omega ray", Scoring.COT)
    assert {(s.value, s.answer, s.reason) for s in found} == {(0.0, None, "off_options")}


def test_option_loglikelihood_takes_the_first_of_the_greatest_and_keeps_all_four() -> None:
    found = score("", Scoring.LOGLIKELIHOOD)
    assert found[0].answer == 1  # "beta ray" is the shortest
    assert json.loads(found[0].output) == [-9.0, -8.0, -9.0, -9.0]
    flat = ScriptedStudent(reply=lambda p: "", score=lambda p, o: -1.0)
    tied = score_items(flat, ITEMS, scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=1)
    assert {s.answer for s in tied} == {0}


def test_option_loglikelihood_asks_the_stem_alone() -> None:
    seen: set[str] = set()
    spying = ScriptedStudent(reply=lambda p: "", score=lambda p, o: (seen.add(p), -1.0)[1])
    score_items(spying, ITEMS[:2], scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=1)
    assert seen == {"dev question 0?", "dev question 1?"}


def test_a_likelihood_that_is_no_number_is_unscored() -> None:
    sick = ScriptedStudent(reply=lambda p: "", score=lambda p, o: math.nan if "0" in p else -1.0)
    found = score_items(sick, ITEMS[:2], scoring=Scoring.LOGLIKELIHOOD, max_new_tokens=1)
    assert (found[0].value, found[0].answer) == (None, None)
    assert "not finite" in found[0].reason
    assert found[1].value is not None


@dataclass(frozen=True, slots=True)
class FailsOn:
    """An engine that fails on every batch holding a prompt with ``word``; "" makes it fail always."""

    word: str
    name: str = "failing"

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int) -> list[str]:
        if any(self.word in prompt for prompt in prompts):
            raise StudentError("out of memory")
        return ["A"] * len(prompts)

    def option_loglikelihoods(
        self, prompts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        raise StudentError("out of memory")


def test_an_engine_failure_leaves_only_its_own_item_unscored() -> None:
    found = score_items(FailsOn("question 5"), ITEMS, scoring=Scoring.LETTER, max_new_tokens=96)
    assert [s.value is None for s in found] == [place == 5 for place in range(8)]
    assert found[5].reason == "engine: out of memory"
    assert accuracy(found).n == 7


def test_an_engine_that_answers_nothing_is_an_error_and_no_report() -> None:
    with pytest.raises(StudentError, match="answered none of 80 items"):
        score_benchmark(FailsOn(""), benchmark(), max_new_tokens=96)
    with pytest.raises(StudentError, match="answered none"):
        score_benchmark(FailsOn(""), benchmark(scoring=Scoring.LOGLIKELIHOOD), max_new_tokens=96)


def test_sealed_scores_keep_no_answer_and_no_text() -> None:
    found = score_benchmark(student("Answer: A"), benchmark(), max_new_tokens=96)
    assert all(s.output == "Answer: A" and s.answer == 0 for s in found.dev)
    assert all(s.output == "" and s.answer is None for s in found.sealed)
    assert sum(s.correct for s in found.sealed) == 10


def test_the_frozen_scoring_is_the_one_used() -> None:
    bare = score_benchmark(student("B"), benchmark(scoring=Scoring.LETTER), max_new_tokens=96)
    assert all(s.reason == "" for s in bare.dev)
    same_reply = score_benchmark(student("B"), benchmark(scoring=Scoring.COT), max_new_tokens=96)
    assert all(s.reason == "format_error" for s in same_reply.dev)


def test_withdrawn_items_are_not_asked() -> None:
    bench, asked = benchmark(), []
    gone = bench.items[3]
    watching = ScriptedStudent(reply=lambda p: (asked.append(p), "Answer: A")[1], score=lambda p, o: 0.0)
    found = score_benchmark(watching, bench, max_new_tokens=96, withdrawn={gone.item_id})
    assert not any(gone.stem in prompt for prompt in asked)
    assert (found.dev[3].value, found.dev[3].reason) == (None, "withdrawn")
    assert len(found.dev) == 40


def test_a_summary_gives_aggregates_with_n_and_hides_small_sealed_slices() -> None:
    bench = benchmark(dev=40, sealed=12)
    found = score_benchmark(student("Answer: A"), bench, max_new_tokens=96)
    broken = (replace(found.dev[0], value=None, reason="engine: x"), *found.dev[1:])
    general = score_suite(student("gibberish"), suite(seed=1, count=40), max_new_tokens=96)
    report = EvalReport("q_0", "base", bench.digest, "cot", broken, found.sealed, general)
    summary = summarise(report)
    assert (summary.dev.accuracy.n, summary.dev.unscored) == (39, 1)
    assert sum(cell.n for cell in summary.dev.slices["discipline"].values()) == 39
    assert set(summary.sealed.slices["hops"]) == {"2", "3"}
    assert summary.sealed.slices["discipline"] == {}  # four disciplines of at most four items
    assert set(summary.general.slices) == {"kind"}
    assert summary.general.accuracy.value == 0
    assert summary.general.format_errors > 0


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [((9, 8), (9, 8)), ((9, 8, 3), (9,)), ((9, 8, 3, 2), (9, 8)), ((6, 4), ()), ((4, 4), ()), ((5,), (5,))],
)
def test_a_hidden_sealed_slice_is_not_left_when_the_others_are_taken_from_the_total(
    sizes: tuple[int, ...], shown: tuple[int, ...]
) -> None:
    one = Score("i_0", 1.0, answer=0, gold=0)
    scores = tuple(
        replace(one, slices={"discipline": f"d{number}"})
        for number, size in enumerate(sizes)
        for _ in range(size)
    )
    summary = summarise(EvalReport("q_0", "base", "digest", "cot", (), scores, ()))
    assert tuple(cell.n for cell in summary.sealed.slices["discipline"].values()) == shown
    assert sum(sizes) - sum(shown) not in range(1, 5)


def test_the_general_suite_is_right_for_its_own_answers_and_the_same_for_one_seed() -> None:
    tasks = suite(seed=4, count=60)
    answers = {task.prompt: task.answer for task in tasks}
    knowing = ScriptedStudent(reply=lambda prompt: answers[prompt], score=lambda p, o: 0.0)
    found = score_suite(knowing, tasks, max_new_tokens=96)
    assert all(s.correct for s in found)
    assert tasks == suite(seed=4, count=60)
    assert {task.family for task in tasks} == {"heldout"}
    assert len({s.slices["kind"] for s in found}) > 5
    assert len({task.task_id for task in tasks}) == len(tasks)


def test_a_general_reply_without_the_form_its_kind_asks_for_is_a_format_error() -> None:
    tasks = suite(seed=4, count=80)
    kinds = {"truefalse", "choice", "choice_cot", "chain2", "chain_choice2", "open"}
    found = score_suite(student("gibberish"), tasks, max_new_tokens=96)
    reasons = {s.slices["kind"]: s.reason for s in found if s.slices["kind"] in kinds}
    assert reasons == {kind: "" if kind == "open" else "format_error" for kind in kinds}
    silent = score_suite(student(""), tasks, max_new_tokens=96)
    assert {s.reason for s in silent} == {"format_error"}


def test_a_general_reply_the_engine_failed_on_is_unscored() -> None:
    tasks = suite(seed=4, count=10)
    found = score_suite(FailsOn(tasks[2].prompt), tasks, max_new_tokens=96)
    assert found[2].value is None
    assert sum(s.value is None for s in found) == 1


def test_baselines_are_at_chance_on_balanced_items_and_find_a_leak() -> None:
    fair = tuple(replace(i, options=("aa", "bb", "cc", "dd")) for i in ITEMS)
    assert chance(fair) == 0.25
    assert longest_option(fair).value == 0.25
    leaky = tuple(
        replace(i, options=tuple("longer" if at == i.gold_index else "x" + LETTERS[at] for at in range(4)))
        for i in ITEMS
    )
    assert longest_option(leaky).value == 1.0
    assert options_prior(leaky).value == 1.0
    with pytest.raises(BenchmarkError, match="no items"):
        chance(())


def test_the_options_prior_never_uses_an_items_own_group() -> None:
    apart = tuple(
        replace(
            i,
            options=tuple(
                f"{'gold' if at == i.gold_index else 'wrong'} {i.group_id} {at}" for at in range(4)
            ),
        )
        for i in ITEMS
    )
    # Each group's names are its own: the other groups say nothing, so the first option is taken.
    assert options_prior(apart).value == 0.25


def test_options_only_never_shows_the_stem() -> None:
    prompts: list[str] = []
    spying = ScriptedStudent(reply=lambda p: (prompts.append(p), "A")[1], score=lambda p, o: 0.0)
    assert options_only(spying, ITEMS).value == 0.25
    assert not any("question 0" in prompt for prompt in prompts)


def test_evaluation_is_imported_without_torch() -> None:
    code = (
        "import sys, evals, evals.job, evals.baselines, proda_core.policy; "
        "sys.exit(bool({'torch', 'transformers', 'kuzu', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
