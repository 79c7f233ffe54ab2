"""How conversations become tokens and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proda_core.errors import StudentError
from proda_core.students.prompting import (
    EncodedRow,
    encode_pair,
    encode_prompt,
    encode_row,
    render_prompt,
    stop_tokens,
)
from proda_core.types import Message

NAMES = ("llama-chat", "qwen2-plain")


def tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def turns(*texts: str) -> list[Message]:
    return [Message("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(texts)]


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_exactly_the_answer_and_its_end_token(models: dict[str, Path], name: str) -> None:
    tok = tokenizer(models[name])
    row = encode_row(tok, turns("What does heat lead to?", "Heat leads to convection."))
    labelled = [t for t, label in zip(row.ids, row.labels, strict=True) if label]
    assert labelled[-1] == tok.eos_token_id
    assert tok.decode(labelled[:-1]).strip() == "Heat leads to convection."
    rest = [t for t, label in zip(row.ids, row.labels, strict=True) if not label]
    assert rest == encode_prompt(tok, "What does heat lead to?")


@pytest.mark.parametrize("name", NAMES)
def test_a_row_begins_with_the_very_tokens_that_generation_starts_from(
    models: dict[str, Path], name: str
) -> None:
    tok = tokenizer(models[name])
    prompt = encode_prompt(tok, "True or false: magma serves cooling.")
    row = encode_row(tok, turns("True or false: magma serves cooling.", "True"))
    assert list(row.ids[: len(prompt)]) == prompt


@pytest.mark.parametrize("name", NAMES)
def test_every_assistant_turn_of_a_longer_row_is_labelled(models: dict[str, Path], name: str) -> None:
    tok = tokenizer(models[name])
    row = encode_row(tok, turns("First?", "one", "Second?", "two"))
    labelled = tok.decode([t for t, label in zip(row.ids, row.labels, strict=True) if label])
    assert [part.strip() for part in labelled.split(tok.eos_token)] == ["one", "two", ""]
    assert "Second?" in tok.decode([t for t, label in zip(row.ids, row.labels, strict=True) if not label])


def test_the_plain_form_is_question_and_answer(models: dict[str, Path]) -> None:
    assert render_prompt(tokenizer(models["qwen2-plain"]), "Why?") == "Question: Why?\nAnswer:"


def test_a_row_that_is_too_long_keeps_its_end() -> None:
    row = EncodedRow((1, 2, 3, 4), (False, False, True, True)).cut(3)
    assert row == EncodedRow((2, 3, 4), (False, True, True))


def test_white_space_before_a_continuation_is_scored_with_it(models: dict[str, Path]) -> None:
    tok = tokenizer(models["qwen2-plain"])
    assert encode_pair(tok, "magma serves \n", "cooling") == encode_pair(tok, "magma serves", " \ncooling")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Message("user", "alone")],
        [Message("assistant", "first"), Message("user", "second")],
        [Message("user", "a"), Message("user", "b")],
    ],
)
def test_messages_that_do_not_alternate_are_refused(models: dict[str, Path], messages: list[Message]) -> None:
    with pytest.raises(StudentError, match="alternate"):
        encode_row(tokenizer(models["llama-chat"]), messages)


def test_generation_stops_at_the_template_end_and_at_the_models_own_end(models: dict[str, Path]) -> None:
    tok = tokenizer(models["llama-chat"])
    assert stop_tokens(tok, [7, 9]) == {tok.convert_tokens_to_ids("<|end|>"), 7, 9}
    assert stop_tokens(tok, 5) == {tok.convert_tokens_to_ids("<|end|>"), 5}
