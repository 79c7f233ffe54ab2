"""Held-out probes: an independent second opinion on whether a model knows a node and can join a chain.

A fact is asked from both its ends, each reply said in full; a concept by its definition, or by its facts; a chain by fresh
questions under the benchmark's scoring. Templates, options and seeds are none of diagnosis's. What cannot be asked is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from evals.faults.templates import ABOUT, BACKWARD, FORWARD, NAMED
from proda_core.answering import ChoiceQuestion, answer_choices
from proda_core.phi import verbalise
from proda_core.synthesis.distractors import like_length
from proda_core.synthesis.item_templates import write_stem
from proda_core.synthesis.options import OptionPicker
from proda_core.synthesis.questions import ChainQuestion, ask_walk
from proda_core.synthesis.scaffold import walk_of
from proda_core.synthesis.truths import Truths
from proda_core.types import Chain, Concept, KnowledgeSnapshot, Relation, Scoring

if TYPE_CHECKING:
    from proda_core.students import Student

OPTIONS = 4
CHANCE = 1 / OPTIONS
KNOWN_FROM = 0.5  # corrected for guessing
_SEED = "held out"


@dataclass(frozen=True, slots=True)
class Held:
    """One held-out probe of ``node``: the likeliest of ``replies`` is to be the one at ``gold``."""

    node: str
    prompt: str
    replies: tuple[str, ...]
    gold: int


@dataclass(frozen=True, slots=True)
class HeldWalk:
    """One held-out question of a chain, with the place of its right option."""

    chain_id: str
    question: ChoiceQuestion
    gold: int


class HeldOut:
    """Writes held-out probes of one snapshot; the same node has the same probes in every study."""

    def __init__(self, snapshot: KnowledgeSnapshot) -> None:
        self._snapshot, self._truths = snapshot, Truths(snapshot)
        self._picker = OptionPicker(self._truths)

    def of_nodes(self, nodes: Iterable[str]) -> list[Held]:
        """Probes of concepts and relations, in order, each node once."""
        probes: list[Held] = []
        for node in dict.fromkeys(nodes):
            if node in self._snapshot.relations:
                probes += self._of_relation(node, self._snapshot.relations[node])
            else:
                probes += self._of_concept(self._snapshot.concepts[node])
        return probes

    def of_chains(self, chain_ids: Iterable[str]) -> list[HeldWalk]:
        """Questions of chains, forward and backward, each in every held-out wording that finds options."""
        found: list[HeldWalk] = []
        for chain_id in dict.fromkeys(chain_ids):
            chain = self._snapshot.chains[chain_id]
            for forward, family in ((True, FORWARD), (False, BACKWARD)):
                for number, template in enumerate(family):
                    question = ask_walk(self._snapshot, walk_of(chain), forward=forward)
                    known = self._snapshot.term(question.known)
                    stem = write_stem(template, question, known, chain.discipline)
                    found += self._asked(chain, question, stem, number)
        return found

    def _asked(self, chain: Chain, question: ChainQuestion, stem: str, number: int) -> Iterator[HeldWalk]:
        key = f"{chain.chain_id}:{question.forward}:{number}"
        options = self._options(question, key)
        if options:
            terms = tuple(self._snapshot.term(c) for c in options)
            yield HeldWalk(chain.chain_id, ChoiceQuestion(key, stem, terms), options.index(question.gold))

    def _of_relation(self, node: str, relation: Relation) -> Iterator[Held]:
        """From the subject and from the object, in every wording."""
        chain = Chain("", (relation.relation_id,), (relation.subject_id, relation.object_id), (), "")
        for forward in (True, False):
            question = ask_walk(self._snapshot, walk_of(chain), forward=forward)
            for number, frame in enumerate(ABOUT):
                options = self._options(question, f"{relation.relation_id}:{forward}:{number}")
                if options:
                    said = tuple(self._said(relation, c, forward=forward) for c in options)
                    prompt = frame.format(n=self._snapshot.term(question.known))
                    yield Held(node, prompt, said, options.index(question.gold))

    def _said(self, relation: Relation, other: str, *, forward: bool) -> str:
        term = self._snapshot.term
        ends = (relation.subject_id, other) if forward else (other, relation.object_id)
        return verbalise(relation.type, term(ends[0]), term(ends[1]))

    def _of_concept(self, concept: Concept) -> Iterator[Held]:
        if not concept.definition:
            for relation in self._around(concept.concept_id):
                yield from self._of_relation(concept.concept_id, relation)
            return
        far = [
            c.concept_id
            for c in self._snapshot.concepts.values()
            if c.discipline == concept.discipline
            and like_length(c.term, concept.term)
            and c.concept_id not in self._truths.neighbours(concept.concept_id)
        ]
        body = concept.definition.rstrip(".")
        for number, frame in enumerate(NAMED):
            rng = Random(f"{_SEED}:{concept.concept_id}:{number}")
            if len(far) < OPTIONS - 1 or concept.term.casefold() in body.casefold():
                return
            options = [concept.concept_id, *rng.sample(sorted(far), OPTIONS - 1)]
            rng.shuffle(options)
            terms = tuple(self._snapshot.term(c) for c in options)
            yield Held(concept.concept_id, frame.format(d=body), terms, options.index(concept.concept_id))

    def _around(self, concept_id: str) -> list[Relation]:
        relations = self._snapshot.relations
        near = sorted(self._truths.neighbours(concept_id))
        return [relations[key] for other in near for key in self._truths.between(concept_id, other)]

    def _options(self, question: ChainQuestion, key: str) -> list[str]:
        rng = Random(f"{_SEED}:{key}")
        picked = self._picker.pick(question, rng)
        options = [question.gold, *picked] if picked else []
        rng.shuffle(options)
        return options


def known_of(student: Student, probes: Sequence[Held]) -> dict[str, float]:
    """Guess-corrected share right of each node's probes, in [0, 1]."""
    scores = student.option_loglikelihoods([p.prompt for p in probes], [p.replies for p in probes])
    right: dict[str, list[bool]] = {}
    for probe, row in zip(probes, scores, strict=True):
        right.setdefault(probe.node, []).append(row.index(max(row)) == probe.gold)
    return {node: corrected(found) for node, found in right.items()}


def joined_of(
    student: Student, walks: Sequence[HeldWalk], *, scoring: Scoring, max_new_tokens: int
) -> dict[str, float]:
    """Guess-corrected share right of each chain's questions, in [0, 1]; one unreadable is a wrong one."""
    questions = [walk.question for walk in walks]
    answers = answer_choices(student, questions, scoring=scoring, max_new_tokens=max_new_tokens)
    right: dict[str, list[bool]] = {}
    for walk, answer in zip(walks, answers, strict=True):
        right.setdefault(walk.chain_id, []).append(answer.choice == walk.gold)
    return {chain: corrected(found) for chain, found in right.items()}


def corrected(right: Sequence[bool]) -> float:
    """Share right less what guessing gives, at least 0."""
    return max(0.0, (sum(right) / len(right) - CHANCE) / (1 - CHANCE))
