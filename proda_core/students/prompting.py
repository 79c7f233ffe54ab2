"""How a conversation becomes tokens: by the tokenizer's chat template, or plainly as "Question: ... Answer: ...".

Training rows, generation and option scoring all come through here, so a student is asked in the form it was taught in.
A prompt and what follows it are tokenised together and split at the prompt's own length: the convention of
lm-eval-harness, so that scores agree with it item by item. A tokenizer without any end token is refused (StudentError).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from proda_core.errors import StudentError
from proda_core.types import Message

_PLAIN = "Question: {text}\nAnswer:"
_PLAIN_JOIN = "\n\n"


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """Token IDs of a whole row and, of the same length, which of them are labels (answers and their end tokens)."""

    ids: tuple[int, ...]
    labels: tuple[bool, ...]

    def cut(self, max_length: int) -> EncodedRow:
        """The last ``max_length`` tokens: the answer is what is learnt, so a row too long loses its beginning."""
        return (
            self
            if len(self.ids) <= max_length
            else EncodedRow(self.ids[-max_length:], self.labels[-max_length:])
        )


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """A prompt's token IDs and those of what continues it."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


def has_template(tokenizer: Any) -> bool:
    return bool(getattr(tokenizer, "chat_template", None))


def render_prompt(tokenizer: Any, user_text: str) -> str:
    """The text after which the student answers ``user_text``."""
    return _context(tokenizer, [Message("user", user_text)])


def answer_text(tokenizer: Any, answer: str) -> str:
    """An answer as it continues a rendered prompt: after a space in the plain form, bare after a chat template."""
    return answer if has_template(tokenizer) else f" {answer}"


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """Token IDs of rendered text; the begin token is added when the tokenizer does so, and never twice."""
    begin = getattr(tokenizer, "bos_token", None)
    special = not (begin and text.startswith(begin))
    return list(tokenizer.encode(text, add_special_tokens=special))


def encode_pair(tokenizer: Any, context: str, continuation: str) -> EncodedPair:
    """For scoring: the context's trailing white space, line ends too, is scored with the continuation, as lm-eval does."""
    bare = context.rstrip()
    return _split(tokenizer, bare, context[len(bare) :] + continuation)


def encode_options(
    tokenizer: Any, prompts: Sequence[str], options: Sequence[Sequence[str]]
) -> list[list[EncodedPair]]:
    """``[i][j]``: ``options[i][j]`` as the answer to ``prompts[i]``."""
    contexts = [render_prompt(tokenizer, prompt) for prompt in prompts]
    return [
        [encode_pair(tokenizer, context, answer_text(tokenizer, option)) for option in row]
        for context, row in zip(contexts, options, strict=True)
    ]


def _split(tokenizer: Any, context: str, continuation: str) -> EncodedPair:
    """Tokenise both together and split at the context's own length."""
    head = encode_text(tokenizer, context)
    tail = encode_text(tokenizer, context + continuation)[len(head) :]
    if not tail:
        raise StudentError(f"answer {continuation!r} has no token of its own after the prompt; reword it")
    return EncodedPair(tuple(head), tuple(tail))


def encode_prompt(tokenizer: Any, user_text: str) -> list[int]:
    """Token IDs of the rendered prompt, to generate from."""
    return encode_text(tokenizer, render_prompt(tokenizer, user_text))


def encode_row(tokenizer: Any, messages: Sequence[Message]) -> EncodedRow:
    """A training row: user and assistant in turn, labels on every assistant answer and the token that ends it.

    StudentError when the messages do not alternate from a user to an assistant.
    """
    _check_turns(messages)
    ids: list[int] = []
    labels: list[bool] = []
    for number in range(1, len(messages), 2):
        context = _context(tokenizer, messages[:number])
        pair = _split(tokenizer, context, answer_text(tokenizer, messages[number].content))
        fresh = pair.context[len(ids) :]  # earlier turns are a prefix of this turn's context
        answer = (*pair.continuation, end_token(tokenizer))
        ids += [*fresh, *answer]
        labels += [*[False] * len(fresh), *[True] * len(answer)]
    return EncodedRow(tuple(ids), tuple(labels))


def end_token(tokenizer: Any) -> int:
    """The token that ends an answer: the special token that the chat template closes a turn with, or the end token."""
    closing = _closing_token(tokenizer)
    token = tokenizer.eos_token_id if closing is None else closing
    if token is None:
        raise StudentError("the tokenizer has no end token; set eos_token in tokenizer_config.json")
    return int(token)


def stop_tokens(tokenizer: Any, generation_end: int | Iterable[int] | None = None) -> frozenset[int]:
    """Every token after which generation ends; ``generation_end`` is the model's own generation setting."""
    ends = {end_token(tokenizer)}
    if tokenizer.eos_token_id is not None:
        ends.add(int(tokenizer.eos_token_id))
    if isinstance(generation_end, int):
        ends.add(generation_end)
    elif generation_end is not None:
        ends.update(int(token) for token in generation_end)
    return frozenset(ends)


def _closing_token(tokenizer: Any) -> int | None:
    """The last token of a rendered assistant turn when it is a special one."""
    if not has_template(tokenizer):
        return None
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False)).rstrip()
    last = encode_text(tokenizer, text)[-1]
    return last if last in set(tokenizer.all_special_ids) else None


def _context(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Everything before the next answer."""
    if has_template(tokenizer):
        turns = [{"role": m.role, "content": m.content} for m in messages]
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    text = ""
    for message in messages:
        if message.role == "user":
            text += _PLAIN.format(text=message.content)
        else:
            text += f" {message.content}{tokenizer.eos_token or ''}{_PLAIN_JOIN}"
    return text


def _check_turns(messages: Sequence[Message]) -> None:
    roles = [m.role for m in messages]
    wanted = ["user" if i % 2 == 0 else "assistant" for i in range(len(roles))]
    if not roles or len(roles) % 2 or roles != wanted:
        raise StudentError(f"a row's messages alternate user and assistant, got {roles}; write it that way")
