"""Failed items asked again with their options in another order: does the answer move, and is it then right?

The first permutations are rotations, so that the gold visits every position; further ones are shuffles seeded by the item. An
option log-likelihood scoring shows no order, so there is nothing to permute and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from random import Random
from typing import TYPE_CHECKING

from proda_core.answering import ChoiceQuestion, answer_choices
from proda_core.diagnosis.setting import Setting
from proda_core.types import Item, Scoring

if TYPE_CHECKING:
    from proda_core.students import Student

GUESSED = 0.05  # how likely guessing may be to give as many right runs


@dataclass(frozen=True, slots=True)
class PermutedRuns:
    """Options chosen under each permutation, as indices of the item's own order; None where unreadable or not answered."""

    choices: tuple[int | None, ...]
    gold: int
    options: int = 4

    @property
    def right(self) -> int:
        return sum(choice == self.gold for choice in self.choices)

    @property
    def unstable(self) -> bool:
        """Right more often than guessing is in one case of twenty, though wrong as first asked.

        Three runs over four options must all be right (1.6 %): two of three is what a guess gives in every sixth item, and
        would hide as many deficits. Fewer than three runs can show nothing.
        """
        return beyond_guessing(self.right, len(self.choices), self.options)


def beyond_guessing(right: int, runs: int, options: int) -> bool:
    """Whether so many right runs, or more, come by guessing in one case of twenty at most."""
    guess = 1 / options
    more = range(right, runs + 1)
    return sum(comb(runs, k) * guess**k * (1 - guess) ** (runs - k) for k in more) <= GUESSED


def orders(item: Item, count: int, *, seed: int) -> tuple[tuple[int, ...], ...]:
    """``count`` orders of the item's option indices, none of them the item's own."""
    own = tuple(range(len(item.options)))
    found = [own[turn:] + own[:turn] for turn in own[1:]][:count]
    rng = Random(f"permute:{seed}:{item.item_id}")
    while len(found) < count:
        mixed = tuple(rng.sample(own, len(own)))
        if mixed != own:
            found.append(mixed)
    return tuple(found)


def ask_permuted(
    student: Student,
    items: Sequence[Item],
    setting: Setting,
) -> dict[str, PermutedRuns]:
    """Runs by item ID, all asked in one batch; empty under a scoring that shows no order."""
    scoring, count = setting.benchmark.scoring, setting.config.permutations
    if scoring is Scoring.LOGLIKELIHOOD:
        return {}
    shown = [(item, order) for item in items for order in orders(item, count, seed=setting.seed)]
    questions = [
        ChoiceQuestion(item.item_id, item.stem, tuple(item.options[i] for i in order))
        for item, order in shown
    ]
    answers = answer_choices(student, questions, scoring=scoring, max_new_tokens=setting.max_new_tokens)
    chosen: dict[str, list[int | None]] = {item.item_id: [] for item in items}
    for (item, order), answer in zip(shown, answers, strict=True):
        chosen[item.item_id].append(None if answer.choice is None else order[answer.choice])
    return {
        item.item_id: PermutedRuns(tuple(chosen[item.item_id]), item.gold_index, len(item.options))
        for item in items
    }
