"""Pocket: a tokenizer blind to position, a forward pass equal to the library's, a loop that learns and resumes."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

import proda_core.training.pocket.__main__ as command
from proda_core.errors import StudentError
from proda_core.general import Kind, generate_tasks
from proda_core.training.pocket.abilities import Ability, greedy_replies, measure_abilities
from proda_core.training.pocket.batches import IGNORED, batches, collate
from proda_core.training.pocket.crew import Crew
from proda_core.training.pocket.curriculum import LEVELS, Level, level_at
from proda_core.training.pocket.export import export, model_card
from proda_core.training.pocket.fillers import COMMONEST, with_fillers
from proda_core.training.pocket.forward import TrainingForward
from proda_core.training.pocket.lore import LIFE, WORLDS, Lore
from proda_core.training.pocket.openings import OpeningFinder
from proda_core.training.pocket.pretrain import LOG, Plan, Pretraining
from proda_core.training.pocket.rows import PieceMaker, Row, RowMaker, WordMaker, pocket_names, task_rows
from proda_core.training.pocket.setup import first_model, wording_words
from proda_core.training.pocket.tokenizer import ASSISTANT, END, USER, save_tokenizer, train_tokenizer
from proda_core.training.pocket.turnings import Ahead, TurningFinder, copied

PLAN = Plan(
    steps=8,
    hidden=32,
    layers="caa",
    heads=2,
    feed_forward=48,
    vocab_size=640,
    batch_tokens=1024,
    pool_rows=30,
    streams=2,
    compiled=False,
)

WORDS = ("river", "lamp", "stone")
SMALL = {
    "steps",
    "hidden",
    "layers",
    "heads",
    "feed_forward",
    "vocab_size",
    "batch_tokens",
    "pool_rows",
    "streams",
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """A small tokenizer trained on the train wordings alone."""
    return train_tokenizer(wording_words(), vocab_size=PLAN.vocab_size)


@pytest.fixture(scope="module")
def loaded(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same tokenizer as AutoTokenizer gives it back."""
    folder = tmp_path_factory.mktemp("tokenizer")
    first_model(PLAN, tokenizer).config.save_pretrained(str(folder))
    save_tokenizer(tokenizer, folder, context=PLAN.context)
    return AutoTokenizer.from_pretrained(str(folder))


def run_of(tokenizer: Tokenizer, folder: Path, plan: Plan = PLAN) -> Pretraining:
    """A run whose clock ticks a second at a look."""
    folder.mkdir(exist_ok=True)
    ticks = count()
    maker = RowMaker(tokenizer, pocket_names(tokenizer, WORDS), plan.context, WORDS)
    return Pretraining(plan, folder, first_model(plan, tokenizer), maker, lambda: float(next(ticks)))


@settings(max_examples=60, deadline=None)
@given(word=st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True))
def test_a_word_has_the_same_tokens_wherever_it_stands(tokenizer: Tokenizer, word: str) -> None:
    alone = tokenizer.encode(word).tokens
    for text in (f"so {word}", f"so\n{word}", f"A. {word}", f"{USER}{word}", f"{word.upper()}"):
        assert tokenizer.encode(text).tokens[-len(alone) :] == alone


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.from_regex(r"[a-zé0-9(-]{1,8}", fullmatch=True), min_size=1, max_size=5),
    joint=st.sampled_from([" ", "\n", "\n\n"]),
)
def test_text_survives_the_tokenizer_but_for_case(loaded: Any, words: list[str], joint: str) -> None:
    text = joint.join(words)
    assert loaded.decode(loaded(text.upper())["input_ids"]) == text.upper().lower()


def test_rows_are_laid_out_as_the_chat_template_does(tokenizer: Tokenizer, loaded: Any) -> None:
    maker = RowMaker(tokenizer, pocket_names(tokenizer, WORDS), 512, WORDS)
    for task in generate_tasks(seed=1, count=20, family="train", difficulty=2):
        row = task_rows(maker, [task])[0]
        messages = [{"role": "user", "content": task.prompt}, {"role": "assistant", "content": task.answer}]
        out = loaded.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
        assert tuple(out["input_ids"]) == row.ids
        ((start, stop),) = row.answers
        assert [place for place, flag in enumerate(out["assistant_masks"]) if flag] == list(
            range(start, stop)
        )
        asked = loaded.apply_chat_template(messages[:1], add_generation_prompt=True, return_dict=True)
        assert tuple(asked["input_ids"]) == row.ids[:start]


