"""The baseline that sees the question alone: what kind of chain it asks, and how well connected its concepts are.

It has never met the model. It learns from the trials of other seeds how often failures of such questions were gaps, deficits or
neither (naive Bayes, smoothed), and how often a relation of such a type and popularity was the missing one; then it says what is
likeliest. Without another trial it says nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from evals.faults.judging import DEFICIT, GAP, Claim, Trial
from proda_core.synthesis.truths import Truths
from proda_core.types import DiagnosisKind, Item, KnowledgeSnapshot

NEITHER = DiagnosisKind.UNSTABLE  # of a failure that was not planted
_SMOOTH = 1.0
_POPULAR = (2, 4, 8)  # bounds of the popularity bins, in relations of a concept


@dataclass(slots=True)
class _Learnt:
    """Counts over the failures of other trials."""

    kinds: Counter[DiagnosisKind] = field(default_factory=Counter)
    features: Counter[tuple[DiagnosisKind, str, str]] = field(default_factory=Counter)
    values: dict[str, set[str]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)

    def likeliest(self, features: dict[str, str]) -> DiagnosisKind:
        return max((GAP, DEFICIT, NEITHER), key=lambda kind: (self._score(kind, features), kind.value))

    def _score(self, kind: DiagnosisKind, features: dict[str, str]) -> float:
        seen = self.kinds[kind]
        score = math.log((seen + _SMOOTH) / (sum(self.kinds.values()) + 3 * _SMOOTH))
        for name, value in features.items():
            room = len(self.values.get(name, ())) + 1
            score += math.log((self.features[kind, name, value] + _SMOOTH) / (seen + _SMOOTH * room))
        return score

    def rate(self, sort: str) -> float:
        """How often a relation of this sort was missing."""
        return (self.missing[sort] + _SMOOTH) / (self.relations[sort] + 2 * _SMOOTH)


class QuestionAlone:
    """The baseline, as a Guesser."""

    name = "question alone"

    def claims(self, trial: Trial, others: Sequence[Trial]) -> tuple[Claim, ...] | None:
        if not others:
            return None
        learnt = _Learnt()
        for other in others:
            _learn(learnt, other)
        look = _Look(trial.snapshot)
        return tuple(self._claim(item, look, learnt) for item in trial.failures)

    def _claim(self, item: Item, look: _Look, learnt: _Learnt) -> Claim:
        kind = learnt.likeliest(look.features(item))
        nodes = item.l2_ids[: item.hops]
        where = (max(nodes, key=lambda r: (learnt.rate(look.sort(r)), r)),) if kind is GAP else ()
        return Claim(item.item_id, item.chain_id, kind, where)


class _Look:
    """What a question shows of itself to who knows the graph."""

    def __init__(self, snapshot: KnowledgeSnapshot) -> None:
        self._snapshot, self._truths = snapshot, Truths(snapshot)

    def features(self, item: Item) -> dict[str, str]:
        types = [self._snapshot.relations[r].type for r in item.l2_ids[: item.hops]]
        return {
            "shape": " ".join(types),
            "hops": str(item.hops),
            "template": item.template,
            "discipline": item.discipline,
            "first": self._popularity(item.l1_ids[0]),
            "last": self._popularity(item.l1_ids[item.hops]),
        }

    def sort(self, relation_id: str) -> str:
        relation = self._snapshot.relations[relation_id]
        ends = sorted(self._popularity(c) for c in (relation.subject_id, relation.object_id))
        return " ".join((relation.type, *ends))

    def _popularity(self, concept_id: str) -> str:
        return str(sum(self._truths.degree(concept_id) >= bound for bound in _POPULAR))


def _learn(learnt: _Learnt, trial: Trial) -> None:
    look = _Look(trial.snapshot)
    planted = {fault.chain_id: fault.kind for fault in trial.plan.faults}
    for item in trial.failures:
        kind = planted.get(item.chain_id, NEITHER)
        learnt.kinds[kind] += 1
        for name, value in look.features(item).items():
            learnt.features[kind, name, value] += 1
            learnt.values.setdefault(name, set()).add(value)
        for relation in item.l2_ids[: item.hops]:
            learnt.relations[look.sort(relation)] += 1
            learnt.missing[look.sort(relation)] += relation in trial.plan.left_out
