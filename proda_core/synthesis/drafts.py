"""Item drafts: a chain asked in one direction with its sets of three distractors, before one set is chosen.

``Drafter.draft_chain`` says either what a chain can be asked or why it cannot. ``compose_item`` lays a draft out once its
distractors and the place of its gold are chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from proda_core.ids import digest, make_id
from proda_core.knowledge import Walk
from proda_core.synthesis.distractors import (
    GOLD,
    Distractor,
    DistractorSource,
    Operator,
    answers_to,
    like_length,
)
from proda_core.synthesis.item_checks import MAX_STEM_WORDS, OPTIONS, hidden_in_stem
from proda_core.synthesis.item_templates import BACKWARD, FORWARD, PathTemplate, write_stem
from proda_core.synthesis.questions import ChainQuestion, ask_walk
from proda_core.synthesis.truths import Truths
from proda_core.types import Chain, Item, Split

MAX_RIGHT = 8  # concepts that a path reaches; beyond it the question asks for one of a crowd
MAX_POOL = 12  # distractors considered a draft; more siblings add choice but no quality
MAX_SETS = 48
Trio = tuple[Distractor, Distractor, Distractor]


@dataclass(frozen=True, slots=True)
class Draft:
    """One question of a chain with its stem; ``sets`` are the distractor sets it may use, best first."""

    chain: Chain
    question: ChainQuestion
    template: PathTemplate
    stem: str
    sets: tuple[Trio, ...]
    branching: int


@dataclass(frozen=True, slots=True)
class ChainDrafts:
    """The drafts of a chain; without any, ``reason`` says why."""

    chain: Chain
    drafts: tuple[Draft, ...]
    reason: str = ""


class Drafter:
    """Drafts for one snapshot and seed."""

    def __init__(self, truths: Truths, *, seed: int) -> None:
        self._truths, self._seed = truths, seed
        self._distractors = DistractorSource(truths)

    def draft_chain(self, chain: Chain, *, limit: int) -> ChainDrafts:
        """Up to ``limit`` drafts, forward and backward in turn, each in another template of the item family."""
        walk = Walk(chain.relation_ids, chain.concept_ids)
        first, last = walk.concept_ids[0], walk.concept_ids[-1]
        if any(self._truths.snapshot.relations[key].told_by_name for key in chain.relation_ids):
            return ChainDrafts(chain, (), "told_by_a_name")
        if self._truths.between(first, last):
            return ChainDrafts(chain, (), "direct_relation")
        if self._truths.same_name(first, last):
            return ChainDrafts(chain, (), "ends_share_a_name")
        drafts: list[Draft] = []
        reasons: list[str] = []
        for forward, template in self._ways(chain.chain_id)[:limit]:
            made = self._draft(chain, ask_walk(self._truths.snapshot, walk, forward=forward), template)
            if isinstance(made, Draft):
                drafts.append(made)
            else:
                reasons.append(made)
        return ChainDrafts(chain, tuple(drafts), "" if drafts else reasons[0])

    def _ways(self, key: str) -> list[tuple[bool, PathTemplate]]:
        turn = int(digest([self._seed, key])[:8], 16)
        ways: list[tuple[bool, PathTemplate]] = []
        for place in range(len(FORWARD)):
            ways.append((True, FORWARD[(turn + place) % len(FORWARD)]))
            ways.append((False, BACKWARD[(turn // 2 + place) % len(BACKWARD)]))
        return ways

    def _draft(self, chain: Chain, question: ChainQuestion, template: PathTemplate) -> Draft | str:
        truths = self._truths
        stem = write_stem(template, question, truths.snapshot.term(question.known), chain.discipline)
        if len(stem.split()) > MAX_STEM_WORDS:
            return "stem_too_long"
        if hidden_in_stem(stem, (question.gold, *question.inner), truths):
            return "stem_names_answer"
        if len(answers_to(question, truths).direct) > MAX_RIGHT:
            return "too_many_right_answers"
        rng = Random(f"{self._seed}:{chain.chain_id}:{question.forward}")
        sets = self._sets(self._pool(question, stem, rng), rng)
        if not sets:
            return "too_few_distractors"
        return Draft(chain, question, template, stem, sets, branching(question, truths))

    def _pool(self, question: ChainQuestion, stem: str, rng: Random) -> list[Distractor]:
        found = self._distractors.of(question)
        usable = [d for d in found if not hidden_in_stem(stem, (d.concept_id,), self._truths)]
        near = [d for d in usable if d.operator is not Operator.SIBLING]
        siblings = [d for d in usable if d.operator is Operator.SIBLING]
        rng.shuffle(near)
        rng.shuffle(siblings)
        near = near[: MAX_POOL // 2]
        return near + siblings[: MAX_POOL - len(near)]

    def _sets(self, pool: list[Distractor], rng: Random) -> tuple[Trio, ...]:
        rated = [(-_quality(trio), rng.random(), trio) for trio in self._trios(pool)]
        rated.sort(key=lambda r: r[:2])
        return tuple(trio for _, _, trio in rated[:MAX_SETS])

    def _trios(self, pool: list[Distractor]) -> Iterator[Trio]:
        """Sets whose members go together in pairs (each goes with the gold already) and of which one fits the last type."""
        clash = {
            (a, b) for a, b in combinations(pool, 2) if not self._go_together(a.concept_id, b.concept_id)
        }
        for first, second, third in combinations(pool, OPTIONS - 1):
            fits = first.shares_last or second.shares_last or third.shares_last
            if fits and clash.isdisjoint(((first, second), (first, third), (second, third))):
                yield (first, second, third)

    def _go_together(self, first: str, second: str) -> bool:
        term, same_name = self._truths.snapshot.term, self._truths.same_name
        return like_length(term(first), term(second)) and not same_name(first, second)


def _quality(trio: Trio) -> int:
    """How many different near operators made the set, two at most: more would leave no room for balance."""
    return min(2, len({d.operator for d in trio} - {Operator.SIBLING}))


def branching(question: ChainQuestion, truths: Truths) -> int:
    """Wrong turns a walker meets: at each step, how many other concepts the same type leads to."""
    path = list(zip(question.walk.concept_ids, question.types, question.walk.concept_ids[1:], strict=False))
    if question.forward:
        return sum(len(truths.after(start, type_)) - 1 for start, type_, _ in path)
    return sum(len(truths.before(end, type_)) - 1 for _, type_, end in path)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an item goes and how its options are ordered."""

    group_id: str
    split: Split
    gold_place: int


