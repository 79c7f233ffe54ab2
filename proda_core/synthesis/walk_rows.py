"""Chain-of-thought rows: a walk through the graph asked forward or backward, answered by its steps and then the end.

Steps are the canonical statements in walking order, the same strings that the initial Examples answer with; the answer is the
term reached, with or without options to choose it from. Written from the graph alone: no item is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from proda_core.knowledge import Walk
from proda_core.layout import COT_SUFFIX, LETTERS, choice_prompt, cot_answer
from proda_core.synthesis.fact_rows import Places
from proda_core.synthesis.options import OptionPicker
from proda_core.synthesis.patch_templates import BACKWARD, FORWARD, WalkTemplate, ask_along
from proda_core.synthesis.questions import ChainQuestion, ask_walk, walk_steps
from proda_core.synthesis.rows import RowText
from proda_core.synthesis.truths import Truths
from proda_core.types import ExampleKind, Format


@dataclass(frozen=True, slots=True)
class WalkRows:
    """Makes row texts of walks."""

    truths: Truths
    picker: OptionPicker
    places: Places
    seed: int

    def along(self, walk: Walk, chain_id: str = "") -> Iterator[RowText]:
        """All ways of one walk: forward and backward, with options and open, each in another template; then its sub-walks."""
        rng = self._rng("along", *walk.relation_ids)
        forward, backward = self._turned(FORWARD, rng), self._turned(BACKWARD, rng)
        yield from self.lettered(walk, forward[0], rng, forward=True, chain_id=chain_id)
        yield from self.lettered(walk, backward[0], rng, forward=False, chain_id=chain_id)
        yield self.open(walk, forward[1], forward=True, chain_id=chain_id)
        yield from self.lettered(walk, forward[2], rng, forward=True, chain_id=chain_id)
        yield from self.lettered(walk, backward[1], rng, forward=False, chain_id=chain_id)
        yield self.open(walk, backward[2], forward=False, chain_id=chain_id)
        for part in sub_walks(walk):
            yield from self.lettered(part, forward[3], rng, forward=True, chain_id=chain_id)
            yield from self.lettered(part, backward[0], rng, forward=False, chain_id=chain_id)

    def elsewhere(self, walk: Walk) -> Iterator[RowText]:
        """A scaffold walk: with options forward and backward, and one open, in templates that its content picks."""
        rng = self._rng("elsewhere", *walk.relation_ids)
        forward, backward = self._turned(FORWARD, rng), self._turned(BACKWARD, rng)
        yield from self.lettered(walk, forward[0], rng, forward=True)
        yield from self.lettered(walk, backward[0], rng, forward=False)
        if rng.random() < 0.5:
            yield self.open(walk, forward[1], forward=True)
        else:
            yield self.open(walk, backward[1], forward=False)

    def lettered(
        self, walk: Walk, template: WalkTemplate, rng: Random, *, forward: bool, chain_id: str = ""
    ) -> Iterator[RowText]:
        """The walk as a choice; nothing where three wrong options cannot be found."""
        question = ask_walk(self.truths.snapshot, walk, forward=forward)
        near = question.inner[:1] if rng.random() < 0.5 else ()
        picked = self.picker.pick(question, rng, near=near)
        if picked:
            term = self.truths.snapshot.term
            place = self.places.next()
            options = [term(c) for c in picked]
            options.insert(place, term(question.gold))
            asked = choice_prompt(self._ask(template, question, lettered=True), options) + COT_SUFFIX
            steps = walk_steps(self.truths.snapshot, question)
            answer = cot_answer(steps, options[place], letter=LETTERS[place])
            yield self._row(question, Format.CHOICE, asked, answer, template=template.name, chain_id=chain_id)

    def open(self, walk: Walk, template: WalkTemplate, *, forward: bool, chain_id: str = "") -> RowText:
        """The walk as an open question, answered by the term."""
        question = ask_walk(self.truths.snapshot, walk, forward=forward)
        asked = self._ask(template, question, lettered=False) + COT_SUFFIX
        answer = cot_answer(
            walk_steps(self.truths.snapshot, question), self.truths.snapshot.term(question.gold)
        )
        return self._row(question, Format.QA, asked, answer, template=template.name, chain_id=chain_id)

    def _ask(self, template: WalkTemplate, question: ChainQuestion, *, lettered: bool) -> str:
        known = self.truths.snapshot.term(question.known)
        return ask_along(template, question, known, self._discipline(question), lettered=lettered)

    def _row(
        self,
        question: ChainQuestion,
        format_: Format,
        asked: str,
        answer: str,
        *,
        template: str,
        chain_id: str,
    ) -> RowText:
        code = self._discipline(question)
        return RowText(ExampleKind.CHAIN, format_, asked, answer, template, code, chain_id=chain_id)

    def _discipline(self, question: ChainQuestion) -> str:
        return self.truths.snapshot.relations[question.walk.relation_ids[0]].discipline

    def _turned(self, family: tuple[WalkTemplate, ...], rng: Random) -> tuple[WalkTemplate, ...]:
        turn = rng.randrange(len(family))
        return (*family[turn:], *family[:turn])

    def _rng(self, *parts: str) -> Random:
        return Random(":".join((str(self.seed), *parts)))


def sub_walks(walk: Walk) -> tuple[Walk, ...]:
    """The parts of at least two relations, shorter than the walk."""
    return tuple(
        Walk(walk.relation_ids[start : start + hops], walk.concept_ids[start : start + hops + 1])
        for hops in range(2, walk.hops)
        for start in range(walk.hops - hops + 1)
    )
