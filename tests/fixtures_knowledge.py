"""A small hand-made world for tests: one snapshot, one benchmark, honest rows, and an honest mixture over them.

Two disciplines, 18 concepts, 16 relations of six types, eight chains of two and three hops, and a benchmark with dev and sealed
items. Everything is made by content IDs through the shipped code, so it passes every check of the guard as it stands; attack it
with ``dataclasses.replace``. Terms are looked up by name: ``cid("osmosis")``, ``rel("osmosis", "diffusion")``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from proda_core.artifacts import ArtifactStore
from proda_core.guard import LineageIndex, example_id, general_examples
from proda_core.ids import chain_id, concept_id, make_id, relation_id
from proda_core.knowledge import make_snapshot, save_snapshot, snapshot_id
from proda_core.layout import cot_step
from proda_core.phi import verbalise
from proda_core.records import benchmark_digest, mixture_digest, save_benchmark, save_examples, save_patch
from proda_core.types import (
    Benchmark,
    Chain,
    Chunk,
    Concept,
    Evidence,
    Example,
    ExampleKind,
    Format,
    Item,
    KnowledgeSnapshot,
    LeftOut,
    Lineage,
    Message,
    Mixture,
    MixtureRow,
    Relation,
    Role,
    Scoring,
    Split,
)

BIOLOGY, EARTH = "006", "008"

# term, aliases, type, definition, discipline
_CONCEPTS: tuple[tuple[str, tuple[str, ...], str, str, str], ...] = (
    ("chlorophyll", (), "substance", "the green pigment that absorbs light", BIOLOGY),
    ("chloroplast", (), "structure", "", BIOLOGY),
    ("plant cell", (), "structure", "", BIOLOGY),
    ("photosynthesis", (), "process", "the making of sugar from light, water and carbon dioxide", BIOLOGY),
    ("glucose", (), "substance", "", BIOLOGY),
    ("mitochondrion", (), "structure", "", BIOLOGY),
    ("cellular respiration", ("respiration",), "process", "", BIOLOGY),
    ("adenosine triphosphate", ("ATP",), "substance", "", BIOLOGY),
    ("osmosis", (), "process", "a kind of diffusion in which water crosses a membrane", BIOLOGY),
    ("diffusion", (), "process", "the spreading of particles from a crowded place to an empty one", BIOLOGY),
    ("concentration gradient", (), "condition", "", BIOLOGY),
    ("active transport", (), "process", "", BIOLOGY),
    ("frost wedging", ("ice wedging",), "process", "", EARTH),
    ("weathering", (), "process", "the breaking down of rock where it lies", EARTH),
    ("sediment", (), "material", "", EARTH),
    ("sedimentary rock", (), "material", "", EARTH),
    ("erosion", (), "process", "", EARTH),
    ("running water", (), "agent", "", EARTH),
)

# subject, type, object, the sentence it was read in (which the chunk of its discipline holds)
_RELATIONS: tuple[tuple[str, str, str, str], ...] = (
    ("chlorophyll", "PART_OF", "chloroplast", "Every chloroplast contains chlorophyll."),
    ("chloroplast", "PART_OF", "plant cell", "The chloroplast belongs to the plant cell."),
    ("chloroplast", "FUNCTION", "photosynthesis", "The chloroplast is the site that serves photosynthesis."),
    ("photosynthesis", "CAUSAL", "glucose", "Photosynthesis yields glucose."),
    (
        "mitochondrion",
        "FUNCTION",
        "cellular respiration",
        "A mitochondrion carries out cellular respiration.",
    ),
    ("cellular respiration", "PREREQUISITE", "glucose", "Cellular respiration needs glucose."),
    ("cellular respiration", "CAUSAL", "adenosine triphosphate", "Cellular respiration releases ATP."),
    (
        "osmosis",
        "SPECIALIZATION",
        "diffusion",
        "Osmosis is a kind of diffusion in which water crosses a membrane.",
    ),
    ("diffusion", "PREREQUISITE", "concentration gradient", "Diffusion depends on a concentration gradient."),
    ("osmosis", "CONTRAST", "active transport", "Osmosis differs from active transport."),
    ("active transport", "PREREQUISITE", "adenosine triphosphate", "Active transport requires ATP."),
    ("frost wedging", "SPECIALIZATION", "weathering", "Frost wedging is one type of weathering."),
    ("weathering", "CAUSAL", "sediment", "Weathering produces sediment."),
    ("sediment", "CAUSAL", "sedimentary rock", "Sediment hardens into sedimentary rock."),
    ("weathering", "CONTRAST", "erosion", "Weathering is unlike erosion."),
    ("erosion", "PREREQUISITE", "running water", "Erosion needs running water."),
)

_CHAINS: tuple[tuple[str, ...], ...] = (
    ("chlorophyll", "chloroplast", "photosynthesis", "glucose"),
    ("osmosis", "diffusion", "concentration gradient"),
    ("mitochondrion", "cellular respiration", "adenosine triphosphate"),
    ("osmosis", "active transport", "adenosine triphosphate"),
    ("frost wedging", "weathering", "sediment", "sedimentary rock"),
    # left out of the benchmark: each shares a relation with one above
    ("mitochondrion", "cellular respiration", "glucose"),
    ("chlorophyll", "chloroplast", "plant cell"),
    ("frost wedging", "weathering", "erosion", "running water"),
)

# split, terms of the chain, stem, options with the gold first
_ITEMS: tuple[tuple[Split, tuple[str, ...], str, tuple[str, ...]], ...] = (
    (
        Split.DEV,
        _CHAINS[0],
        "In biology, find what the activity served by the structure around chlorophyll finally yields.",
        ("glucose", "adenosine triphosphate", "plant cell", "concentration gradient"),
    ),
    (
        Split.DEV,
        _CHAINS[1],
        "In biology, name the condition without which the broader process that covers osmosis cannot run.",
        ("concentration gradient", "active transport", "photosynthesis", "chloroplast"),
    ),
    (
        Split.SEALED,
        _CHAINS[2],
        "In biology, tell what comes out of the process to which a mitochondrion is devoted.",
        ("adenosine triphosphate", "chlorophyll", "diffusion", "glucose"),
    ),
    (
        Split.SEALED,
        _CHAINS[3],
        "In biology, tell what must be supplied to the process that stands opposed to osmosis.",
        ("adenosine triphosphate", "plant cell", "cellular respiration", "diffusion"),
    ),
    (
        Split.SEALED,
        _CHAINS[4],
        "In earth science, tell what in the end forms from the product of the broader process covering frost wedging.",
        ("sedimentary rock", "running water", "erosion", "weathering"),
    ),
)


def cid(term: str) -> str:
    """The ID of a concept of this world by its term."""
    return concept_id(term)


@cache
def chunks() -> tuple[Chunk, ...]:
    """One chunk a discipline, holding every sentence that the relations were read in."""
    made = []
    for discipline, title in ((BIOLOGY, "The cell"), (EARTH, "Rocks")):
        text = " ".join(s for t, _, _, s in _RELATIONS if _discipline(t) == discipline)
        doc_id = make_id("d", title)
        key = make_id("k", doc_id, 0, text)
        made.append(Chunk(key, doc_id, 0, len(text), text, discipline, title))
    return tuple(made)


@cache
def snapshot() -> KnowledgeSnapshot:
    """The graph: every concept and relation lies on a chain; biology and earth science are two components."""
    return make_snapshot(_concepts(), _relations(), _chains())


@cache
def index() -> LineageIndex:
    return LineageIndex(snapshot())


def rel(subject: str, object_: str) -> Relation:
    """The relation from ``subject`` to ``object_``, by their terms."""
    for relation in snapshot().relations.values():
        if (relation.subject_id, relation.object_id) == (cid(subject), cid(object_)):
            return relation
    raise LookupError(f"no relation {subject} -> {object_} in the fixture")


def chain(*terms: str) -> Chain:
    """The chain along these terms."""
    concept_ids = tuple(cid(term) for term in terms)
    return next(g for g in snapshot().chains.values() if g.concept_ids == concept_ids)


@cache
def benchmark() -> Benchmark:
    """Two dev and three sealed items, frozen over the snapshot."""
    items = tuple(_item(place, *row) for place, row in enumerate(_ITEMS))
    left_out = tuple(LeftOut(chain(*terms).chain_id, "shares a relation") for terms in _CHAINS[5:])
    return freeze(items, left_out)


def freeze(items: Sequence[Item], left_out: Sequence[LeftOut] = ()) -> Benchmark:
    """A benchmark of these items with the digest and ID that they give."""
    found = benchmark_digest(items, left_out, Scoring.COT, snapshot().digest)
    return Benchmark(
        make_id("b", found), found, snapshot().digest, Scoring.COT, tuple(items), tuple(left_out)
    )


def row(
    question: str,
    answer: str,
    *,
    kind: ExampleKind = ExampleKind.RELATION,
    format: Format = Format.QA,
    defines: str = "",
) -> Example:
    """An honest row: its lineage is what the index derives from its text (of the term it ``defines``, for a definition)."""
    messages = (Message("user", question), Message("assistant", answer))
    text = "\n".join(m.content for m in messages)
    found = index().derive_definition(cid(defines), text) if defines else index().derive(text)
    kind = ExampleKind.DEFINITION if defines else kind
    lineage = Lineage(found.l1_ids, found.l2_ids, template="fixture")
    return Example(example_id(kind, format, messages), kind, format, messages, lineage)


def statement_row(relation: Relation) -> Example:
    """An honest relation row: the triple's question and its statement."""
    subject, object_ = (snapshot().term(key) for key in (relation.subject_id, relation.object_id))
    return row(f"What is true of {subject}?", verbalise(relation.type, subject, object_))