def compose_item(draft: Draft, trio: Trio, layout: Layout, truths: Truths) -> Item:
    """The item: the gold at its place, the distractors around it in the order of a hash of the stem."""
    question = draft.question
    others = sorted(trio, key=lambda d: digest([draft.stem, d.concept_id]))
    keys = [d.concept_id for d in others]
    operators = [d.operator.value for d in others]
    keys.insert(layout.gold_place, question.gold)
    operators.insert(layout.gold_place, GOLD)
    options = tuple(truths.snapshot.term(key) for key in keys)
    path = question.walk.relation_ids
    return Item(
        item_id=make_id("i", draft.stem, options, layout.gold_place),
        chain_id=draft.chain.chain_id,
        group_id=layout.group_id,
        split=layout.split,
        stem=draft.stem,
        options=options,
        gold_index=layout.gold_place,
        operators=tuple(operators),
        option_concept_ids=tuple(keys),
        discipline=draft.chain.discipline,
        hops=question.hops,
        template=draft.template.name,
        l1_ids=question.walk.concept_ids,
        l2_ids=(*path, *sorted(truths.on_pairs(path) - set(path))),
    )


def move_gold(item: Item, place: int) -> Item:
    """The same item with its gold at another place; the order of the distractors is kept."""

    def moved(values: Sequence[str]) -> tuple[str, ...]:
        rest = [value for n, value in enumerate(values) if n != item.gold_index]
        return (*rest[:place], values[item.gold_index], *rest[place:])

    options = moved(item.options)
    return replace(
        item,
        item_id=make_id("i", item.stem, options, place),
        options=options,
        operators=moved(item.operators),
        option_concept_ids=moved(item.option_concept_ids),
        gold_index=place,
    )
