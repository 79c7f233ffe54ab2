"""Rows of single facts: open questions, told or reasoned, choices, true or false, several facts, and definitions.

Each kind of row is one method that yields ``RowText``; which rows are written, and how many, is ``examples``' business. Every
choice of wording comes from a Random made of the seed and the fact (of facts in turn, of the seed and their discipline).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
    TURN_FRAMES,
    Form,
    frame,
)
from proda_core.synthesis.facts import MAX_TOLD, FactBook
from proda_core.synthesis.options import OptionPicker
from proda_core.synthesis.rows import RowText
from proda_core.types import Concept, ExampleKind, Format, Relation, Scoring

N_OPTIONS = 4
WINDOW = 3  # facts told in one row about a concept
WITH_OPTIONS = 0.7  # of the rows that ask facts in turn


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
            step = self._step(relation, forward=options[0] == relation.object_id)
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

    def reasoned_rows(self, relation: Relation, wordings: int) -> Iterator[RowText]:
        """Open questions answered by a chain of thought of one step: nothing to copy its end from."""
        rng = self._rng("reasoned", relation.relation_id)
        frames = _turned(QA_FRAMES, rng)
        for number in range(wordings):
            forward = self._side(relation, rng)
            bare = self._bare(relation, rng.choice(self.book.forms(relation)), forward=forward, what="what")
            question = frame(frames[number % len(frames)], relation.discipline, q=bare) + COT_SUFFIX
            answer = cot_answer([self._step(relation, forward=forward)], self._end(relation, forward=forward))
            yield self._row(relation, Format.QA, question, answer, f"example.reasoned.{_way(forward)}")

    def in_turn_rows(self, relations: Iterable[Relation], times: int) -> Iterator[RowText]:
        """Two or three facts of one discipline that no relation joins asked one after the other, each in ``times`` rows or so.

        Answered by a chain of thought with a step for each. Most have options, for the last question alone: what is only
        ever recalled first, or with its end among the options, is not recalled where a chain of thought needs it.
        """
        by_discipline: dict[str, list[Relation]] = {}
        for relation in sorted(relations, key=lambda r: r.relation_id):
            by_discipline.setdefault(relation.discipline, []).append(relation)
        for code, facts in sorted(by_discipline.items()):
            rng = self._rng("in turn", code)
            for _ in range(times):
                rng.shuffle(facts)
                left = list(facts)
                while left:
                    shown = self._unrelated(left, rng.choice((2, 2, 3)))
                    if len(shown) > 1:
                        yield self._in_turn(shown, rng)

    def _in_turn(self, facts: Sequence[Relation], rng: Random) -> RowText:
        asked, steps = [], []
        for fact in facts:
            forward = self._side(fact, rng)
            asked.append(self._bare(fact, rng.choice(self.book.forms(fact)), forward=forward, what="what"))
            steps.append(self._step(fact, forward=forward))
        last = facts[-1]  # and `forward` is its way
        question = frame(rng.choice(TURN_FRAMES), last.discipline, q=" ".join(map(_capital, asked)))
        gold, format_, letter = self._end(last, forward=forward), Format.QA, ""
        beside = [end for fact in facts[:-1] for end in (fact.subject_id, fact.object_id)]
        if rng.random() < WITH_OPTIONS and (
            picked := self.picker.pick(self.book.question(last, forward=forward), rng, beside=beside)
        ):
            place = self.places.next()
            options = [self.book.term(c) for c in picked]
            options.insert(place, gold)
            question, format_, letter = (
                choice_prompt(_capital(question), options),
                Format.CHOICE,
                LETTERS[place],
            )
        answer = cot_answer(steps, gold, letter=letter)
        return self._row(last, format_, question + COT_SUFFIX, answer, "example.in_turn")

    def _unrelated(self, left: list[Relation], count: int) -> list[Relation]:
        """The first of ``left`` and more, to ``count``, that no relation joins to those before; taken out of ``left``."""
        chosen, taken = list[Relation](), set[str]()
        for fact in list(left):
            ends = {fact.subject_id, fact.object_id}
            if len(chosen) < count and taken.isdisjoint(ends):
                chosen.append(fact)
                left.remove(fact)
                taken |= ends.union(*(self.book.truths.neighbours(end) for end in ends))
        return chosen

    def _side(self, relation: Relation, rng: Random) -> bool:
        """Whether to ask forward: from the side with fewer right answers, from either where they are as many."""
        forward, inverse = (len(self.book.answers(relation, forward=side)) for side in (True, False))
        return forward < inverse or (forward == inverse and rng.random() < 0.5)

    def _step(self, relation: Relation, *, forward: bool) -> str:
        known = relation.subject_id if forward else relation.object_id
        return cot_step(self.book.term(known), self.book.statement(relation))

    def _end(self, relation: Relation, *, forward: bool) -> str:
        return self.book.term(relation.object_id if forward else relation.subject_id)

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
