"""What an Item must pass before the freeze: one named function a check, which returns the reason of a failure or "".

``ITEM_CHECKS`` judge one item against the graph; ``balance_failures`` judges the set: gold positions, and guesses made from
the options alone. The path is read off the item itself: the first ``hops`` of its l2_ids, the first ``hops + 1`` l1_ids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from proda_core.disciplines import discipline_name
from proda_core.guard.normalise import words
from proda_core.knowledge import Walk
from proda_core.layout import LETTERS, cot_answer, parse_cot_choice, parse_letter
from proda_core.synthesis.distractors import GOLD, answers_to, like_length
from proda_core.synthesis.questions import ChainQuestion, ask_walk, walk_steps
from proda_core.synthesis.truths import Truths
from proda_core.types import Item

OPTIONS = 4
MAX_STEM_WORDS = 35
Check = Callable[[Item, Truths], str]


def question_of(item: Item, truths: Truths) -> ChainQuestion:
    """The question an item asks; its direction is told by which end of the path is the gold option."""
    walk = Walk(item.l2_ids[: item.hops], item.l1_ids[: item.hops + 1])
    forward = item.option_concept_ids[item.gold_index] == walk.concept_ids[-1]
    return ask_walk(truths.snapshot, walk, forward=forward)


def well_formed(item: Item, truths: Truths) -> str:
    """Four different options that are concepts, one marked gold, on a path that the graph holds."""
    sizes = {len(item.options), len(item.operators), len(item.option_concept_ids)}
    if sizes != {OPTIONS} or not 0 <= item.gold_index < OPTIONS:
        return "not_four_options"
    if item.operators[item.gold_index] != GOLD or item.operators.count(GOLD) != 1:
        return "gold_not_marked"
    named = [truths.snapshot.concepts.get(c) for c in item.option_concept_ids]
    if any(c is None or c.term != text for c, text in zip(named, item.options, strict=True)):
        return "option_is_no_term"
    if any(r not in truths.snapshot.relations for r in item.l2_ids):
        return "relation_not_in_graph"
    gold = question_of(item, truths).gold
    return "" if item.option_concept_ids[item.gold_index] == gold else "gold_not_an_end"


def one_true_by_graph(item: Item, truths: Truths) -> str:
    """The gold is reached by the path of types from the concept named, and no other option is."""
    question = question_of(item, truths)
    reached = truths.reached(question.known, question.types, forward=question.forward)
    if question.gold not in reached:
        return "gold_not_reached"
    others = [c for i, c in enumerate(item.option_concept_ids) if i != item.gold_index]
    return "second_option_reached" if reached.intersection(others) else ""


def one_true_by_closure(item: Item, truths: Truths) -> str:
    """The second route: no other option is implied by Φ, is kin of the gold, or is an alias of a right answer."""
    answers = answers_to(question_of(item, truths), truths)
    others = [c for i, c in enumerate(item.option_concept_ids) if i != item.gold_index]
    return "" if all(answers.is_wrong(c) for c in others) else "second_option_implied"


def whole_chain_needed(item: Item, truths: Truths) -> str:
    """No single relation joins the concept named (or an alias of it) to the gold."""
    question = question_of(item, truths)
    if truths.between(question.known, question.gold):
        return "direct_relation"
    if truths.same_name(question.known, question.gold):
        return "ends_share_a_name"
    return ""


def last_relation_not_enough(item: Item, truths: Truths) -> str:
    """The type asked last fits another option too: who knows only which concepts it fits must still guess."""
    question = question_of(item, truths)
    last = question.types[-1] if question.forward else question.types[0]
    side = truths.before if question.forward else truths.after
    fitting = sum(1 for c in item.option_concept_ids if side(c, last))
    return "" if fitting >= 2 else "last_relation_gives_gold_away"


def options_alike(item: Item, truths: Truths) -> str:
    """Like lengths, none inside another, no two alias-equal."""
    if not like_length(*item.options):
        return "options_unlike"
    keys = item.option_concept_ids
    same = any(truths.same_name(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :])
    return "options_share_a_name" if same else ""


def stem_contextualized(item: Item, truths: Truths) -> str:
    """The stem names the concept known and the discipline, in few words, and neither the inner concepts nor an option."""
    question = question_of(item, truths)
    stem = item.stem.casefold()
    if len(item.stem.split()) > MAX_STEM_WORDS:
        return "stem_too_long"
    if truths.snapshot.term(question.known).casefold() not in stem:
        return "stem_lacks_subject"
    if discipline_name(item.discipline) not in stem:
        return "stem_lacks_discipline"
    if re.match(r"(this|that|these|those|it|they|he|she)\b", stem):
        return "stem_dangles"
    hidden = {*question.inner, *item.option_concept_ids}
    return "stem_names_answer" if hidden_in_stem(item.stem, hidden, truths) else ""


def hidden_in_stem(stem: str, concept_ids: Iterable[str], truths: Truths) -> bool:
    """Whether the stem says the term of one of these concepts, whole words only."""
    said = f" {' '.join(words(stem))} "
    return any(f" {' '.join(words(truths.snapshot.term(c)))} " in said for c in concept_ids)


def own_gold_scores(item: Item, truths: Truths) -> str:
    """The gold letter alone, and a chain of thought that ends on the gold, read back as the gold."""
    letter = LETTERS[item.gold_index]
    steps = walk_steps(truths.snapshot, question_of(item, truths))
    if parse_letter(letter, OPTIONS) != letter:
        return "gold_letter_unread"
    reply = cot_answer(steps, item.gold, letter=letter)
    return "" if parse_cot_choice(reply, item.options) == letter else "gold_chain_unread"


def lineage_complete(item: Item, truths: Truths) -> str:
    """l2_ids are the chain's relations and every relation on the same pairs, so that the guard misses none."""
    path = item.l2_ids[: item.hops]
    return "" if set(item.l2_ids) == truths.on_pairs(path) else "l2_ids_incomplete"


ITEM_CHECKS: tuple[Check, ...] = (
    well_formed,
    lineage_complete,
    one_true_by_graph,
    one_true_by_closure,
    whole_chain_needed,
    last_relation_not_enough,
    options_alike,
    stem_contextualized,
    own_gold_scores,
)


def item_failure(item: Item, truths: Truths) -> str:
    """The reason of the first check that fails, or ""."""
    for check in ITEM_CHECKS:
        if reason := check(item, truths):
            return reason
    return ""


def gold_positions_balanced(items: Sequence[Item]) -> str:
    """Every position holds the gold equally often, but for one."""
    counts = [sum(1 for item in items if item.gold_index == place) for place in range(OPTIONS)]
    return "" if max(counts) - min(counts) <= 1 else f"gold_positions_{'_'.join(map(str, counts))}"
