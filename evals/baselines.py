"""What an item gives away without knowledge: chance, the longest option, and guesses from the options alone.

An honest benchmark holds all of them near chance; the builder checks it, the report shows it. ``options_prior`` needs no model
and never uses an item's own group; ``options_only`` asks a student with the stem withheld.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evals.statistics import wilson
from proda_core.answering import ChoiceQuestion, answer_choices
from proda_core.errors import BenchmarkError
from proda_core.ids import normalise_term
from proda_core.types import Interval, Item, Scoring

if TYPE_CHECKING:
    from proda_core.students import Student

WITHHELD = "Which option is right?"


def chance(items: Sequence[Item]) -> float:
    """Expected accuracy of a blind guess: the mean of one over the number of options."""
    if not items:
        raise BenchmarkError("chance of no items is undefined; give at least one item")
    return sum(1 / len(item.options) for item in items) / len(items)


def longest_option(items: Sequence[Item]) -> Interval:
    """Accuracy of taking the longest option (the first of several as long)."""
    right = sum(_longest(item.options) == item.gold_index for item in items)
    return wilson(right, len(items))


def options_prior(items: Sequence[Item]) -> Interval:
    """Accuracy of taking the option most often gold, less how often it is a distractor, in the other groups' items."""
    counts = [(item, _votes([item])) for item in items]
    total: Counter[str] = Counter()
    own: dict[str, Counter[str]] = {}
    for item, votes in counts:
        total.update(votes)
        own.setdefault(item.group_id, Counter()).update(votes)
    right = 0
    for item in items:
        mine = own[item.group_id]
        scores = [total[key] - mine[key] for key in map(normalise_term, item.options)]
        right += scores.index(max(scores)) == item.gold_index
    return wilson(right, len(items))


def options_only(student: Student, items: Sequence[Item]) -> Interval:
    """A student's accuracy with the stem withheld, by letter; unscored answers are left out."""
    questions = [ChoiceQuestion(item.item_id, WITHHELD, item.options) for item in items]
    answers = answer_choices(student, questions, scoring=Scoring.LETTER, max_new_tokens=1)
    scored = [(item, answer) for item, answer in zip(items, answers, strict=True) if not answer.failure]
    return wilson(sum(answer.choice == item.gold_index for item, answer in scored), len(scored))


def _longest(options: Sequence[str]) -> int:
    lengths = [len(option) for option in options]
    return lengths.index(max(lengths))


def _votes(items: Sequence[Item]) -> Counter[str]:
    votes: Counter[str] = Counter()
    for item in items:
        for index, option in enumerate(item.options):
            votes[normalise_term(option)] += 1 if index == item.gold_index else -1
    return votes
