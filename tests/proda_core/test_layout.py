"""What is read from a chain-of-thought reply: an option's text, a letter in brackets, a letter; nothing else."""

import pytest

from proda_core.layout import cot_answer, cot_step, parse_cot_choice

OPTIONS = ("vitamin (c)", "cell wall", "water", "light")


@pytest.mark.parametrize("place", range(4))
def test_what_is_written_for_an_option_is_read_as_that_option(place: int) -> None:
    steps = [cot_step("leaf", "Leaf requires water.")]
    assert parse_cot_choice(cot_answer(steps, OPTIONS[place], letter="ABCD"[place]), OPTIONS) == "ABCD"[place]
    assert parse_cot_choice(cot_answer(steps, OPTIONS[place]), OPTIONS) == "ABCD"[place]


@pytest.mark.parametrize(
    ("ending", "letter"),
    [
        ("So watter. Answer: C", "C"),  # remembered dimly, chosen all the same
        ("Answer: watter (C)", "C"),
        ("answer: cell wall (d).", "D"),
        ("Answer: b", "B"),
        ("Answer: Vitamin (C).", "A"),  # an option's own text, brackets and all
        ("Answer: watter (g)", None),
        ("Answer: watter", None),
        ("Leaf requires water (C)", None),
    ],
)
def test_the_text_comes_first_then_the_letter_in_brackets(ending: str, letter: str | None) -> None:
    assert parse_cot_choice(f"From leaf: Leaf requires water. {ending}", OPTIONS) == letter