def test_option_letters_are_one_token_alike_in_options_and_answers(tokenizer: Tokenizer) -> None:
    for text in "ABCD":
        assert len(tokenizer.encode(text).ids) == 1
    assert tokenizer.encode("Answer: C").tokens[-1] == tokenizer.encode("\nC. x").tokens[1]


def test_names_reach_every_lettered_entry(tokenizer: Tokenizer) -> None:
    names = pocket_names(tokenizer, ["river", "lamp"])
    maker = names.makers[1]
    assert isinstance(maker, PieceMaker)
    pieces = set(maker.pieces)
    assert {token for token in tokenizer.get_vocab() if token.strip("▁").isalpha()} <= pieces


def test_the_training_forward_computes_what_the_library_computes(tokenizer: Tokenizer) -> None:
    model = first_model(PLAN, tokenizer)
    ids = torch.randint(0, PLAN.vocab_size, (3, 24), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(input_ids=ids).logits.reshape(72, -1)
        some = torch.arange(4)
        found, *_ = TrainingForward(model, dtype=torch.float32)(ids, torch.arange(72), some, some)
    assert torch.allclose(found, expected, atol=1e-5)


def test_batches_are_full_of_few_widths_and_hold_no_row_twice(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pool = run_of(tokenizer, tmp_path).maker.pool(0, 0, level=LEVELS[2], count=120)
    made = batches(pool, tokens=1024, rng=Random(0))
    assert all(0.5 * 1024 < batch.ids.numel() <= 1024 and batch.ids.shape[1] % 16 == 0 for batch in made)
    assert {len(places) % 256 for batch in made for places in (batch.places, batch.ahead)} == {0}
    told = [tuple(ids[ids != 0].tolist()) for batch in made for ids in batch.ids]
    unused = Counter(row.ids for row in pool) - Counter(told)
    assert len(told) + unused.total() == len(pool) and unused.total() < 12


def test_batches_label_answers_only(tokenizer: Tokenizer, tmp_path: Path) -> None:
    pool = run_of(tokenizer, tmp_path).maker.pool(0, 0, level=LEVELS[1], count=60)
    batch = collate(pool[:3])
    labels = [
        row.ids[place] for row in pool[:3] for start, stop in row.answers for place in range(start, stop)
    ]
    assert [target for target in batch.targets.tolist() if target != IGNORED] == labels
    end, assistant = tokenizer.token_to_id(END), tokenizer.token_to_id(ASSISTANT)
    assert labels.count(end) == sum(row.ids.count(assistant) for row in pool[:3])


def test_a_few_steps_reduce_the_loss(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run = run_of(tokenizer, tmp_path, replace(PLAN, steps=40))
    run.run()
    logged = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert logged[-1]["step"] == 40
    assert run.progress.loss < 0.9 * torch.tensor(float(PLAN.vocab_size)).log()


def test_a_killed_run_resumes_to_the_same_weights(tokenizer: Tokenizer, tmp_path: Path) -> None:
    plan = replace(PLAN, steps=16)
    whole = run_of(tokenizer, tmp_path / "whole", plan)
    whole.run()
    killed = run_of(tokenizer, tmp_path / "killed", plan)
    _stop_after_one_pool(killed)
    assert 0 < killed.progress.step < plan.steps
    resumed = run_of(tokenizer, tmp_path / "killed", plan)
    assert resumed.restore()
    resumed.run()
    assert resumed.progress.step == whole.progress.step
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_resumed_run_keeps_its_plan_but_for_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[Plan] = []

    class Idle:
        """A run that is over at once."""

        def __init__(self, folder: Path, plan: Plan, crew: Crew) -> None:
            opened.append(plan)

        def restore(self) -> None: ...

        def run(self) -> None: ...

    monkeypatch.setattr(command, "open_run", Idle)
    monkeypatch.setattr(command, "prepare", lambda folder, plan: None)
    out = ["--out", str(tmp_path / "run")]
    assert command.main([*out, "--steps", "5", "--hidden", "64"]) == 0
    assert command.main([*out, "--steps", "9"]) == 2 and "--resume" in capsys.readouterr().err
    assert command.main([*out, "--resume", "--hidden", "32"]) == 2 and "hidden" in capsys.readouterr().err
    assert command.main([*out, "--resume", "--steps", "7"]) == 0
    assert command.main([*out, "--resume"]) == 0
    assert opened == [
        Plan(steps=5, hidden=64),
        *[Plan(steps=7, hidden=64)] * 2,
    ]


def _stop_after_one_pool(run: Pretraining) -> None:
    """Run until the second pool is asked for, as a kill there would leave it, with a checkpoint before."""
    pools = []

    class OnePool(RowMaker):
        """A row maker that breaks off when more is asked for."""

        def pool(self, seed: int, number: int, *, level: Level, count: int) -> list[Row]:
            """The pools of the first steps, then the kill."""
            if len(pools) == PLAN.streams:
                run.save()
                raise KeyboardInterrupt
            pools.append(number)
            return maker.pool(seed, number, level=level, count=count)

    maker = run.maker
    run.maker = OnePool(maker.tokenizer, maker.names, maker.context, maker.words)
    with pytest.raises(KeyboardInterrupt):
        run.run()


def test_levels_follow_each_other_as_the_budget_is_spent() -> None:
    reached = [level_at(step / 100) for step in range(101)]
    assert reached == sorted(reached) and set(reached) == set(range(len(LEVELS)))


def test_processes_share_all_streams_evenly_or_not_at_all() -> None:
    whole, first, second = Crew(), Crew(0, 2), Crew(1, 2)
    assert sorted([*first.share(4), *second.share(4)]) == list(whole.share(4))
    with pytest.raises(ValueError, match="3 streams"):
        second.share(3)


@pytest.mark.slow
def test_two_processes_train_as_one_that_takes_their_streams_in_turn(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    found = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        folder.mkdir()
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "words.json").write_text(json.dumps(WORDS))
        launch = ["torch.distributed.run", "--nproc-per-node", "2", "-m"] if processes == 2 else []
        plan = asdict(
            replace(PLAN, steps=2)
        )  # rounding sets even two runs of one process apart, more with each step
        given = [f"--{key.replace('_', '-')}={value}" for key, value in plan.items() if key in SMALL]
        module = "proda_core.training.pocket"
        subprocess.run(
            [sys.executable, "-m", *launch, module, "--out", str(folder), *given, "--no-compiled"], check=True
        )
        found.append(torch.load(folder / "checkpoint.pt", weights_only=True))
    one, two = found
    assert one["progress"]["step"] == two["progress"]["step"] == 2
    untrained = first_model(PLAN, tokenizer).state_dict()
    moved = sum(float((weight - untrained[name]).abs().sum()) for name, weight in one["model"].items())
    apart = sum(float((weight - two["model"][name]).abs().sum()) for name, weight in one["model"].items())
    assert apart < 0.2 * moved


def test_openings_are_of_the_statements_of_the_text_and_of_nothing_else(tokenizer: Tokenizer) -> None:
    told = "Here, river causes lamp. Stone is part of river lamp.\nLamp needs stone."
    encoded = tokenizer.encode(f"{USER}{told}\n\nRepeat. River causes lamp.{ASSISTANT}")
    found = [
        (encoded.tokens[place], tokenizer.id_to_token(token))
        for place, token in OpeningFinder.of(tokenizer).find(encoded.ids)
    ]
    opens = [tokenizer.encode(word).tokens[0] for word in ("river", "stone", "lamp")]
    assert [token for _, token in found] == [opening for opening in opens for _ in range(2)]
    assert [ending for ending, _ in found][1::2] == ["."] * 3
    assert OpeningFinder.of(tokenizer).find(tokenizer.encode(f"{USER}River causes lamp. What?").ids) == ()


def test_layers_are_asked_how_each_statement_opens_and_where_each_step_leads(tokenizer: Tokenizer) -> None:
    row = Row(tuple(range(5, 21)), ((12, 16),), 1, Kind.OPEN, ((4, 7), (6, 8)), (Ahead(13, 9, 1),))
    batch = collate([row])
    assert batch.opened[:2].tolist() == [7, 8] and set(batch.opened[2:].tolist()) == {IGNORED}
    assert (batch.ahead[0], batch.led[0], batch.left[0]) == (13, 9, 1) and set(batch.led[1:].tolist()) == {
        IGNORED
    }
    model = first_model(replace(PLAN, layers="caacac"), tokenizer)
    forward = TrainingForward(model, dtype=torch.float32)
    with torch.no_grad():
        _, opened, led, left = forward(batch.ids, batch.places, batch.openings, batch.ahead)
        layers = model(input_ids=batch.ids, output_hidden_states=True).hidden_states
        table = model.model.embed_tokens.weight.T
        early = model.model.embedding_norm(layers[2].reshape(-1, PLAN.hidden)[batch.openings])
        middle = model.model.embedding_norm(layers[4].reshape(-1, PLAN.hidden)[batch.ahead])
    assert torch.allclose(opened, early @ forward.opener.weight.T @ table, atol=1e-4)
    assert torch.allclose(led, middle @ forward.leader.weight.T @ table, atol=1e-4)
    assert torch.allclose(left, middle @ forward.counter.weight.T, atol=1e-4)


def _reply(tokenizer: Tokenizer, asked: str, said: str) -> tuple[list[str], list[int], list[tuple[int, int]]]:
    """Tokens and ids of a conversation of one reply, and where the reply stands."""
    encoded = tokenizer.encode(f"{USER}{asked}{ASSISTANT}{said}{END}")
    start = encoded.tokens.index(ASSISTANT) + 1
    return encoded.tokens, encoded.ids, [(start, len(encoded.ids))]


def test_each_step_of_a_reply_is_known_by_where_it_leads_and_how_many_follow(tokenizer: Tokenizer) -> None:
    said = "From a: b needs a. From b: b needs c from d. So c from d. Answer: B"
    tokens, ids, answers = _reply(tokenizer, "From a: what?", said)
    found = TurningFinder.of(tokenizer).ahead(ids, answers)
    b, c = (tokenizer.encode(name).ids[0] for name in "bc")
    assert {(one.token, one.left) for one in found} == {(b, 1), (c, 0)}
    told = "".join(tokens[one.place] for one in found).replace("▁", " ")
    assert told == ": b needs a.: b needs c from d."
    for other in (
        "From a: b needs a.",
        "B needs a. Answer: b",
        "From a b. Answer: b",
        "From a: b needs a. b.",
    ):
        assert not TurningFinder.of(tokenizer).ahead(*_reply(tokenizer, "What?", other)[1:])


def test_tokens_decide_where_a_name_ends_a_step_follows_and_a_reply_ends(tokenizer: Tokenizer) -> None:
    tokens, ids, answers = _reply(tokenizer, "What: a. b?", "From a: b needs c. From b: c needs d. Answer: d")
    decide = sorted(TurningFinder.of(tokenizer).turnings(ids, answers))
    begun = [tokens[place].lstrip("▁")[0] for place in decide[:-1]]
    assert begun == [":", "b", "f", ":", "c", "a", ":", "d"] and tokens[decide[-1]] == END


def test_copied_are_tokens_that_always_followed_the_one_before_them(tokenizer: Tokenizer) -> None:
    tokens, ids, answers = _reply(tokenizer, "a b c d. a x c d.", "a b c d.")
    places = copied(ids, answers)
    assert [tokens[place].lstrip("▁") for place in sorted(places)] == ["c", "d", "."]


def test_training_predicts_what_decides_and_a_part_of_what_is_copied(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    pool = run_of(tokenizer, tmp_path).maker.pool(0, 0, level=LEVELS[3], count=60)
    whole, thinned = collate(pool, turning=3.0), collate(pool, thinned=Random(1), turning=3.0)
    kept = set(zip(thinned.places.tolist(), thinned.targets.tolist(), strict=True)) - {(0, IGNORED)}
    every = set(zip(whole.places.tolist(), whole.targets.tolist(), strict=True)) - {(0, IGNORED)}
    width = whole.ids.shape[1]
    easy = {
        number * width + place - 1 for number, row in enumerate(pool) for place in row.copied - row.turnings
    }
    assert {record for record in every if record[0] not in easy} < kept < every
    assert 0.15 < sum(place in easy for place, _ in kept) / len(easy) < 0.35
    assert 0 < (thinned.led != IGNORED).sum() < (whole.led != IGNORED).sum()
    assert set(whole.weights[whole.targets != IGNORED].tolist()) == {1.0, 3.0}
    assert set(thinned.weights[thinned.targets != IGNORED].tolist()) == {1.0, 3.0, 4.0}
    assert float(thinned.weights.sum()) == pytest.approx(float(whole.weights.sum()), rel=0.1)


def test_the_loss_is_that_of_the_tokens_by_their_weights_and_of_the_layers(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    run = run_of(tokenizer, tmp_path)
    batch = collate(run.maker.pool(0, 0, level=LEVELS[3], count=8), thinned=Random(1))
    assert IGNORED in batch.targets and IGNORED in batch.led
    with torch.no_grad():
        logits, opened, led, left = run.eager(batch.ids, batch.places, batch.openings, batch.ahead)
        whole, replies, opening, ahead, right = run.losses(*batch.tensors)
    losses = functional.cross_entropy(logits, batch.targets, reduction="none")
    assert torch.isclose(replies, (losses * batch.weights).sum() / batch.weights.sum(), atol=1e-5)
    assert torch.isclose(opening, functional.cross_entropy(opened, batch.opened), atol=1e-5)
    steps = functional.cross_entropy(led, batch.led) + functional.cross_entropy(left, batch.left)
    assert torch.isclose(ahead, steps, atol=1e-5)
    expected = replies + PLAN.opening_weight * opening + PLAN.ahead_weight * ahead
    assert torch.isclose(whole, expected, atol=1e-5)
    known = batch.targets != IGNORED
    assert torch.equal(right[known], (logits.argmax(-1) == batch.targets)[known])


def test_openings_of_options_are_their_letters(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.encode(f"{USER}What?\nA. river stone\nB. lamp{ASSISTANT}So lamp. Answer: B{END}")
    found = [
        (encoded.tokens[place], tokenizer.id_to_token(token))
        for place, token in OpeningFinder.of(tokenizer).find(encoded.ids)
    ]
    last = [tokenizer.encode(word).tokens[-1] for word in ("stone", "lamp")]
    a, b = (tokenizer.encode(letter).tokens[0] for letter in "AB")
    assert found == [(last[0], a), ("\n", a), (last[1], b), (ASSISTANT, b)]


def test_some_names_of_words_are_joined_by_a_preposition_which_neither_begins_nor_ends_them() -> None:
    common = tuple(f"c{number}" for number in range(COMMONEST))
    rng, maker = Random(2), WordMaker((*common, *WORDS))
    names = [re.split("[ -]", maker(rng)) for _ in range(2000)]
    ends = {name[-1] for name in names}
    assert ends == set(WORDS)
    assert 100 < sum("of" in name for name in names) < 400
    assert all(name[0] != "of" for name in names) and max(len(name) for name in names) == 4


def test_lore_is_asked_without_its_text_and_answered_as_its_worlds_have_it(tokenizer: Tokenizer) -> None:
    lore = Lore(0, 5, "train", pocket_names(tokenizer, WORDS * 200))
    told = {fact.sentence.lower() for number in range(WORLDS) for fact in lore.world(number).facts}
    turns = [turn for seed in range(40) for turn in lore.turns(Random(seed), words=WORDS)]
    assert all("\n\n" not in turn.user for turn in turns)
    stated = [turn.assistant.lower() for turn in turns if turn.assistant.endswith(".")]
    assert len(stated) > 30
    assert all(
        statement in told or " ".join(statement.split()) in told or ". " in statement for statement in stated
    )


def test_lore_gives_way_to_new_worlds_one_by_one(tokenizer: Tokenizer) -> None:
    names = pocket_names(tokenizer, WORDS * 200)

    def texts(pool: int) -> list[str]:
        return [Lore(0, pool, "train", names).world(number).text for number in range(WORLDS)]

    now, soon, later = texts(3), texts(3 + LIFE // 4), texts(3 + LIFE)
    changed = sum(one != other for one, other in zip(now, soon, strict=True))
    assert changed == WORLDS // 4
    assert all(one != other for one, other in zip(now, later, strict=True))


@given(seed=st.integers(0, 999))
def test_fillers_leave_text_names_and_options_alone(seed: int) -> None:
    user = "Dark elm leads to sea.\n\nWhat does dark elm lead to?\nA. sea\nB. dark elm"
    filled = with_fillers(Random(seed), user, names=("dark elm", "sea"), words=("river", "stone", "of"))
    assert filled.startswith("Dark elm leads to sea.\n\n") and filled.endswith("?\nA. sea\nB. dark elm")
    assert " dark elm " in filled.split("\n")[2]
    asked = iter(filled.split("\n")[2].lower().split())
    assert all(word in asked for word in ("what", "does", "dark", "elm", "lead", "to?"))  # in this order


def test_some_questions_of_pretraining_have_fillers_and_their_answers_stay(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = replace(run_of(tokenizer, tmp_path).maker, context=4096)
    pools: list[list[Row]] = []
    for extra in ("", " stone"):
        monkeypatch.setattr(
            "proda_core.training.pocket.rows.with_fillers",
            lambda rng, asked, *, names, words, extra=extra: asked + extra,
        )
        pools.append(sorted(maker.pool(1, 1, level=LEVELS[1], count=40), key=_answers))
    assert [_answers(row) for row in pools[0]] == [_answers(row) for row in pools[1]]
    longer = [len(two.ids) > len(one.ids) for one, two in zip(*pools, strict=True)]
    assert 0.3 < sum(longer) / len(longer) < 0.8  # 60 % of all but the drills and guesses


def _answers(row: Row) -> list[tuple[int, ...]]:
    return [row.ids[start:stop] for start, stop in row.answers]


def test_an_export_loads_as_a_plain_folder_with_its_card(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run = run_of(tokenizer, tmp_path / "run")
    run.run()
    figures = export(run, tmp_path / "student", measure=lambda model, tokens: [Ability(Kind.OPEN, 1, 3, 4)])
    assert figures == {"open@1": 0.75}
    model = AutoModelForCausalLM.from_pretrained(str(tmp_path / "student"))
    assert model.dtype is torch.float32
    ids = torch.tensor([[5, 300, 301]])
    assert torch.equal(model(input_ids=ids).logits, run.model(input_ids=ids).logits)
    card = (tmp_path / "student" / "MODEL_CARD.md").read_text()
    assert "| open | 75 % |" in card and "--steps 8" in card


def test_a_run_goes_on_from_an_exported_pocket_in_the_last_level(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    first = run_of(tokenizer, tmp_path / "first")
    first.run()
    export(first, tmp_path / "student", measure=lambda model, tokens: [Ability(Kind.OPEN, 1, 3, 4)])
    plan = replace(PLAN, weights=str(tmp_path / "student"), seed=1)
    further = run_of(tokenizer, tmp_path / "further", plan)
    exported = load_file(tmp_path / "student" / "model.safetensors")
    assert all(torch.equal(further.model.state_dict()[name], weight) for name, weight in exported.items())
    assert (first.level.number, further.level.number) == (LEVELS[-1].number, LEVELS[-1].number)
    assert run_of(tokenizer, tmp_path / "fresh").level.number == 0
    further.run()
    card = model_card(further, [Ability(Kind.OPEN, 1, 3, 4)])
    assert "--seed 1 --weights FIRST --steps 8" in card and str(tmp_path) not in card
    for other in (replace(plan, feed_forward=64), replace(plan, layers="aaaa")):
        with pytest.raises(StudentError, match="no pocket of this plan"):
            first_model(other, tokenizer)


def test_replies_come_back_in_the_order_of_their_prompts(tokenizer: Tokenizer, loaded: Any) -> None:
    model = first_model(PLAN, tokenizer)
    model.generation_config.max_length = None
    prompts = ["a b c d e f", "a"]
    both = greedy_replies(model, loaded, prompts, longest=4)
    assert both == [greedy_replies(model, loaded, [prompt], longest=4)[0] for prompt in prompts]
    measured = measure_abilities(model, loaded, tasks=1, difficulties=(0,), kinds=(Kind.COPY,), longest=2)
    assert [ability.n for ability in measured] == [1]
