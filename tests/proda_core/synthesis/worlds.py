"""A made-up knowledge graph of any size for synthesis tests: typed relations, walks of two and three hops as chains."""

from __future__ import annotations

from random import Random

from proda_core.ids import chain_id, concept_id, relation_id
from proda_core.knowledge import Adjacency, make_snapshot
from proda_core.phi import PHI
from proda_core.types import Chain, Concept, Evidence, KnowledgeSnapshot, Relation

_ADJECTIVES = (
    "amber basal coarse dense early faint glassy hollow inner jagged kindled lower mellow narrow outer pale quick rapid "
    "silent tidal"
)
_NOUNS = (
    "basin cortex drift engine fibre gland harbor insect jacket kernel lattice membrane nozzle orbit pigment quarry "
    "reactor sensor tissue valve"
)
FIRST, SECOND = _ADJECTIVES.split(), _NOUNS.split()


def concept(term: str, discipline: str, *, definition: str = "", aliases: tuple[str, ...] = ()) -> Concept:
    quote = Evidence("k_0000000000000001", 0, len(definition), definition) if definition else None
    return Concept(
        concept_id(term), term, aliases, "thing", definition, quote, ("k_0000000000000001",), discipline
    )


def relation(subject: str, type_: str, object_: str, discipline: str = "006") -> Relation:
    """A relation between two terms."""
    first, second = concept_id(subject), concept_id(object_)
    quote = f"{subject} and {object_} stand together."
    evidence = Evidence("k_0000000000000002", 0, len(quote), quote)
    return Relation(
        relation_id(first, type_, second), first, type_, second, "stands with", (evidence,), discipline
    )


def snapshot_of(concepts: list[Concept], relations: list[Relation], max_hops: int = 3) -> KnowledgeSnapshot:
    """Every walk of two to ``max_hops`` relations is a chain."""
    bare = make_snapshot(concepts, relations, [])
    adjacency = Adjacency(bare)
    chains = [
        Chain(
            chain_id(walk.relation_ids),
            walk.relation_ids,
            walk.concept_ids,
            ("k_0000000000000001",),
            bare.concepts[walk.concept_ids[0]].discipline,
        )
        for start in bare.concepts
        for hops in range(2, max_hops + 1)
        for walk in adjacency.walks(start, hops)
    ]
    unique = {chain.chain_id: chain for chain in chains}
    return make_snapshot(concepts, relations, unique.values())


def little(*triples: tuple[str, str, str]) -> KnowledgeSnapshot:
    """A snapshot of a few named triples, all of biology."""
    terms = sorted({term for subject, _, object_ in triples for term in (subject, object_)})
    return snapshot_of([concept(t, "006") for t in terms], [relation(*triple) for triple in triples])


def world(seed: int = 0, *, concepts: int = 220, relations: int = 300) -> KnowledgeSnapshot:
    """A random graph of two disciplines, relations from lower to higher places so that walks end."""
    rng = Random(seed)
    terms = [f"{a} {b}" for a in FIRST for b in SECOND]
    rng.shuffle(terms)
    terms = terms[:concepts]
    codes = {term: "006" if n % 2 else "011" for n, term in enumerate(terms)}
    types = [name for name in PHI if name != "CONTRAST"]
    found: dict[tuple[str, str], Relation] = {}
    while len(found) < relations:
        first = rng.randrange(concepts - 2)
        second = first + 2 * rng.randint(1, 12)
        if second < concepts:
            pair = (terms[first], terms[second])
            found.setdefault(pair, relation(pair[0], rng.choice(types), pair[1], codes[pair[0]]))
    joined = {end for r in found.values() for end in (r.subject_id, r.object_id)}
    rows = [
        concept(t, codes[t], definition=f"a thing made of {t.split()[0]} stuff" if n % 3 == 0 else "")
        for n, t in enumerate(terms)
        if concept_id(t) in joined
    ]
    return snapshot_of(rows, list(found.values()))
