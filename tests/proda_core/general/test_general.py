"""General tasks: they regenerate alone, the families share nothing, and every answer is in the prompt."""

import dataclasses
import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proda_core.general import (
    ALL_KINDS,
    Kind,
    family_of,
    generate_tasks,
    regenerate_task,
    reply_is_right,
    worlds,
)
from proda_core.general.chains import HOPS
from proda_core.general.forms import PathForm
from proda_core.general.openers import with_opener
from proda_core.general.path_grammar import composed_path
from proda_core.general.phrasings import HELDOUT, TRAIN
from proda_core.general.questions import CONTEXT_FREE
from proda_core.general.wordings import Flavour, wordings_of
from proda_core.layout import parse_cot_choice
from tests.proda_core.general.solver import reached, read_context

FAMILIES = ("train", "heldout")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No relation but those with published phrases, which the solver reads."""
    monkeypatch.setattr(worlds, "STRANGE_WORLDS", 0.0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    index=st.integers(0, 1000),
    family=st.sampled_from(FAMILIES),
    difficulty=st.integers(0, 3),
)
def test_a_task_regenerates_alone_from_its_origin(
    seed: int, index: int, family: str, difficulty: int
) -> None:
    task = regenerate_task(seed=seed, index=index, family=family, difficulty=difficulty)
    again = regenerate_task(seed=task.seed, index=task.index, family=task.family, difficulty=task.difficulty)
    assert task == again
    assert task.task_id.startswith("t_")


def test_a_task_does_not_depend_on_how_many_are_asked_for() -> None:
    many = generate_tasks(seed=3, count=20, family="train")
    assert many[:5] == generate_tasks(seed=3, count=5, family="train")
    assert many[7] == regenerate_task(seed=3, index=7, family="train")


def test_other_settings_give_other_tasks() -> None:
    ids = {
        regenerate_task(seed=seed, index=index, family=family, difficulty=difficulty).task_id
        for seed in (0, 1)
        for index in (0, 1)
        for family in FAMILIES
        for difficulty in (1, 2)
    }
    assert len(ids) == 16


def test_an_unknown_kind_family_or_difficulty_is_refused() -> None:
    with pytest.raises(ValueError, match="sonnet"):
        generate_tasks(seed=0, count=1, family="train", kinds=["sonnet"])
    with pytest.raises(ValueError, match="family"):
        generate_tasks(seed=0, count=1, family="other")  # type: ignore[arg-type]  # the wrong type is what is refused
    with pytest.raises(ValueError, match="difficulty"):
        generate_tasks(seed=0, count=1, family="train", difficulty=4)


def test_families_share_no_phrase_and_no_template() -> None:
    for flavour in Flavour:
        phrases = [{wording.phrase for wording in wordings_of(family, flavour)} for family in FAMILIES]
        assert not phrases[0] & phrases[1]
    bare = {"", "{q}", "what"}
    for field in dataclasses.fields(TRAIN):
        train, heldout = set(getattr(TRAIN, field.name)), set(getattr(HELDOUT, field.name))
        assert not (train & heldout) - bare, field.name


def test_every_use_has_ten_train_wordings() -> None:
    for field in dataclasses.fields(TRAIN):
        assert len(getattr(TRAIN, field.name)) >= 6, field.name
    for flavour in Flavour:
        assert len(wordings_of("train", flavour)) >= 10


@pytest.mark.parametrize("family", FAMILIES)
def test_options_are_names_of_the_family(family: str) -> None:
    tasks = generate_tasks(seed=5, count=200, family=family, kinds=["choice", "chain_choice2"], difficulty=3)
    assert {family_of(option) for task in tasks for option in task.options} == {family}


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("difficulty", range(4))
def test_the_reference_answer_is_right_and_an_empty_one_is_not(kind: Kind, difficulty: int) -> None:
    for task in generate_tasks(seed=11, count=20, family="heldout", kinds=[kind], difficulty=difficulty):
        assert reply_is_right(task, task.answer.lower())
        assert not reply_is_right(task, "")
        assert kind in CONTEXT_FREE or "\n\n" in task.prompt


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("kind", sorted(HOPS))
@pytest.mark.parametrize("family", FAMILIES)
def test_chains_of_thought_quote_statements_that_join_to_the_gold(kind: Kind, family: str) -> None:
    for task in generate_tasks(seed=12, count=60, family=family, kinds=[kind], difficulty=3):
        gold = task.options["ABCD".index(task.gold)] if task.options else task.gold
        ending = f" So {gold}. Answer: {task.gold}" if task.options else f" Answer: {gold}"
        assert task.answer.endswith(ending)
        body = task.answer.removesuffix(ending)
        reads = read_context(task.prompt)
        asked = [name.lower() for name in re.findall(r"From ([^:]+): ", body)]
        steps = [step.strip().lower() for step in re.findall(r"[^.:]+\.", body)]
        assert len(steps) == len(asked) == HOPS[kind]
        told = {frozenset((read.first, read.second)): read for read in reads}
        for known, following in zip(asked, [*asked[1:], gold.lower()], strict=True):
            assert told[frozenset((known, following))].sentence in steps
        question = task.prompt.split("\n\n")[1].lower()
        start = reached(reads, steps) - {gold}
        assert len(start) == 1 and start.pop() in question


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("family", FAMILIES)
def test_the_only_option_that_the_text_relates_in_the_way_asked_is_the_gold(family: str) -> None:
    for task in generate_tasks(seed=13, count=100, family=family, kinds=["choice_cot"], difficulty=3):
        asked, _, step = task.answer.split(" So ")[0].lower().removeprefix("from ").partition(": ")
        read = next(read for read in read_context(task.prompt) if read.sentence == step)
        gold = task.options["ABCD".index(task.gold)]
        assert gold in (read.first, read.second)
        known = read.first if gold == read.second else read.second
        assert asked == known
        rivals = {
            other.object if known == other.subject else other.subject
            for other in read_context(task.prompt)
            if other.flavour is read.flavour
            and (known == other.subject) == (known == read.subject)
            and known in (other.subject, other.object)
        }
        assert rivals == {gold}


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_true_statement_is_told_and_a_false_one_is_not(family: str) -> None:
    tasks = generate_tasks(seed=14, count=200, family=family, kinds=["truefalse"], difficulty=2)
    assert 60 < sum(task.gold == "True" for task in tasks) < 140
    for task in tasks:
        reads = read_context(task.prompt)
        question = task.prompt.split("\n\n")[1].lower()
        clauses = [
            wording.say(*pair)
            for read in reads
            for wording in wordings_of(task.family, read.flavour)
            for pair in ((read.subject, read.object), (read.object, read.subject))[
                : 1 + (read.flavour is Flavour.CONTRAST)
            ]
        ]
        told = any(re.search(rf"(^|[.:?] ){re.escape(clause)}\.", question) for clause in clauses)
        assert told == (task.gold == "True"), task.prompt


@pytest.mark.parametrize("kind", ["open", "recall", "listing", "several", "copy"])
def test_full_sentence_answers_stand_in_the_prompt(kind: str) -> None:
    for task in generate_tasks(seed=15, count=60, family="train", kinds=[kind], difficulty=3):
        for sentence in re.findall(r"[^.]+", task.answer):
            assert sentence.strip().lower() in task.prompt.lower()


def test_by_heart_concludes_on_the_option_even_where_its_steps_do_not_name_it() -> None:
    tasks = generate_tasks(seed=17, count=300, family="train", kinds=["by_heart"], difficulty=1)
    hazy = 0
    for task in tasks:
        gold = task.options["ABCD".index(task.gold)]
        assert parse_cot_choice(task.answer, task.options) == task.gold and "\n\n" not in task.prompt
        hazy += gold.lower() not in task.answer.split("Answer: ")[0].lower()
    assert 100 < hazy < 200


def test_only_the_train_family_is_asked_in_paths_put_together_at_random(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    form = PathForm("Composed {a} {vp}", " {vp}", " {vp} what?")
    monkeypatch.setattr("proda_core.general.chains.composed_path", lambda rng, *, forward: form)
    asked = {
        family: sum(
            "\n\nComposed " in task.prompt
            for task in generate_tasks(seed=19, count=200, family=family, kinds=["chain2"], difficulty=2)
        )
        for family in FAMILIES
    }
    assert asked["train"] > 50 and asked["heldout"] == 0


def test_half_of_what_is_asked_by_heart_stands_behind_an_opener(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "proda_core.general.by_heart.with_opener", lambda rng, asked, topic: f"{topic}! {asked}"
    )
    tasks = generate_tasks(seed=18, count=200, family="train", kinds=["by_heart"], difficulty=1)
    opened = [task.prompt.partition("! ")[0] for task in tasks if "! " in task.prompt]
    assert 70 < len(opened) < 130
    assert {family_of(topic) for topic in opened} == {"train"}


def test_an_opener_speaks_of_its_topic_and_leaves_the_question() -> None:
    rng = Random(4)
    for _ in range(50):
        asked = with_opener(rng, "What does elm need?\nA. sea", "river delta")
        assert asked.lower().endswith("what does elm need?\na. sea")
        assert "river delta" in asked.lower() and asked[0].isupper()


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("hops", [2, 3, 4])
def test_a_path_put_together_at_random_names_its_start_once_and_each_relation_in_turn(
    forward: bool, hops: int
) -> None:
    rng = Random(hops)
    for _ in range(500):
        form = composed_path(rng, forward=forward)
        parts = [form.first, *[form.middle] * (hops - 2), form.last]
        told = "".join(part.format(a="ZED", vp=f"R{number}") for number, part in enumerate(parts))
        assert told.count("ZED") == 1 and (told.index("ZED") < told.index("R0")) == forward
        assert re.findall(r"R\d", told) == [f"R{number}" for number in range(hops)]
        assert told[-1] in "?." and "{" not in told and "  " not in told


def test_gold_letters_are_balanced() -> None:
    tasks = generate_tasks(seed=16, count=400, family="train", kinds=["chain_choice2"], difficulty=2)
    letters = [parse_cot_choice(task.answer, task.options) for task in tasks]
    assert all(letters.count(letter) > 60 for letter in "ABCD")
