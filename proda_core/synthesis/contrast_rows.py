"""Contrast rows: what a concept gap is repaired with. The concept's facts again, each held against its neighbours N(e).

For each relation to repair: a choice among near terms, a statement to judge with a neighbour put in, and further wordings as
open questions; for each neighbour, one row that tells a fact of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from proda_core.layout import choice_prompt
from proda_core.synthesis.fact_rows import RowMaker
from proda_core.synthesis.facts import FactBook
from proda_core.synthesis.patch_templates import (
    CONTRAST_FRAMES,
    NEAR_FRAMES,
    NEAR_TRUTH_FRAMES,
    REWORDED_FRAMES,
    patch_frame,
)
from proda_core.synthesis.rows import RowText
from proda_core.types import ExampleKind, Format, Relation

MAX_NEIGHBOURS = 3
REWORDINGS = 3


@dataclass(frozen=True, slots=True)
class ContrastRows:
    """Makes row texts from single facts and their neighbourhood."""

    maker: RowMaker

    @property
    def _book(self) -> FactBook:
        return self.maker.book

    def of_relation(self, relation: Relation) -> Iterator[RowText]:
        """Everything that reinforces one relation."""
        rng = Random(f"{self.maker.seed}:contrast:{relation.relation_id}")
        yield from self._reworded(relation, rng)
        yield from self._choices(relation, rng)
        yield from self._judged(relation, rng)

    def of_concept(self, concept_id: str) -> Iterator[RowText]:
        """The concept against up to three neighbours, a fact of each told side by side."""
        truths = self._book.truths
        rng = Random(f"{self.maker.seed}:apart:{concept_id}")
        around = sorted(truths.neighbours(concept_id))
        rng.shuffle(around)
        concept = truths.snapshot.concepts[concept_id]
        for number, other in enumerate(around[:MAX_NEIGHBOURS]):
            between = truths.between(concept_id, other)
            told = [truths.snapshot.relations[between[0]]]
            told += [fact for fact in self._book.told_of(other) if fact.relation_id not in between][:1]
            told += [fact for fact in self._book.told_of(concept_id) if fact.relation_id not in between][:1]
            if len(told) < 2:
                continue  # nothing but what joins them: no contrast to tell
            template = CONTRAST_FRAMES[number % len(CONTRAST_FRAMES)]
            asked = patch_frame(template, concept.discipline, a=concept.term, b=self._book.term(other))
            said = " ".join(self._book.statement(fact) for fact in told)
            yield RowText(ExampleKind.CONTRAST, Format.QA, asked, said, "patch.apart", concept.discipline)

    def _reworded(self, relation: Relation, rng: Random) -> Iterator[RowText]:
        forms = list(self._book.forms(relation))
        rng.shuffle(forms)
        for number in range(REWORDINGS):
            form, forward = forms[number % len(forms)], number % 2 == 0
            known = relation.subject_id if forward else relation.object_id
            ask = form.ask_object if forward else form.ask_subject
            asked = patch_frame(
                REWORDED_FRAMES[number % len(REWORDED_FRAMES)],
                relation.discipline,
                q=ask(self._book.term(known), "what"),
            )
            yield self._row(relation, Format.QA, asked, self._book.statement(relation), "patch.reworded")

    def _choices(self, relation: Relation, rng: Random) -> Iterator[RowText]:
        """Both directions, the options being neighbours of the two ends as far as there are any."""
        truths = self._book.truths
        for number, forward in enumerate((True, False)):
            gold = relation.object_id if forward else relation.subject_id
            near = sorted(
                (truths.neighbours(relation.subject_id) | truths.neighbours(relation.object_id)) - {gold}
            )
            rng.shuffle(near)
            picked = self.maker.picker.pick(self._book.question(relation, forward=forward), rng, near=near)
            if not picked:
                continue
            form = rng.choice(self._book.forms(relation))
            known = relation.subject_id if forward else relation.object_id
            bare = (form.ask_object if forward else form.ask_subject)(self._book.term(known), "which one")
            asked = patch_frame(NEAR_FRAMES[number], relation.discipline, q=bare)
            place = self.maker.places.next()
            options = [self._book.term(c) for c in picked]
            options.insert(place, self._book.term(gold))
            asked = choice_prompt(asked, options)
            yield self._row(relation, Format.CHOICE, asked, self.maker.direct(options, place), "patch.near")

    def _judged(self, relation: Relation, rng: Random) -> Iterator[RowText]:
        truths = self._book.truths
        row = truths.phi[relation.type]
        forms = [row.statement, *row.verbalisations]
        rng.shuffle(forms)
        said = self._book.statement(relation, form=forms[0])
        asked = patch_frame(NEAR_TRUTH_FRAMES[0], relation.discipline, s=said)
        yield self._row(relation, Format.TRUE_FALSE, asked, "True", "patch.judged")
        near = sorted(truths.neighbours(relation.subject_id) | truths.neighbours(relation.object_id))
        rng.shuffle(near)
        wrong = self.maker.falsified(relation, forms[-1], rng, near=tuple(near))
        if wrong:
            asked = patch_frame(NEAR_TRUTH_FRAMES[1], relation.discipline, s=wrong)
            answer = f"False. {self._book.statement(relation)}"
            yield self._row(relation, Format.TRUE_FALSE, asked, answer, "patch.judged")

    def _row(self, relation: Relation, format_: Format, asked: str, answer: str, template: str) -> RowText:
        return RowText(ExampleKind.CONTRAST, format_, asked, answer, template, relation.discipline)
