"""Diagnosis: each kind from what the student does, gaps before luck, and nothing of sealed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from proda_core.config import DiagnosisConfig
from proda_core.diagnosis import Failure, Setting, diagnose, failures_of, is_patchable
from proda_core.diagnosis.diagnose import nodes_of
from proda_core.diagnosis.mastery import Prober
from proda_core.diagnosis.permuting import PermutedRuns, orders
from proda_core.errors import BenchmarkError, GuardRefusal, KnowledgeError
from proda_core.layout import LETTERS
from proda_core.probing import build_chain_probes, build_probes
from proda_core.students import ScriptedStudent, Student
from proda_core.types import (
    Benchmark,
    Diagnosis,
    DiagnosisKind,
    EvalReport,
    Item,
    Mastery,
    Score,
    Scoring,
    Split,
)
from tests.fixtures_knowledge import benchmark, cid, rel, snapshot

SETTING = Setting(snapshot(), benchmark(), DiagnosisConfig(), seed=3, max_new_tokens=96)
OSMOSIS = next(i for i in benchmark().items if i.gold == "concentration gradient")
STEP = rel("osmosis", "diffusion").relation_id


def failure(item: Item = OSMOSIS, *, reason: str = "", output: str = "Answer: B") -> Failure:
    wrong = (item.gold_index + 1) % 4
    answer = None if reason else wrong
    return Failure(item, Score(item.item_id, 0.0, answer, item.gold_index, reason, output))


def knows(*missing: str, unknown: Sequence[str] = ()) -> Prober:
    """A prober that finds everything mastered but ``missing``, and has no probe for ``unknown``."""

    def probe(student: Student, nodes: Sequence[str], setting: Setting) -> Mapping[str, Mastery]:
        return {
            node: Mastery(node, 4, 1, 0.0, False, {"choice": True, "qa": False})
            if node in missing
            else Mastery(node, 4, 4, 1.0, True, {"choice": True, "qa": True})
            for node in nodes
            if node not in unknown
        }

    return probe


def picks(choose: Callable[[list[str]], int]) -> ScriptedStudent:
    """A student that answers a chain of thought by choosing among the options it is shown."""

    def reply(prompt: str) -> str:
        options = [line[3:] for line in prompt.splitlines() if line[1:3] == ". "]
        return f"So it is. Answer: {LETTERS[choose(options)]}"

    return ScriptedStudent(reply=reply, score=lambda p, o: 0.0)


ALWAYS_FIRST = picks(lambda options: 0)
RIGHT = picks(lambda options: options.index(OSMOSIS.gold) if OSMOSIS.gold in options else 0)


def one(student: Student, found: Failure, prober: Prober, setting: Setting = SETTING) -> Diagnosis:
    return diagnose(student, [found], setting, prober=prober)[0]


def test_a_node_not_mastered_is_a_concept_gap_there() -> None:
    found = one(ALWAYS_FIRST, failure(), knows(STEP))
    assert (found.kind, found.nodes) == (DiagnosisKind.CONCEPT_GAP, (STEP,))
    assert "Asked 20 probes in 2 formats on 5 nodes of the chain, 17 right" in found.detail
    assert "'Osmosis is a kind of diffusion' (1 of 4 right, 0.00 corrected, wrong in qa)" in found.detail


def test_a_concept_alone_is_no_gap_where_every_fact_of_the_chain_is_mastered() -> None:
    concept = nodes_of(OSMOSIS, snapshot())[0]
    assert concept.startswith("c_")
    found = one(ALWAYS_FIRST, failure(), knows(concept))
    assert found.kind is DiagnosisKind.REASONING_DEFICIT
    assert "every fact mastered, and of no weight here: " in found.detail
    both = one(ALWAYS_FIRST, failure(), knows(concept, STEP))
    assert (both.kind, set(both.nodes)) == (DiagnosisKind.CONCEPT_GAP, {concept, STEP})
    facts = [node for node in nodes_of(OSMOSIS, snapshot()) if node.startswith("r_")]
    unasked = one(ALWAYS_FIRST, failure(), knows(concept, unknown=facts))
    assert (unasked.kind, unasked.nodes) == (DiagnosisKind.CONCEPT_GAP, (concept,))


def test_everything_mastered_and_the_chain_still_wrong_is_a_reasoning_deficit() -> None:
    found = one(
        picks(lambda options: options.index("chloroplast") if "chloroplast" in options else 0),
        failure(),
        knows(),
    )
    assert (found.kind, found.nodes) == (DiagnosisKind.REASONING_DEFICIT, ())
    assert "all mastered" in found.detail
    assert "osmosis -> diffusion -> concentration gradient" in found.detail
    assert "0 of 3 runs were right" in found.detail
    assert {m.node_id for m in found.probes} == {*OSMOSIS.l1_ids, *OSMOSIS.l2_ids}


def test_a_fact_known_alone_and_not_recalled_in_a_chain_is_told_apart() -> None:
    def prober(student: Student, nodes: Sequence[str], setting: Setting) -> Mapping[str, Mastery]:
        others = {n: {"choice": True, "in_chain": True} for n in OSMOSIS.l2_ids}
        asked = {**others, STEP: {"choice": True, "in_chain": False}}
        return {n: Mastery(n, 4, 4, 1.0, True, asked.get(n, {"choice": True})) for n in nodes}

    found = one(ALWAYS_FIRST, failure(), prober)
    assert (found.kind, found.nodes) == (DiagnosisKind.REASONING_DEFICIT, (STEP,))
    assert "Known alone, not recalled in a chain of thought, 1 of 2 asked there" in found.detail
    assert "'Osmosis is a kind of diffusion'" in found.detail
    assert "in 1 formats" in found.detail  # what is asked inside a chain counts for no mastery
    recalled = one(ALWAYS_FIRST, failure(), knows())
    assert recalled.nodes == () and "inside a chain" not in recalled.detail


def test_an_answer_that_comes_right_when_options_are_permuted_is_unstable() -> None:
    found = one(RIGHT, failure(), knows())
    assert found.kind is DiagnosisKind.UNSTABLE
    assert "3 of 3 runs were right" in found.detail


def test_one_lucky_permutation_is_guessing_and_no_instability() -> None:
    # Always the first option: the gold stands there in exactly one of three rotations.
    found = one(ALWAYS_FIRST, failure(), knows())
    assert found.kind is DiagnosisKind.REASONING_DEFICIT
    assert "1 of 3 runs were right" in found.detail


def test_a_chain_that_is_joined_in_other_words_is_unstable_and_no_deficit() -> None:
    probes = build_chain_probes(snapshot(), [OSMOSIS.chain_id], seed=SETTING.seed)

    def student(right: int) -> ScriptedStudent:
        """Wrong on the item however its options are ordered; right on so many of its chain's probes."""
        golds = {p.stem: p.options[p.gold] for p in probes[:right]}

        def reply(prompt: str) -> str:
            stem, *lines = prompt.splitlines()
            options = [line[3:] for line in lines if line[1:3] == ". "]
            wrong = OSMOSIS.options[(OSMOSIS.gold_index + 1) % 4]
            return f"So it is. Answer: {golds.get(stem, wrong if wrong in options else 'nothing')}"

        return ScriptedStudent(reply, lambda p, o: 0.0)

    assert len(probes) == 6
    joined, guessed = (one(student(n), failure(), knows()) for n in (4, 3))
    assert joined.kind is DiagnosisKind.UNSTABLE
    assert "Asked the chain in other words, 4 of 6 were right" in joined.detail
    assert guessed.kind is DiagnosisKind.REASONING_DEFICIT  # 17 % by guessing
    assert "0 of 3 runs were right. Asked the chain in other words, 3 of 6 were right" in guessed.detail


