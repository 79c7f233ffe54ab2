"""The text layouts that every part of the project shares: choice prompts, chain-of-thought answers, and their parsers.

A choice is asked as a question and lettered options, one a line; it is answered with the bare letter under letter scoring,
else with "Answer: X", X being the option's own text. Chain of thought is asked for with a suffix and answered with steps, then
the option reached and its letter, "So X. Answer: C": who remembers a name dimly still chooses among the options. A step names
where it sets out from and then states a fact, so that each look-up asks for a name just written. Parsers return None for a reply
they cannot read: unparsable is not wrong, and the caller decides what it means.
"""

import re
from collections.abc import Sequence

LETTERS = "ABCDEFGH"
COT_SUFFIX = "\nThink step by step."

_ANSWER = re.compile(r"answer\s*:\s*", re.IGNORECASE)
_CHOSEN = re.compile(r"\(([a-h])\)$", re.IGNORECASE)
_BARE_LETTER = re.compile(r"\(?([a-h])\)?(?![\w'])", re.IGNORECASE)
_TRUE_FALSE = re.compile(r"\b(true|false)\b", re.IGNORECASE)


def choice_prompt(question: str, options: Sequence[str]) -> str:
    """The question followed by its options, lettered from A, one a line; raises ValueError beyond 2 to 8 options."""
    if not 2 <= len(options) <= len(LETTERS):
        raise ValueError(f"a choice has 2 to {len(LETTERS)} options, not {len(options)}")
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *lines])


def context_prompt(context: str, question: str) -> str:
    """A question on a text: the text, an empty line, the question."""
    return f"{context}\n\n{question}"


def cot_answer(steps: Sequence[str], answer: str, *, letter: str = "") -> str:
    """The chain-of-thought reply: its steps (``cot_step``), then "Answer: " and the name reached, or that name and its letter."""
    if letter:
        return " ".join([*steps, f"So {answer}.", f"Answer: {letter}"])
    return " ".join([*steps, f"Answer: {answer}"])


def cot_step(known: str, statement: str) -> str:
    """One step of a chain of thought: the name it sets out from, then the statement, with its period, that leads on."""
    return f"From {known}: {statement}"


def parse_letter(text: str, n_options: int) -> str | None:
    """The option letter a direct reply begins with, upper case, or None."""
    found = _BARE_LETTER.match(_after_answer(text).lstrip())
    if found is None:
        return None
    letter = found.group(1).upper()
    return letter if letter in LETTERS[:n_options] else None


def parse_cot_choice(text: str, options: Sequence[str]) -> str | None:
    """The letter of the option that a chain-of-thought reply ends on: by the option's text, else in brackets, else by itself.

    None when there is no such ending. Case, spaces and a final period do not matter. Where a name that is no option, or another
    option's, stands before the brackets, the letter in them decides.
    """
    name = parse_cot_name(text)
    if name is None:
        return None
    named = [
        letter for letter, option in zip(LETTERS, options, strict=False) if _plain(option) == _plain(name)
    ]
    if len(named) == 1:
        return named[0]
    chosen = _CHOSEN.search(name)
    if chosen is not None and (letter := chosen.group(1).upper()) in LETTERS[: len(options)]:
        return letter
    return parse_letter(text, len(options))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def parse_cot_name(text: str) -> str | None:
    """The name after the last "Answer:" of a reply, without its final period, or None."""
    if _ANSWER.search(text) is None:
        return None
    return _after_answer(text).strip().rstrip(".").strip() or None


def parse_true_false(text: str) -> str | None:
    """ "True" or "False", whichever word a reply says first, or None."""
    found = _TRUE_FALSE.search(text)
    return found.group(1).capitalize() if found else None


def _after_answer(text: str) -> str:
    """What follows the last "answer:", or the whole text without one."""
    return _ANSWER.split(text)[-1]
