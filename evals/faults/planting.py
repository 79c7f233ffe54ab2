"""What is planted: which facts are left out of the Examples, which shapes of chains are never composed, and what is asked.

One plan holds both kinds, so that one training shows both. A *gap* is a relation (or a concept with all its relations) that
no row states, on a chain whose shape is composed elsewhere. A *deficit* is a chain of a planted shape: its facts are taught,
no walk of its shape is. *Controls* are chains of other shapes that get rows of composition. All are asked as dev items of a
benchmark that is frozen before any row is written; it seals nothing, since nothing trained on it is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from proda_core.errors import BenchmarkError
from proda_core.ids import digest, make_id, pair_key
from proda_core.records import benchmark_digest
from proda_core.synthesis.balance import SetChooser
from proda_core.synthesis.benchmark import place_golds
from proda_core.synthesis.drafts import ChainDrafts, Draft, Drafter, Layout, compose_item
from proda_core.synthesis.guesses import OptionFeatures
from proda_core.synthesis.item_checks import item_failure
from proda_core.synthesis.scaffold import Pair, Shape, pairs_of, shape_of, walk_of
from proda_core.synthesis.truths import Truths
from proda_core.types import Benchmark, Chain, DiagnosisKind, Item, KnowledgeSnapshot, Scoring, Split

HOPS = 2  # shorter than this nothing is composed; longer walks hold walks of other shapes
ITEMS_PER_CHAIN = 2
CONCEPTS = 5  # every fifth gap is of a concept where one can be left out
MAX_DEGREE = 3  # relations of such a concept at most


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is planted in one run."""

    gaps: int = 60
    deficits: int = 80
    controls: int = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """``node`` is what is missing: a relation or concept of a gap, a chain of a deficit. ``relations`` are those left out
    (gap), or those of the chain (deficit); ``chain_id`` is the chain that asks for it.
    """

    kind: DiagnosisKind
    node: str
    relations: tuple[str, ...]
    chain_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One run's faults, the chains that are composed, and the items that ask for all of them."""

    seed: int
    faults: tuple[Fault, ...]
    controls: tuple[str, ...]
    shapes: tuple[Shape, ...]  # never composed
    benchmark: Benchmark

    def of(self, kind: DiagnosisKind) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.kind is kind)

    @property
    def left_out(self) -> frozenset[str]:
        """Relations that no row may state."""
        return frozenset(r for fault in self.of(DiagnosisKind.CONCEPT_GAP) for r in fault.relations)


def plant(snapshot: KnowledgeSnapshot, scoring: Scoring, sizes: Sizes, *, seed: int) -> Plan:
    """A plan of up to ``sizes``, the same for the same arguments. BenchmarkError where the graph has no chain for one of the
    three; a smaller graph gives a smaller plan.
    """
    truths = Truths(snapshot)
    drafter = Drafter(truths, seed=seed)
    chains = [chain for _, chain in sorted(snapshot.chains.items()) if chain.hops == HOPS]
    asked = {c.chain_id: drafter.draft_chain(c, limit=ITEMS_PER_CHAIN) for c in chains}
    planter = _Planter(truths, [c for c in chains if asked[c.chain_id].drafts], sizes, seed)
    faults = [*planter.deficits(), *planter.gaps()]
    controls = planter.controls()
    for name, found in (("gap", planter.left), ("deficit", planter.shapes), ("control", controls)):
        if not found:
            raise BenchmarkError(
                f"the graph has no chain of {HOPS} relations left for a {name}; give a session of a larger corpus"
            )
    wanted = [fault.chain_id for fault in faults] + list(controls)
    benchmark = _freeze([asked[key] for key in dict.fromkeys(wanted)], truths, scoring)
    return Plan(seed, tuple(faults), controls, tuple(sorted(planter.shapes)), benchmark)


