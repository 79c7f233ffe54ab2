"""What must hold of every row of a snapshot, whoever wrote it: IDs made from content, references resolved, chains joined.

Each check raises a KnowledgeError that names the row, what is wrong with it and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from proda_core.errors import KnowledgeError
from proda_core.ids import chain_id, concept_id, normalise_term, relation_id
from proda_core.phi import RelationType
from proda_core.types import Chain, Concept, Evidence, Relation

CHAIN_HOPS = range(2, 7)  # DESIGN: 2 to 6 relations


def check_concept(concept: Concept) -> None:
    """ID from term and sense; a term that is not empty; aliases that do not repeat it."""
    name = f"concept {concept.concept_id}"
    if not normalise_term(concept.term):
        _refuse(name, "has an empty term")
    if concept.concept_id != concept_id(concept.term, concept.sense):
        _refuse(name, f"is not the ID of term {concept.term!r}, sense {concept.sense!r}")
    forms = [normalise_term(alias) for alias in concept.aliases]
    if "" in forms or normalise_term(concept.term) in forms or len(set(forms)) != len(forms):
        _refuse(name, "has an alias that is empty or repeats the term or another alias")
    if concept.definition_evidence is not None:
        _check_evidence(name, concept.definition_evidence)


def check_relation(
    relation: Relation, concepts: Mapping[str, Concept], phi: Mapping[str, RelationType]
) -> None:
    """ID from its triple; a type of Φ; two different concepts that the snapshot holds; at least one evidence span."""
    name = f"relation {relation.relation_id}"
    if relation.relation_id != relation_id(relation.subject_id, relation.type, relation.object_id):
        _refuse(name, "is not the ID of its subject, type and object")
    if relation.type not in phi:
        _refuse(name, f"has type {relation.type!r}, which is not in the relation table")
    for end in (relation.subject_id, relation.object_id):
        if end not in concepts:
            _refuse(name, f"names concept {end}, which the snapshot does not hold")
    if relation.subject_id == relation.object_id:
        _refuse(name, "joins a concept to itself")
    if not relation.evidence:
        _refuse(name, "has no evidence")
    for evidence in relation.evidence:
        _check_evidence(name, evidence)


def check_chain(
    chain: Chain,
    concepts: Mapping[str, Concept],
    relations: Mapping[str, Relation],
    *,
    phi: Mapping[str, RelationType],
) -> None:
    """ID from its relations; 2 to 6 of them, each joining concept i to i + 1 (symmetric ones either way); no return."""
    name = f"chain {chain.chain_id}"
    if chain.chain_id != chain_id(chain.relation_ids):
        _refuse(name, "is not the ID of its relations in order")
    if chain.hops not in CHAIN_HOPS or len(chain.concept_ids) != chain.hops + 1:
        _refuse(
            name,
            f"has {chain.hops} relations and {len(chain.concept_ids)} concepts; wants 2 to 6 and one more",
        )
    if len(set(chain.concept_ids)) != len(chain.concept_ids):
        _refuse(name, "comes back to a concept it has passed")
    for place, key in enumerate(chain.relation_ids):
        if key not in relations:
            _refuse(name, f"names relation {key}, which the snapshot does not hold")
        relation = relations[key]
        wanted = (chain.concept_ids[place], chain.concept_ids[place + 1])
        ends = (relation.subject_id, relation.object_id)
        reversed_ends = (relation.object_id, relation.subject_id) if phi[relation.type].symmetric else ends
        if wanted not in (ends, reversed_ends):
            _refuse(name, f"is not joined at relation {place + 1} ({key})")
    if any(key not in concepts for key in chain.concept_ids):
        _refuse(name, "names a concept that the snapshot does not hold")


def _check_evidence(name: str, evidence: Evidence) -> None:
    if evidence.start < 0 or evidence.end - evidence.start != len(evidence.quote) or not evidence.quote:
        _refuse(name, f"has evidence whose offsets {evidence.start}:{evidence.end} do not span its quote")


def _refuse(name: str, problem: str) -> NoReturn:
    raise KnowledgeError(f"{name} {problem}; extract the graph again, or correct the row that was imported")
