"""Patches: the rows written for a set of diagnoses, from the graph and never from an item.

concept_gap: contrast rows for each node not mastered against its neighbours. reasoning_deficit: chain-of-thought rows along the
chain and its sub-chains, and scaffold walks of the same shape elsewhere. A row on a sealed pair is not written but counted;
a diagnosis left without any row is unpatchable, with its reason. Every row passes the guard before it is returned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from proda_core.config import MixtureConfig
from proda_core.errors import GuardRefusal
from proda_core.guard.commit import check_patch
from proda_core.guard.lineage import LineageIndex
from proda_core.guard.sealed import sealed_pairs
from proda_core.knowledge import Walk
from proda_core.synthesis.contrast_rows import ContrastRows
from proda_core.synthesis.fact_rows import Places, RowMaker
from proda_core.synthesis.facts import FactBook
from proda_core.synthesis.options import OptionPicker
from proda_core.synthesis.rows import Refused, RowText, RowWriter
from proda_core.synthesis.scaffold import Pair, ScaffoldPicker, pairs_of, shape_of, walk_of
from proda_core.synthesis.truths import Truths
from proda_core.synthesis.walk_rows import WalkRows
from proda_core.types import Benchmark, Diagnosis, DiagnosisKind, MixtureRow, Role

MAX_CONCEPT_RELATIONS = 4  # of a concept not mastered: more would be a lesson on its whole surroundings
ORTHOGONALITY = "G4"


@dataclass(frozen=True, slots=True)
class PatchSet:
    """The rows (roles patch and scaffold) and what became of each diagnosis."""

    rows: tuple[MixtureRow, ...]
    patched: int  # diagnoses with at least one row
    unpatchable: dict[str, int]  # reason -> diagnoses
    left_out: dict[str, int]  # reason -> rows
    scaffold_walks: int
    scaffold_relations: int

    def figures(self) -> dict[str, object]:
        """Counts for the manifest."""
        return {
            "rows_by_role": _counts(row.role.value for row in self.rows),
            "rows_by_kind": _counts(row.example.kind.value for row in self.rows),
            "patched": self.patched,
            "unpatchable": self.unpatchable,
            "left_out": self.left_out,
            "scaffold_walks": self.scaffold_walks,
            "scaffold_relations": self.scaffold_relations,
        }


def build_patch(
    index: LineageIndex,
    benchmark: Benchmark,
    diagnoses: Sequence[Diagnosis],
    config: MixtureConfig,
    *,
    seed: int,
) -> PatchSet:
    """Write rows for ``diagnoses``; GuardRefusal where the guard refuses one for more than likeness to an item."""
    return _PatchBuilder(index, benchmark, config, seed).build(diagnoses)


class _PatchBuilder:
    def __init__(self, index: LineageIndex, benchmark: Benchmark, config: MixtureConfig, seed: int) -> None:
        self._index, self._benchmark, self._config, self._seed = index, benchmark, config, seed
        self._truths = Truths(index.snapshot)
        self._sealed = sealed_pairs(benchmark, index.snapshot)
        self._writer = RowWriter(index)
        places, picker = Places(seed), OptionPicker(self._truths, apart=self._sealed)
        maker = RowMaker(FactBook(self._truths), picker, places, seed, benchmark.scoring)
        self._contrast = ContrastRows(maker)
        self._walks = WalkRows(self._truths, picker, places, seed)
        self._rows: dict[str, MixtureRow] = {}
        self._left: Counter[str] = Counter()
        self._written: dict[str, bool] = {}  # node or chain -> whether it has a row

    def build(self, diagnoses: Sequence[Diagnosis]) -> PatchSet:
        ordered = sorted(diagnoses, key=lambda d: (d.chain_id, d.item_id))
        outcome = Counter(self._patch(diagnosis) for diagnosis in ordered)
        patched = outcome.pop("", 0)
        chains = {d.chain_id for d in ordered if d.kind is DiagnosisKind.REASONING_DEFICIT}
        walks = self._scaffold(sorted(chains & self._index.snapshot.chains.keys()))
        self._drop_item_like()
        return PatchSet(
            tuple(self._rows.values()),
            patched,
            dict(sorted(outcome.items())),
            dict(sorted(self._left.items())),
            len(walks),
            len({r for walk in walks for r in walk.relation_ids}),
        )

    def _patch(self, diagnosis: Diagnosis) -> str:
        """Write the rows of one diagnosis; "" or why there is none."""
        if diagnosis.kind is DiagnosisKind.CONCEPT_GAP:
            written = [self._once(node, self._gap_rows(node)) for node in diagnosis.nodes]
            return "" if any(written) else "sealed_or_unwritable"
        if diagnosis.kind is DiagnosisKind.REASONING_DEFICIT:
            chain = self._index.snapshot.chains.get(diagnosis.chain_id)
            if chain is None:
                return "chain_not_in_graph"
            rows = self._walks.along(walk_of(chain), chain.chain_id)
            return "" if self._once(chain.chain_id, rows) else "sealed_or_unwritable"
        return f"nothing_to_teach_{diagnosis.kind.value}"

    def _once(self, key: str, rows: Iterator[RowText]) -> bool:
        if key not in self._written:
            before = len(self._rows)
            for row in rows:
                self._add(row, Role.PATCH)
            self._written[key] = len(self._rows) > before
        return self._written[key]

    def _gap_rows(self, node: str) -> Iterator[RowText]:
        """A relation: itself. A concept: its relations, those with it as subject first, and its neighbours beside it."""
        snapshot = self._index.snapshot
        if node in snapshot.relations:
            yield from self._contrast.of_relation(snapshot.relations[node])
        elif node in snapshot.concepts:
            around = [
                snapshot.relations[key]
                for other in sorted(self._truths.neighbours(node))
                for key in self._truths.between(node, other)
            ]
            around.sort(key=lambda r: (r.subject_id != node, r.relation_id))
            open_ = [r for r in around if not self._touches_seal([r.relation_id])]
            self._left["sealed_relations_of_a_gap"] += len(around) - len(open_)
            for relation in open_[:MAX_CONCEPT_RELATIONS]:
                yield from self._contrast.of_relation(relation)
            yield from self._contrast.of_concept(node)

    def _scaffold(self, chain_ids: Iterable[str]) -> tuple[Walk, ...]:
        snapshot = self._index.snapshot
        failing = [walk_of(snapshot.chains[key]) for key in chain_ids]
        shapes = [shape_of(snapshot, walk) for walk in failing]
        taught = frozenset[Pair]().union(*(pairs_of(snapshot, walk) for walk in failing))
        picker = ScaffoldPicker(snapshot, forbidden=self._sealed | taught, seed=self._seed)
        limit = int(self._config.scaffold_relations * len(snapshot.relations))
        walks = picker.pick(shapes, max_relations=limit)
        for walk in walks:
            for row in self._walks.elsewhere(walk):
                self._add(row, Role.SCAFFOLD)
        return walks

    def _add(self, text: RowText, role: Role) -> None:
        row = self._writer.write(text)
        if isinstance(row, Refused):
            self._left[row.reason] += 1
        elif self._touches_seal(row.lineage.l2_ids):
            self._left["sealed"] += 1
        else:
            self._rows.setdefault(row.example_id, MixtureRow(role, row))

    def _touches_seal(self, relation_ids: Iterable[str]) -> bool:
        return not self._sealed.isdisjoint(self._index.pairs(relation_ids))

    def _drop_item_like(self) -> None:
        refusals = check_patch(self._rows.values(), self._index, self._benchmark)
        if any(refusal.rule != ORTHOGONALITY for refusal in refusals):
            raise GuardRefusal(refusals)
        for refusal in refusals:
            self._rows.pop(refusal.row_id, None)
            self._left["too_like_an_item"] += 1


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