class _Planter:
    """Chooses in turn: shapes and their chains, then facts off those chains, then controls clear of both."""

    def __init__(self, truths: Truths, chains: Sequence[Chain], sizes: Sizes, seed: int) -> None:
        self._truths, self._sizes = truths, sizes
        self._snapshot = truths.snapshot
        self._chains = sorted(chains, key=lambda c: digest([seed, "plant", c.chain_id]))
        self._shape = {c.chain_id: shape_of(self._snapshot, walk_of(c)) for c in chains}
        self.shapes = self._choose_shapes(Random(f"plant:{seed}"))
        self._taught: set[Pair] = set()  # pairs of deficits: every fact of theirs is taught
        self._used: set[Pair] = set()  # pairs of chains with a gap: a second gap would hide the first
        self.left: set[str] = set()

    def _choose_shapes(self, rng: Random) -> set[Shape]:
        """Shapes drawn until they have chains for every deficit wanted, and no more than a third of all chains."""
        counts = Counter(self._shape.values())
        most = max(self._sizes.deficits, sum(counts.values()) // 3)
        shapes, chosen, chains = sorted(counts), set[Shape](), 0
        rng.shuffle(shapes)
        for shape in shapes:
            if chains < self._sizes.deficits and chains + counts[shape] <= most:
                chosen.add(shape)
                chains += counts[shape]
        return chosen

    def deficits(self) -> Iterator[Fault]:
        """Chains of the planted shapes, those that share no pair with one before first."""
        found = [c for c in self._chains if self._shape[c.chain_id] in self.shapes]
        for chain in _apart_first(found, self._snapshot)[: self._sizes.deficits]:
            self._taught |= self._pairs(chain)
            yield Fault(DiagnosisKind.REASONING_DEFICIT, chain.chain_id, chain.relation_ids, chain.chain_id)

    def gaps(self) -> Iterator[Fault]:
        """One missing node on a chain of a shape that is composed elsewhere."""
        count = 0
        for chain in self._chains:
            if count >= self._sizes.gaps:
                return
            if self._shape[chain.chain_id] in self.shapes or self._pairs(chain) & self._used:
                continue
            fault = self._concept_gap(chain) if count % CONCEPTS == CONCEPTS - 1 else None
            fault = fault or self._relation_gap(chain)
            if fault:
                count += 1
                self.left.update(fault.relations)
                self._used |= self._pairs(chain) | self._pairs_of(fault.relations)
                yield fault

    def controls(self) -> tuple[str, ...]:
        """Chains of other shapes with every fact taught."""
        free = [
            c.chain_id
            for c in self._chains
            if self._shape[c.chain_id] not in self.shapes and not self.left & self._on(c.relation_ids)
        ]
        return tuple(free[: self._sizes.controls])

    def _relation_gap(self, chain: Chain) -> Fault | None:
        for relation in chain.relation_ids:
            missing = tuple(sorted(self._on([relation])))
            if self._free(missing):
                return Fault(DiagnosisKind.CONCEPT_GAP, relation, missing, chain.chain_id)
        return None

    def _concept_gap(self, chain: Chain) -> Fault | None:
        for concept in chain.concept_ids:
            around = sorted(self._truths.neighbours(concept))
            missing = tuple(r for other in around for r in self._truths.between(concept, other))
            if len(missing) <= MAX_DEGREE and self._free(missing):
                return Fault(DiagnosisKind.CONCEPT_GAP, concept, missing, chain.chain_id)
        return None

    def _free(self, relations: Iterable[str]) -> bool:
        """Whether no deficit needs these facts, and no chain with another gap has them."""
        return not self._pairs_of(relations) & (self._taught | self._used)

    def _on(self, relations: Iterable[str]) -> frozenset[str]:
        return self._truths.on_pairs(relations)

    def _pairs(self, chain: Chain) -> frozenset[Pair]:
        return pairs_of(self._snapshot, walk_of(chain))

    def _pairs_of(self, relations: Iterable[str]) -> set[Pair]:
        found = (self._snapshot.relations[key] for key in relations)
        return {pair_key(r.subject_id, r.object_id) for r in found}


def _apart_first(chains: Sequence[Chain], snapshot: KnowledgeSnapshot) -> list[Chain]:
    taken: set[Pair] = set()
    apart: list[Chain] = []
    for chain in chains:
        pairs = pairs_of(snapshot, walk_of(chain))
        if not pairs & taken:
            apart.append(chain)
            taken |= pairs
    return apart + [chain for chain in chains if chain not in apart]


def _freeze(asked: Sequence[ChainDrafts], truths: Truths, scoring: Scoring) -> Benchmark:
    """The items of these chains, all of dev, under one digest; an item that fails a check is left out."""
    groups = _groups([found.chain for found in asked], truths.snapshot)
    drafts: list[Draft] = [draft for found in asked for draft in found.drafts]
    trios = SetChooser(drafts, OptionFeatures(truths)).choose()
    items: list[Item] = []
    for draft, trio in zip(drafts, trios, strict=True):
        item = compose_item(draft, trio, Layout(groups[draft.chain.chain_id], Split.DEV, 0), truths)
        if not item_failure(item, truths):
            items.append(item)
    kept = tuple(place_golds(items))
    found = benchmark_digest(kept, (), scoring, truths.snapshot.digest)
    return Benchmark(make_id("b", found), found, truths.snapshot.digest, scoring, kept, ())


def _groups(chains: Sequence[Chain], snapshot: KnowledgeSnapshot) -> dict[str, str]:
    """Chain ID -> group: chains that share a pair, directly or through others, are one."""
    owner: dict[Pair, str] = {}
    group = {chain.chain_id: chain.chain_id for chain in chains}
    for chain in chains:
        for pair in sorted(pairs_of(snapshot, walk_of(chain))):
            other = owner.setdefault(pair, chain.chain_id)
            old, new = group[chain.chain_id], group[other]
            group = {key: new if value == old else value for key, value in group.items()}
    return {key: make_id("n", value) for key, value in group.items()}
