"""Rows of single facts: open questions, choices, true or false, several facts of a concept, and definitions.

Each kind of row is one method that yields ``RowText``; which rows are written, and how many, is ``examples``' business. Every
choice of wording comes from a Random made of the seed and the fact, so a fact's rows are the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from proda_core.layout import COT_SUFFIX, LETTERS, choice_prompt, cot_answer, cot_step
from proda_core.synthesis.example_templates import (
    ABOUT_FRAMES,
    CHOICE_FRAMES,
    DEFINE_FRAMES,
    NAME_ONE,
    QA_FRAMES,
    TERM_FRAMES,
    TRUTH_FRAMES,
    Form,
    frame,
)
from proda_core.synthesis.facts import MAX_TOLD, FactBook
from proda_core.synthesis.options import OptionPicker
from proda_core.synthesis.rows import RowText
from proda_core.types import Concept, ExampleKind, Format, Relation, Scoring

N_OPTIONS = 4
WINDOW = 3  # facts told in one row about a concept


class Places:
    """Places of the gold, every block of four holding each place once."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"places:{seed}")
        self._block: list[int] = []

    def next(self) -> int:
        if not self._block:
            self._block = list(range(N_OPTIONS))
            self._rng.shuffle(self._block)
        return self._block.pop()


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Makes row texts of facts; ``places`` is shared so that golds are balanced over all rows.

    A choice without reasoning is answered as the benchmark's ``scoring`` reads it: by its letter, or by the option's text.
    """

    book: FactBook
    picker: OptionPicker
    places: Places
    seed: int
    scoring: Scoring

    def open_rows(self, relation: Relation, wordings: int) -> Iterator[RowText]:
        """Forward and inverse questions in turn, answered by the canonical statement, or all of them where several answer."""
        rng = self._rng("qa", relation.relation_id)
        forms, frames = self.book.forms(relation), _turned(QA_FRAMES, rng)
        for number in range(wordings):
            forward = number % 2 == 0
            form = forms[0] if number == 0 else forms[(rng.randrange(len(forms)) + number) % len(forms)]
            bare = self._bare(relation, form, forward=forward, what="what")
            answers = self.book.answers(relation, forward=forward)
            if len(answers) > MAX_TOLD:
                template, said = NAME_ONE, answers[0]
            else:
                template, said = frames[number % len(frames)], " ".join(answers)
            question = frame(template, relation.discipline, q=bare)
            yield self._row(relation, Format.QA, question, said, f"example.qa.{_way(forward)}")

    def choice_rows(self, relation: Relation, wordings: int) -> Iterator[RowText]:
        """The same questions with four options: the first reasoned (the fact, then its option), the next by the option at once.

        A reasoned one recalls a single fact and composes nothing; it teaches how a question without a text is answered.
        """
        rng = self._rng("choice", relation.relation_id)
        forms, frames = self.book.forms(relation), _turned(CHOICE_FRAMES, rng)
        for number in range(wordings):
            forward = number % 2 == 0
            form = forms[(number + rng.randrange(len(forms))) % len(forms)]
            picked = self.picker.pick(self.book.question(relation, forward=forward), rng)
            if picked:
                gold = relation.object_id if forward else relation.subject_id
                bare = self._bare(relation, form, forward=forward, what="which of these")
                question = frame(frames[number % len(frames)], relation.discipline, q=bare)
                template = f"example.choice.{_way(forward)}"
                reasoned = number % 2 == 0
                yield self.lettered(relation, question, (gold, *picked), template=template, reasoned=reasoned)

    def lettered(
        self,
        relation: Relation,
        question: str,
        options: tuple[str, ...],
        *,
        template: str,
        reasoned: bool = False,
    ) -> RowText:
        """A choice row; the first of ``options`` is the gold. ``reasoned`` asks for the fact before the option."""
        place = self.places.next()
        terms = [self.book.term(c) for c in options[1:]]
        terms.insert(place, self.book.term(options[0]))
        asked, answer = choice_prompt(_capital(question), terms), self.direct(terms, place)
        if reasoned:
            known = relation.subject_id if options[0] == relation.object_id else relation.object_id
            step = cot_step(self.book.term(known), self.book.statement(relation))
            asked, answer = asked + COT_SUFFIX, cot_answer([step], terms[place], letter=LETTERS[place])
        return self._row(relation, Format.CHOICE, asked, answer, template)

    def truth_rows(self, relation: Relation, wordings: int) -> Iterator[RowText]:
        """True and false in turn; a false one is put right in the answer, and so names the pair it is about."""
        rng = self._rng("truth", relation.relation_id)
        forms, frames = self.book.truths.phi[relation.type], _turned(TRUTH_FRAMES, rng)
        statements = [forms.statement, *forms.verbalisations]
        rng.shuffle(statements)
        for number in range(wordings):
            form, template = statements[number % len(statements)], frames[number % len(frames)]
            if number % 2 == 0:
                question = frame(template, relation.discipline, s=self.book.statement(relation, form=form))
                yield self._row(relation, Format.TRUE_FALSE, question, "True", "example.truth.true")
            elif said := self.falsified(relation, form, rng):
                question = frame(template, relation.discipline, s=said)
                answer = f"False. {self.book.statement(relation)}"
                yield self._row(relation, Format.TRUE_FALSE, question, answer, "example.truth.false")

    def falsified(self, relation: Relation, form: str, rng: Random, *, near: tuple[str, ...] = ()) -> str:
        """A statement like the fact's that is false by the graph: turned round, or with one end changed; "" if none is."""
        truths, term = self.book.truths, self.book.term
        subject, object_ = relation.subject_id, relation.object_id
        symmetric = truths.phi[relation.type].symmetric
        if (
            not near
            and not symmetric
            and not truths.holds(object_, relation.type, subject)
            and rng.random() < 0.35
        ):
            return _capital(form.format(s=term(object_), o=term(subject)))
        forward = rng.random() < 0.5
        picked = self.picker.pick(self.book.question(relation, forward=forward), rng, count=1, near=near)
        if not picked:
            return ""
        ends = (subject, picked[0]) if forward else (picked[0], object_)
        return _capital(form.format(s=term(ends[0]), o=term(ends[1])))

    def about_rows(self, concept: Concept) -> Iterator[RowText]:
        """Two or three facts of a concept a row, so turned that each fact stands first or last somewhere."""
        facts = self.book.told_of(concept.concept_id)
        rng = self._rng("about", concept.concept_id)
        frames = _turned(ABOUT_FRAMES, rng)
        starts = range(len(facts)) if len(facts) < WINDOW else range(0, len(facts), WINDOW - 1)
        for number, start in enumerate(starts if len(facts) > 1 else ()):
            shown = [facts[(start + n) % len(facts)] for n in range(min(WINDOW, len(facts)))]
            question = frame(frames[number % len(frames)], concept.discipline, n=concept.term)
            answer = " ".join(self.book.statement(fact) for fact in shown)
            yield RowText(
                ExampleKind.RELATION, Format.QA, question, answer, "example.about", concept.discipline
            )

    def definition_rows(self, concept: Concept) -> Iterator[RowText]:
        """What a term means, and which of four terms a definition is of."""
        rng = self._rng("definition", concept.concept_id)
        term, code = concept.term, concept.discipline
        question = frame(rng.choice(DEFINE_FRAMES), code, n=term)
        said = f"{_capital(term)} is {concept.definition}."
        yield RowText(
            ExampleKind.DEFINITION,
            Format.QA,
            question,
            said,
            "example.define",
            code,
            about=concept.concept_id,
        )
        others = self._other_terms(concept, rng)
        if others:
            place = self.places.next()
            others.insert(place, term)
            frame_ = rng.choice(TERM_FRAMES)
            question = choice_prompt(
                _capital(frame(frame_, code, s=f"{_capital(concept.definition)}.")), others
            )
            yield RowText(
                ExampleKind.DEFINITION,
                Format.CHOICE,
                question,
                self.direct(others, place),
                "example.term",
                code,
                about=concept.concept_id,
            )

    def direct(self, options: Sequence[str], place: int) -> str:
        """The answer without reasoning."""
        return LETTERS[place] if self.scoring is Scoring.LETTER else cot_answer([], options[place])

    def _other_terms(self, concept: Concept, rng: Random) -> list[str]:
        told = self.book.told_of(concept.concept_id)
        if not told:
            return []
        picked = self.picker.pick(self.book.question(told[0], forward=False), rng)
        return [self.book.term(c) for c in picked]

    def _bare(self, relation: Relation, form: Form, *, forward: bool, what: str) -> str:
        if forward:
            return form.ask_object(self.book.term(relation.subject_id), what)
        return form.ask_subject(self.book.term(relation.object_id), what)

    def _row(self, relation: Relation, format_: Format, question: str, answer: str, template: str) -> RowText:
        return RowText(ExampleKind.RELATION, format_, question, answer, template, relation.discipline)

    def _rng(self, *parts: str) -> Random:
        return Random(":".join((str(self.seed), *parts)))


def _turned(frames: tuple[str, ...], rng: Random) -> tuple[str, ...]:
    turn = rng.randrange(len(frames))
    return (*frames[turn:], *frames[:turn])


def _way(forward: bool) -> str:
    return "forward" if forward else "inverse"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