def definition_row(term: str) -> Example:
    """An honest definition row."""
    definition = snapshot().concepts[cid(term)].definition
    return row(f"What is {term}?", f"{term.capitalize()} is {definition}.", defines=term)


def chain_row(*terms: str) -> Example:
    """An honest chain row: the steps along these terms."""
    steps = [rel(*pair) for pair in pairwise(terms)]
    said = " ".join(
        cot_step(term, verbalise(r.type, snapshot().term(r.subject_id), snapshot().term(r.object_id)))
        for term, r in zip(terms, steps, strict=False)
    )
    return row(f"Follow the steps from {terms[0]}.", f"{said} Answer: {terms[-1]}", kind=ExampleKind.CHAIN)


def as_patch(*examples: Example, role: Role = Role.PATCH) -> tuple[MixtureRow, ...]:
    return tuple(MixtureRow(role, example) for example in examples)


def mixture(rows: Iterable[MixtureRow], *, seed: int = 7) -> Mixture:
    """A mixture of these rows under the digest that they give."""
    kept = tuple(rows)
    found = mixture_digest(kept, benchmark().digest, snapshot().digest, seed)
    return Mixture(make_id("m", found), found, benchmark().digest, snapshot().digest, kept, seed)


@dataclass(frozen=True, slots=True)
class World:
    """An honest session's artifacts. ``inputs`` is what a commit of ``mixture`` takes."""

    store: ArtifactStore
    snapshot_id: str
    benchmark_id: str
    examples_id: str
    patch_id: str
    mixture: Mixture

    @property
    def inputs(self) -> dict[str, str]:
        return {
            "snapshot": self.snapshot_id,
            "benchmark": self.benchmark_id,
            "examples": self.examples_id,
            "patch": self.patch_id,
        }

    def with_rows(self, *rows: MixtureRow) -> World:
        """The world with a mixture of these rows instead, all saved as a patch artifact first (so that G5 holds)."""
        named = [row for row in rows if row.role is not Role.GENERAL]
        manifest = save_patch(self.store, named, benchmark=benchmark())
        return replace(self, patch_id=manifest.artifact_id, mixture=mixture(rows))