def test_right_permuted_runs_do_not_outweigh_a_gap() -> None:
    assert one(RIGHT, failure(), knows(STEP)).kind is DiagnosisKind.CONCEPT_GAP


def test_an_unreadable_reply_is_a_format_error_whatever_is_mastered() -> None:
    found = one(ALWAYS_FIRST, failure(reason="format_error", output="well, well"), knows(STEP))
    assert (found.kind, found.nodes) == (DiagnosisKind.FORMAT_ERROR, ())
    assert "'well, well'" in found.detail
    assert len(found.probes) == 5


def test_another_true_option_is_an_item_defect_before_anything_else() -> None:
    alias = tuple("concentration  Gradient" if o == "chloroplast" else o for o in OSMOSIS.options)
    bad = replace(OSMOSIS, options=alias)
    found = one(RIGHT, failure(bad, reason="format_error"), knows(STEP))
    assert found.kind is DiagnosisKind.ITEM_DEFECT
    assert "'concentration  Gradient' is as well" in found.detail


def test_a_node_without_probes_is_not_called_a_gap_and_is_not_hidden() -> None:
    nodes = [*OSMOSIS.l1_ids, *OSMOSIS.l2_ids]
    found = one(ALWAYS_FIRST, failure(), knows(unknown=nodes))
    assert found.kind is DiagnosisKind.REASONING_DEFICIT
    assert found.probes == ()
    assert "None of the 5 nodes has a probe" in found.detail


