"""Batched generation and option scoring against the plainest way of doing either."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from proda_core.errors import StudentError
from proda_core.students.hf import HFStudent
from proda_core.students.loading import load_student
from proda_core.students.prompting import answer_text, encode_pair, encode_prompt, render_prompt

PROMPTS = [
    "What does heat lead to?",
    "Which of these?\nA. magma\nB. a very long option about sediment\nC. fluid\nD. core",
    "True or false: convection requires a fluid.",
    "Question",
    "Think step by step. " * 4,
]
OPTIONS = [
    ["A", "B", "C", "D"],
    ["True", "False"],
    ["cooling", "a basin of sediment", "x"],
    ["A"],
    ["B", "heat"],
]
NAMES = ("llama-chat", "qwen2-plain", "lfm2-chat", "qwen3", "gemma2", "gemma3")


def open_student(models: dict[str, Path], name: str, *, batch_size: int = 64) -> HFStudent:
    return load_student(str(models[name]), batch_size=batch_size, threads=1)


def naive_loglikelihood(student: HFStudent, prompt: str, option: str) -> float:
    """One whole forward pass for one option, nothing shared."""
    text = render_prompt(student.tokenizer, prompt)
    pair = encode_pair(student.tokenizer, text, answer_text(student.tokenizer, option))
    ids = torch.tensor([[*pair.context, *pair.continuation]])
    with torch.no_grad():
        logp = student.model(ids).logits[0].double().log_softmax(-1)
    start = len(pair.context)
    return sum(float(logp[start + i - 1, token]) for i, token in enumerate(pair.continuation))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch_size", [2, 64])
def test_option_scores_equal_a_full_pass_for_each_option(
    models: dict[str, Path], name: str, batch_size: int
) -> None:
    student = open_student(models, name, batch_size=batch_size)
    scores = student.option_loglikelihoods(PROMPTS, OPTIONS)
    for prompt, options, row in zip(PROMPTS, OPTIONS, scores, strict=True):
        expected = [naive_loglikelihood(student, prompt, option) for option in options]
        assert row == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_generates_what_each_prompt_generates_alone(models: dict[str, Path], name: str) -> None:
    student = open_student(models, name)
    together = student.generate(PROMPTS, max_new_tokens=20)
    assert together == [student.generate([prompt], max_new_tokens=20)[0] for prompt in PROMPTS]
    assert any(together)


@pytest.mark.parametrize("name", NAMES)
def test_generation_is_the_arg_max_of_full_passes(models: dict[str, Path], name: str) -> None:
    student = open_student(models, name)
    ids = encode_prompt(student.tokenizer, PROMPTS[2])
    start = len(ids)
    for _ in range(10):
        with torch.no_grad():
            token = int(student.model(torch.tensor([ids])).logits[0, -1].argmax())
        if token == student.tokenizer.eos_token_id:
            break
        ids.append(token)
    expected = student.tokenizer.decode(ids[start:], skip_special_tokens=True).strip()
    assert student.generate([PROMPTS[2]], max_new_tokens=10) == [expected]


def test_rows_that_have_ended_do_not_disturb_those_still_going(models: dict[str, Path]) -> None:
    student = open_student(models, "llama-chat")
    free = student.generate(PROMPTS, max_new_tokens=12)
    # Ending where one reply has its third token ends that row early, and the others must go on unchanged up to that token.
    stop = student.tokenizer.encode(free[0], add_special_tokens=False)[2]
    student._stops = frozenset({*student._stops, stop})
    stopped = student.generate(PROMPTS, max_new_tokens=12)
    assert stopped[0] != free[0]
    assert all(long.startswith(short) for long, short in zip(free, stopped, strict=True))
    assert stopped == [student.generate([prompt], max_new_tokens=12)[0] for prompt in PROMPTS]


def test_a_prompt_beyond_the_context_loses_its_beginning(models: dict[str, Path]) -> None:
    student = open_student(models, "llama-chat")
    end = "What does heat lead to?"
    filler = "sediment is part of a basin. " * 80
    (reply,) = student.generate([filler + end], max_new_tokens=5)
    assert isinstance(reply, str)
    ((a, b),) = student.option_loglikelihoods([filler + end], [["A", "B"]])
    assert a < 0 and b < 0 and a != b
    with pytest.raises(StudentError, match="no room"):
        student.generate([end], max_new_tokens=256)


def test_nothing_asked_is_nothing_answered(models: dict[str, Path]) -> None:
    student = open_student(models, "llama-chat")
    assert student.generate([], max_new_tokens=5) == []
    assert student.option_loglikelihoods([], []) == []
    assert student.option_loglikelihoods(["x"], [[]]) == [[]]


def test_asking_a_model_in_training_leaves_it_in_training(models: dict[str, Path]) -> None:
    student = open_student(models, "llama-chat")
    student.model.train()
    student.generate(["x"], max_new_tokens=2)
    assert student.model.training
