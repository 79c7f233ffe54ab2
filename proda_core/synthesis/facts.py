"""Single facts as text: a relation's statement, what else answers the same question, and the facts of a concept.

A question is only asked bare where its right answers are few enough to be told in full.
"""

from __future__ import annotations

from proda_core.knowledge import Walk
from proda_core.phi import verbalise
from proda_core.synthesis.example_templates import Form, forms_of
from proda_core.synthesis.questions import ChainQuestion, ask_walk
from proda_core.synthesis.truths import Truths
from proda_core.types import Relation

MAX_TOLD = 3  # right answers told in full; with more, one is asked for


class FactBook:
    """Facts of one snapshot in words."""

    def __init__(self, truths: Truths) -> None:
        self.truths = truths
        self._forms = {name: forms_of(row) for name, row in truths.phi.items()}
        self._told: dict[str, list[Relation]] = {}
        for _, relation in sorted(truths.snapshot.relations.items()):
            self._told.setdefault(relation.subject_id, []).append(relation)

    def forms(self, relation: Relation) -> tuple[Form, ...]:
        return self._forms[relation.type]

    def term(self, concept_id: str) -> str:
        return self.truths.snapshot.term(concept_id)

    def statement(self, relation: Relation, *, form: str = "") -> str:
        """The canonical statement (the form of a reasoning step), or another form's."""
        return verbalise(
            relation.type, self.term(relation.subject_id), self.term(relation.object_id), form=form
        )

    def answers(self, relation: Relation, *, forward: bool) -> tuple[str, ...]:
        """Canonical statements of every relation that answers the same question, this relation's first."""
        subject, object_, type_ = relation.subject_id, relation.object_id, relation.type
        if forward:
            others = sorted(self.truths.after(subject, type_) - {object_})
            said = [verbalise(type_, self.term(subject), self.term(o)) for o in others]
        else:
            others = sorted(self.truths.before(object_, type_) - {subject})
            said = [verbalise(type_, self.term(s), self.term(object_)) for s in others]
        return (self.statement(relation), *said)

    def question(self, relation: Relation, *, forward: bool) -> ChainQuestion:
        """The fact as a walk of one relation."""
        walk = Walk((relation.relation_id,), (relation.subject_id, relation.object_id))
        return ask_walk(self.truths.snapshot, walk, forward=forward)

    def told_of(self, concept_id: str) -> tuple[Relation, ...]:
        """Relations with the concept as subject, sorted by ID."""
        return tuple(self._told.get(concept_id, ()))