def test_a_sealed_item_is_refused_before_anything_is_asked() -> None:
    asked: list[str] = []
    listening = ScriptedStudent(reply=lambda p: (asked.append(p), "")[1], score=lambda p, o: 0.0)
    sealed = benchmark().of(Split.SEALED)[0]
    with pytest.raises(GuardRefusal) as refused:
        diagnose(listening, [failure(), failure(sealed)], SETTING, prober=knows())
    assert [(r.rule, r.row_id) for r in refused.value.refusals] == [("G3", sealed.item_id)]
    assert asked == []


def test_all_failures_are_asked_in_one_batch_and_answered_in_order() -> None:
    batches: list[int] = []
    calls: list[int] = []

    class Counting(ScriptedStudent):
        def generate(self, prompts: Sequence[str], *, max_new_tokens: int) -> list[str]:
            batches.append(len(prompts))
            return ScriptedStudent.generate(self, prompts, max_new_tokens=max_new_tokens)

    def probe(student: Student, nodes: Sequence[str], setting: Setting) -> Mapping[str, Mastery]:
        calls.append(len(nodes))
        return knows()(student, nodes, setting)

    dev = benchmark().of(Split.DEV)
    student = Counting(lambda p: "Answer: A", lambda p, o: 0.0)
    found = diagnose(student, [failure(i) for i in dev], SETTING, prober=probe)
    assert [d.item_id for d in found] == [i.item_id for i in dev]
    reworded = len(build_chain_probes(snapshot(), [i.chain_id for i in dev], seed=SETTING.seed))
    assert batches == [3 * len(dev), reworded] and reworded > 0
    assert len(calls) == 1


def test_the_same_failures_give_the_same_diagnoses() -> None:
    failures = [failure(i) for i in benchmark().of(Split.DEV)]
    assert diagnose(ALWAYS_FIRST, failures, SETTING, prober=knows(STEP)) == diagnose(
        ALWAYS_FIRST, failures, SETTING, prober=knows(STEP)
    )


def test_a_scoring_without_order_is_never_unstable() -> None:
    frozen = replace(benchmark(), scoring=Scoring.LOGLIKELIHOOD)
    found = one(RIGHT, failure(), knows(), replace(SETTING, benchmark=frozen))
    assert found.kind is DiagnosisKind.REASONING_DEFICIT
    assert "permuted" not in found.detail


def test_an_item_of_another_snapshot_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="not in snapshot"):
        one(RIGHT, failure(replace(OSMOSIS, chain_id="g_0000000000000000")), knows())


def test_permutations_are_rotations_first_and_never_the_items_own_order() -> None:
    first = orders(OSMOSIS, 3, seed=0)
    assert {order.index(OSMOSIS.gold_index) for order in first} == set(range(4)) - {OSMOSIS.gold_index}
    many = orders(OSMOSIS, 9, seed=0)
    assert many[:3] == first
    assert (0, 1, 2, 3) not in many
    assert all(sorted(order) == [0, 1, 2, 3] for order in many)
    assert many == orders(OSMOSIS, 9, seed=0)


