"""Open questions in a model's words: each new wording is held against the graph before it takes the template's place.

A wording counts if the guard derives from its row exactly what it derives from the template's, if the question names the same
concepts as the template's and so not the answer, if it stands alone, and if it is not like an item. Otherwise the template's
stays, and why is counted. That it asks the same in the same direction is a second opinion's word, which is had before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proda_core.disciplines import discipline_name
from proda_core.guard.commit import check_examples
from proda_core.guard.lineage import LineageIndex
from proda_core.phi import verbalise
from proda_core.synthesis.fact_rows import RowMaker
from proda_core.synthesis.rows import Refused, RowText, RowWriter
from proda_core.teachers.llm.wording import Wanted, Worded
from proda_core.types import Benchmark, Example, Relation

Reword = Callable[[Sequence[Wanted]], Sequence[Worded]]
Asked = tuple[str, str]  # a row's question and answer


@dataclass(frozen=True, slots=True)
class Rewordings:
    """New questions by the row that they stand for, and what became of all that were asked for."""

    questions: Mapping[Asked, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def of(self, row: RowText) -> RowText:
        """The row with its new question, or as it is."""
        question = self.questions.get((row.question, row.answer))
        return (
            row if question is None else replace(row, question=question, template=f"{row.template}.reworded")
        )


def reword_rows(
    maker: RowMaker, index: LineageIndex, benchmark: Benchmark, reword: Reword, *, rows: tuple[int, int]
) -> Rewordings:
    """``rows``: open rows of a fact that are written, and how many of them are asked for in new words."""
    texts = list(_single_facts(maker, rows))
    worded = reword([_wanted(text, relation, maker, index) for text, relation in texts])
    counts: Counter[str] = Counter()
    found: dict[str, tuple[Asked, str]] = {}
    examples: list[Example] = []
    writer = RowWriter(index)
    for (text, _), answer in zip(texts, worded, strict=True):
        made = answer.reason or _checked(text, answer.question, writer)
        if isinstance(made, str):
            counts[f"kept_template_{made}"] += 1
        else:
            examples.append(made)
            found[made.example_id] = ((text.question, text.answer), answer.question)
    for refusal in check_examples(examples, index, benchmark):
        if found.pop(refusal.row_id, None):
            counts["kept_template_refused_by_guard"] += 1
    counts["reworded"] = len(found)
    return Rewordings(dict(found.values()), dict(sorted(counts.items())))


def _single_facts(maker: RowMaker, rows: tuple[int, int]) -> Iterator[tuple[RowText, Relation]]:
    """Open rows answered by their fact alone: what is asked of several would have to be judged of each."""
    written, wanted = rows
    for relation in maker.book.truths.snapshot.relations.values():
        single = [
            text
            for text in maker.open_rows(relation, written)
            if text.answer == maker.book.statement(relation)
        ]
        yield from ((text, relation) for text in single[:wanted])


def _wanted(text: RowText, relation: Relation, maker: RowMaker, index: LineageIndex) -> Wanted:
    subject, object_ = maker.book.term(relation.subject_id), maker.book.term(relation.object_id)
    known = subject if relation.subject_id in index.mentions(text.question) else object_
    symmetric = maker.book.truths.phi[relation.type].symmetric
    turned = "" if symmetric else verbalise(relation.type, object_, subject)
    keep = tuple(word for word in (known, discipline_name(text.discipline)) if word)
    return Wanted(text.question, text.answer, turned, keep)


def _checked(text: RowText, question: str, writer: RowWriter) -> Example | str:
    """The row in its new words, or why the template's stays."""
    if question.casefold() == text.question.casefold():
        return "same_words"
    if not question.endswith("?"):
        return "no_question"
    if writer.index.mentions(question) != writer.index.mentions(text.question):
        return "names_other_concepts"
    template, made = writer.write(text), writer.write(replace(text, question=question))
    if isinstance(made, Refused) or isinstance(template, Refused):
        return made.reason if isinstance(made, Refused) else "template_refused"
    same = (made.lineage.l1_ids, made.lineage.l2_ids) == (template.lineage.l1_ids, template.lineage.l2_ids)
    return made if same else "other_lineage"