def honest_rows() -> tuple[MixtureRow, ...]:
    """A mixture's rows in all five roles: L2-disjoint, unsealed, orthogonal to every item."""
    return (
        *as_patch(chain_row("osmosis", "diffusion", "concentration gradient")),
        *as_patch(statement_row(rel("osmosis", "diffusion")), role=Role.CARRIED),
        *as_patch(statement_row(rel("weathering", "erosion")), role=Role.SCAFFOLD),
        *as_patch(
            statement_row(rel("chlorophyll", "chloroplast")),
            statement_row(
                rel("mitochondrion", "cellular respiration")
            ),  # sealed knowledge is taught like any other
            definition_row("photosynthesis"),
            role=Role.REPLAY,
        ),
        *as_patch(*general_examples(seed=3, count=3), role=Role.GENERAL),
    )


def honest_world(store: ArtifactStore) -> World:
    """Save snapshot, benchmark, examples and patch, and compose (not commit) a mixture of them."""
    save_snapshot(store, _concepts(), _relations(), _chains())
    save_benchmark(store, benchmark())
    rows = honest_rows()
    replayed = [r.example for r in rows if r.role in (Role.REPLAY, Role.GENERAL)]
    examples = save_examples(store, replayed, benchmark=benchmark())
    taught = [r for r in rows if r.role in (Role.PATCH, Role.CARRIED, Role.SCAFFOLD)]
    patch = save_patch(store, taught, benchmark=benchmark())
    return World(
        store,
        snapshot_id(snapshot().digest),
        benchmark().benchmark_id,
        examples.artifact_id,
        patch.artifact_id,
        mixture(rows),
    )