def test_as_many_right_runs_as_guessing_gives_now_and_then_are_no_instability() -> None:
    assert PermutedRuns((1, 1, 1), 1).unstable
    assert not PermutedRuns((1, 1, 0), 1).unstable  # 16 % by guessing
    assert not PermutedRuns((1, 1), 1).unstable
    assert PermutedRuns((1, 1, 1, 1, 0), 1).unstable
    assert not PermutedRuns((1, 1, 1), 1, options=2).unstable
    assert not PermutedRuns((None, None, None), 1).unstable


def report(bench: Benchmark, values: Sequence[float | None]) -> EvalReport:
    dev = tuple(
        Score(item.item_id, value, None, item.gold_index, "engine: x" if value is None else "")
        for item, value in zip(bench.of(Split.DEV), values, strict=True)
    )
    return EvalReport("q_0", "base", bench.digest, "cot", dev, (), ())


def test_failures_are_the_wrong_dev_items_and_no_unscored_ones() -> None:
    dev = benchmark().of(Split.DEV)
    assert [f.item for f in failures_of(report(benchmark(), [0.0, 1.0]), benchmark())] == [dev[0]]
    assert failures_of(report(benchmark(), [None, 1.0]), benchmark()) == ()
    with pytest.raises(BenchmarkError, match="diagnose it with the benchmark"):
        failures_of(replace(report(benchmark(), [0.0, 0.0]), benchmark_digest="0" * 64), benchmark())


def test_a_sealed_item_smuggled_among_the_dev_scores_is_refused() -> None:
    sealed = benchmark().of(Split.SEALED)[0]
    honest = report(benchmark(), [1.0, 1.0])
    smuggled = replace(honest, dev=(Score(sealed.item_id, 0.0, None, 0),))
    with pytest.raises(GuardRefusal, match="G3"):
        failures_of(smuggled, benchmark())
    with pytest.raises(BenchmarkError, match="no item i_x"):
        failures_of(replace(honest, dev=(Score("i_x", 0.0, None, 0),)), benchmark())


def found(kind: DiagnosisKind, *nodes: str) -> Diagnosis:
    return Diagnosis(OSMOSIS.item_id, OSMOSIS.chain_id, kind, nodes, ())


def test_what_touches_only_sealed_relations_is_not_patchable() -> None:
    deficit, gap = found(DiagnosisKind.REASONING_DEFICIT), found(DiagnosisKind.CONCEPT_GAP, STEP)
    assert is_patchable(deficit, snapshot(), frozenset())
    assert not is_patchable(deficit, snapshot(), frozenset({STEP}))
    assert is_patchable(gap, snapshot(), frozenset())
    assert not is_patchable(gap, snapshot(), frozenset({STEP}))
    concept = found(DiagnosisKind.CONCEPT_GAP, cid("osmosis"))
    assert is_patchable(concept, snapshot(), frozenset({STEP}))  # osmosis has another relation
    both = frozenset({STEP, rel("osmosis", "active transport").relation_id})
    assert not is_patchable(concept, snapshot(), both)


@pytest.mark.parametrize(
    "kind", [DiagnosisKind.UNSTABLE, DiagnosisKind.FORMAT_ERROR, DiagnosisKind.ITEM_DEFECT]
)
def test_other_kinds_are_never_patchable(kind: DiagnosisKind) -> None:
    assert not is_patchable(found(kind), snapshot(), frozenset())


def test_the_projects_own_probes_find_the_one_relation_a_student_lacks() -> None:
    nodes = sorted({*OSMOSIS.l1_ids, *OSMOSIS.l2_ids})
    probes = build_probes(snapshot(), nodes, seed=SETTING.seed)
    knows_it = {(p.prompt, p.options[p.gold]) for p in probes if p.options and p.node_id != STEP}
    told = {p.prompt: p.accepted[0] for p in probes if p.accepted and p.node_id != STEP}
    assert len({p.format for p in probes if p.node_id == STEP}) > 1

    student = ScriptedStudent(
        reply=lambda prompt: told.get(prompt, "Answer: A"),
        score=lambda prompt, option: 0.0 if (prompt, option) in knows_it else -1.0,
    )
    found = diagnose(student, [failure()], SETTING)[0]
    assert (found.kind, found.nodes) == (DiagnosisKind.CONCEPT_GAP, (STEP,))
    assert all(m.asked > 1 for m in found.probes)
