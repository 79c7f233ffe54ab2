"""Writing probes from a snapshot: relations as choices from both ends and openly, concepts by definition or by their relations.

True or false is not asked: a small student says one word to everything, which is worth nothing and hides what it knows. From the
other end a guess by what is common fails. Distractors are concepts that nothing joins to the end asked from within two relations,
so that no other option can be true. A question that has several right answers is not asked openly. The same snapshot, node and
seed give the same probes, whatever else is asked with them; a node that cannot be asked (no concept is far enough from it) has
none. An unknown node is a KnowledgeError.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from proda_core.errors import KnowledgeError
from proda_core.ids import normalise_term
from proda_core.knowledge.adjacency import Adjacency
from proda_core.layout import COT_SUFFIX, cot_step
from proda_core.phi import PHI, RelationType, verbalise
from proda_core.probing import templates
from proda_core.probing.probe import Probe, ProbeFormat
from proda_core.types import Chain, Concept, KnowledgeSnapshot, Relation

OPTIONS = 4
RELATIONS_PER_CONCEPT = 2


def build_probes(
    snapshot: KnowledgeSnapshot,
    node_ids: Iterable[str],
    *,
    seed: int,
    in_chain: bool = False,
    phi: Mapping[str, RelationType] = PHI,
) -> list[Probe]:
    """Probes of concepts and relations, in the order of ``node_ids``; ``in_chain`` adds those reported apart."""
    writer = _Writer(snapshot, seed, phi)
    probes: list[Probe] = []
    for node in dict.fromkeys(node_ids):
        if node in snapshot.relations:
            relation = snapshot.relations[node]
            probes += writer.of_relation(relation)
            probes += writer.in_chain(relation) if in_chain else ()
        elif node in snapshot.concepts:
            probes += writer.of_concept(snapshot.concepts[node])
        else:
            raise KnowledgeError(
                f"no concept or relation {node} in snapshot {snapshot.digest[:16]}; probe its own nodes"
            )
    return probes


class _Writer:
    """Probes of one snapshot under one seed."""

    def __init__(self, snapshot: KnowledgeSnapshot, seed: int, phi: Mapping[str, RelationType]) -> None:
        self.snapshot, self.seed, self.phi = snapshot, seed, phi
        self.graph = Adjacency(snapshot, phi=phi)
        self.objects: dict[str, list[str]] = {}
        self.subjects: dict[str, list[str]] = {}
        self.chains: dict[str, Chain] = {}
        for relation in sorted(snapshot.relations.values(), key=lambda r: r.relation_id):
            self.objects.setdefault(relation.type, []).append(relation.object_id)
            self.subjects.setdefault(relation.type, []).append(relation.subject_id)
        for chain in sorted(snapshot.chains.values(), key=lambda c: c.chain_id):
            for relation_id in chain.relation_ids[1:]:
                self.chains.setdefault(relation_id, chain)

    def of_relation(self, relation: Relation) -> Iterator[Probe]:
        """Two choices from each end, and open recall where only one answer is right."""
        node, row = relation.relation_id, self.phi[relation.type]
        subject = self._term(relation.subject_id)
        question = templates.ask_object(row, subject)
        far = self._far(relation.subject_id, relation.object_id, like=self.objects[relation.type], key=node)
        for number, frame in enumerate(templates.CHOICE):
            chosen = self._options(relation.object_id, _turned(far, number), key=f"{node}:{number}")
            replies = tuple(verbalise(row.name, subject, self._term(c)) for c in chosen)
            yield from _choice(node, frame.format(q=question), replies, chosen, gold=relation.object_id)
        yield from self._inverse(relation, row)
        if self._is_only(relation):
            accepted = self._names(relation.object_id)
            prompt = templates.RECALL.format(q=question)
            yield Probe(
                node, ProbeFormat.RECALL, prompt, accepted=accepted, given=self._names(relation.subject_id)
            )

    def _inverse(self, relation: Relation, row: RelationType) -> Iterator[Probe]:
        node, object_ = relation.relation_id, self._term(relation.object_id)
        question = templates.ask_subject(row, object_)
        like, key = self.subjects[relation.type], f"{node}:inverse"
        far = self._far(relation.object_id, relation.subject_id, like=like, key=key)
        for number, frame in enumerate(templates.CHOICE):
            chosen = self._options(relation.subject_id, _turned(far, number), key=f"{key}:{number}")
            replies = tuple(verbalise(row.name, self._term(c), object_) for c in chosen)
            for probe in _choice(node, frame.format(q=question), replies, chosen, gold=relation.subject_id):
                yield replace(probe, format=ProbeFormat.INVERSE)

    def of_concept(self, concept: Concept) -> Iterator[Probe]:
        """Its definition where there is one, otherwise some of its relations."""
        if concept.definition:
            yield from self._of_definition(concept)
            return
        around = list(self.graph.relations_of(concept.concept_id))
        self._rng(concept.concept_id).shuffle(around)
        for relation_id in around[:RELATIONS_PER_CONCEPT]:
            for probe in self.of_relation(self.snapshot.relations[relation_id]):
                yield replace(probe, node_id=concept.concept_id)

    def in_chain(self, relation: Relation) -> Iterator[Probe]:
        """Which statement goes on with a chain of thought after the step before it; nothing when no chain leads up to it."""
        chain = self.chains.get(relation.relation_id)
        if chain is None:
            return
        place = chain.relation_ids.index(relation.relation_id)
        before, first, second = chain.concept_ids[place - 1 : place + 2]
        led = self.snapshot.relations[chain.relation_ids[place - 1]]
        lead = cot_step(self._term(before), verbalise(led.type, self._term(before), self._term(first)))
        far = self._far(first, second, like=self.objects[relation.type], key=f"{relation.relation_id}:chain")
        chosen = self._options(second, far, key=f"{relation.relation_id}:chain")
        steps = tuple(
            cot_step(self._term(first), verbalise(relation.type, self._term(first), self._term(c)))
            for c in chosen
        )
        prompt = templates.IN_CHAIN.format(start=self._term(before)) + COT_SUFFIX
        replies = tuple(f"{lead} {step}" for step in steps)
        if replies:
            yield Probe(relation.relation_id, ProbeFormat.IN_CHAIN, prompt, replies, chosen.index(second))

    def _of_definition(self, concept: Concept) -> Iterator[Probe]:
        node, body = concept.concept_id, _without(concept.definition, self._names(concept.concept_id))
        like = sorted(
            c.concept_id for c in self.snapshot.concepts.values() if c.discipline == concept.discipline
        )
        far = self._far(node, node, like=like, key=node)
        for number, frame in enumerate(templates.MEANING_CHOICE):
            chosen = self._options(node, _turned(far, number), key=f"{node}:{number}")
            replies = tuple(self._term(c) for c in chosen)
            yield from _choice(node, frame.format(d=body), replies, chosen, gold=node)
        told = [c for c in far if self.snapshot.concepts[c].definition]
        for number, frame in enumerate(templates.MEANING_OF):
            chosen = self._options(node, _turned(told, number), key=f"{node}:inverse:{number}")
            replies = tuple(self._meaning(c) for c in chosen)
            for probe in _choice(node, frame.format(n=concept.term), replies, chosen, gold=node):
                yield replace(probe, format=ProbeFormat.INVERSE)
        prompt = templates.MEANING_RECALL.format(d=body)
        yield Probe(node, ProbeFormat.RECALL, prompt, accepted=self._names(node))

    def _options(self, gold: str, others: Sequence[str], *, key: str) -> list[str]:
        """The gold among three others, shuffled; none when there are too few."""
        options = list(dict.fromkeys((gold, *others)))[:OPTIONS]
        self._rng(key).shuffle(options)
        return options if len(options) == OPTIONS else []

    def _meaning(self, concept_id: str) -> str:
        """A definition as a reply, its own term hidden in it."""
        body = _without(self.snapshot.concepts[concept_id].definition, self._names(concept_id))
        return f"{body[:1].upper()}{body[1:]}."

    def _far(self, subject: str, gold: str, *, like: Sequence[str], key: str) -> list[str]:
        """Concepts not joined to ``subject`` within two relations and not named like the gold; those in ``like`` first."""
        near = {subject, gold, *self.graph.neighbours(subject)}
        near |= {other for concept in sorted(near) for other in self.graph.neighbours(concept)}
        names = [normalise_term(name) for name in self._names(gold)]
        rng = self._rng(key)

        def drawn(pool: Iterable[str]) -> list[str]:
            fit = [c for c in dict.fromkeys(pool) if c not in near and not _alike(self._term(c), names)]
            rng.shuffle(fit)
            return fit

        first = drawn(like)
        return first + [c for c in drawn(sorted(self.snapshot.concepts)) if c not in first]

    def _is_only(self, relation: Relation) -> bool:
        """Whether nothing but this object answers the question after it."""
        row = self.phi[relation.type]
        answers = 0
        for other in self.graph.relations_of(relation.subject_id):
            found = self.snapshot.relations[other]
            forward = found.subject_id == relation.subject_id
            answers += found.type == relation.type and (forward or row.symmetric)
        return answers == 1

    def _term(self, concept_id: str) -> str:
        return self.snapshot.concepts[concept_id].term

    def _names(self, concept_id: str) -> tuple[str, ...]:
        concept = self.snapshot.concepts[concept_id]
        return (concept.term, *concept.aliases)

    def _rng(self, key: str) -> random.Random:
        return random.Random(f"probe:{self.seed}:{key}")


def _turned(far: Sequence[str], number: int) -> list[str]:
    """Other distractors each time, if there are enough."""
    return [*far[number * (OPTIONS - 1) :], *far]


def _choice(
    node: str, question: str, replies: tuple[str, ...], chosen: Sequence[str], *, gold: str
) -> Iterator[Probe]:
    """Which of the replies is likeliest, each said in full: knowing the fact is asked, not the skill of naming letters."""
    if chosen:
        yield Probe(node, ProbeFormat.CHOICE, question, replies, list(chosen).index(gold))


def _alike(term: str, names: Sequence[str]) -> bool:
    """Whether one name is part of the other: "heat" is no wrong answer beside "heat flow"."""
    own = normalise_term(term)
    return any(own in name or name in own for name in names)


def _without(text: str, names: Sequence[str]) -> str:
    """A definition's body with the defined term itself hidden."""
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"\b(?:{pattern})\b", "it", text, flags=re.IGNORECASE).strip().rstrip(".")