def _discipline(term: str) -> str:
    return next(d for name, _, _, _, d in _CONCEPTS if name == term)


def _evidence(discipline: str, sentence: str) -> Evidence:
    chunk = next(c for c in chunks() if c.discipline == discipline)
    start = chunk.text.index(sentence)
    return Evidence(chunk.chunk_id, start, start + len(sentence), sentence)


def _concepts() -> tuple[Concept, ...]:
    made = []
    for term, aliases, kind, definition, discipline in _CONCEPTS:
        sentence = f"{term.capitalize()} is {definition}."
        held = any(sentence == s for _, _, _, s in _RELATIONS)
        evidence = _evidence(discipline, sentence) if held else None
        sources = (next(c.chunk_id for c in chunks() if c.discipline == discipline),)
        made.append(Concept(cid(term), term, aliases, kind, definition, evidence, sources, discipline))
    return tuple(made)


def _relations() -> tuple[Relation, ...]:
    made = []
    for subject, kind, object_, sentence in _RELATIONS:
        key = relation_id(cid(subject), kind, cid(object_))
        discipline = _discipline(subject)
        evidence = (_evidence(discipline, sentence),)
        made.append(Relation(key, cid(subject), kind, cid(object_), sentence, evidence, discipline))
    return tuple(made)


def _chains() -> tuple[Chain, ...]:
    by_pair = {(r.subject_id, r.object_id): r.relation_id for r in _relations()}
    made = []
    for terms in _CHAINS:
        concept_ids = tuple(cid(term) for term in terms)
        keys = tuple(by_pair[pair] for pair in pairwise(concept_ids))
        discipline = _discipline(terms[0])
        where = tuple(c.chunk_id for c in chunks() if c.discipline == discipline)
        made.append(Chain(chain_id(keys), keys, concept_ids, where, discipline))
    return tuple(made)


def _item(place: int, split: Split, terms: tuple[str, ...], stem: str, options: tuple[str, ...]) -> Item:
    found = chain(*terms)
    gold = place % 4  # the gold moves through the positions
    moved = (*options[1 : gold + 1], options[0], *options[gold + 1 :])
    return Item(
        item_id=make_id("i", stem, list(moved), gold),
        chain_id=found.chain_id,
        group_id=make_id("g", "group", place),
        split=split,
        stem=stem,
        options=moved,
        gold_index=gold,
        operators=tuple("gold" if at == gold else "subst_adj" for at in range(4)),
        option_concept_ids=tuple(cid(option) for option in moved),
        discipline=found.discipline,
        hops=found.hops,
        template="fixture",
        l1_ids=tuple(sorted(found.concept_ids)),
        l2_ids=tuple(sorted(found.relation_ids)),
    )
