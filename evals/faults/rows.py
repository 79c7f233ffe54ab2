"""The rows of a planted training: every Example but those that state what is left out, and walks of the controls alone.

Built by the same writers as a session's, and committed through the guard like any other mixture: one without some rows is legal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evals.faults.planting import Plan
from proda_core.artifacts import ArtifactStore
from proda_core.config import Config
from proda_core.errors import GuardRefusal
from proda_core.guard import commit_mixture
from proda_core.guard.commit import check_examples
from proda_core.guard.lineage import LineageIndex
from proda_core.records import save_benchmark, save_examples
from proda_core.synthesis.examples import ORTHOGONALITY, build_examples
from proda_core.synthesis.fact_rows import Places
from proda_core.synthesis.mixture import compose_v1, general_rows
from proda_core.synthesis.options import OptionPicker
from proda_core.synthesis.rows import Refused, RowWriter
from proda_core.synthesis.scaffold import walk_of
from proda_core.synthesis.truths import Truths
from proda_core.synthesis.walk_rows import WalkRows
from proda_core.types import DiagnosisKind, Example, ExampleKind


@dataclass(frozen=True, slots=True)
class Composed:
    """A committed mixture: its rows of facts, of walks and of general skill, and the rows that planting left out."""

    mixture_id: str
    facts: int
    walks: int
    general: int
    left_out: int


def compose(plan: Plan, index: LineageIndex, store: ArtifactStore, config: Config) -> Composed:
    """Write, filter and commit the rows of a plan; GuardRefusal where the guard refuses one for more than likeness to an item."""
    save_benchmark(store, plan.benchmark)
    written = build_examples(index, plan.benchmark, config.synthesis, seed=plan.seed).rows
    facts = [row for row in written if states_nothing_left_out(row, plan, index)]
    walks = _walks(plan, index)
    general = general_rows(plan.seed, config.synthesis.general_rows, by_heart=True)
    mixture = compose_v1([*facts, *walks], general, benchmark=plan.benchmark, seed=plan.seed)
    saved = save_examples(store, [*facts, *walks], benchmark=plan.benchmark)
    commit_mixture(
        store, mixture, index=index, benchmark=plan.benchmark, inputs={"examples": saved.artifact_id}
    )
    return Composed(mixture.mixture_id, len(facts), len(walks), len(general), len(written) - len(facts))


def states_nothing_left_out(row: Example, plan: Plan, index: LineageIndex) -> bool:
    """Whether a row, read as the guard reads it, says nothing of what is planted as missing."""
    if index.pairs(row.lineage.l2_ids) & index.pairs(plan.left_out):
        return False
    missing = {fault.node for fault in plan.of(DiagnosisKind.CONCEPT_GAP)}
    return row.kind is not ExampleKind.DEFINITION or not missing.intersection(row.lineage.l1_ids)


def _walks(plan: Plan, index: LineageIndex) -> list[Example]:
    """Chain-of-thought rows along the controls."""
    truths, writer = Truths(index.snapshot), RowWriter(index)
    maker = WalkRows(truths, OptionPicker(truths), Places(plan.seed), plan.seed)
    texts = (
        text
        for chain_id in plan.controls
        for text in maker.along(walk_of(index.snapshot.chains[chain_id]), chain_id)
    )
    rows = {row.example_id: row for row in _written(writer.write(text) for text in texts)}
    kept = [row for row in rows.values() if states_nothing_left_out(row, plan, index)]
    refusals = check_examples(kept, index, plan.benchmark)
    if any(refusal.rule != ORTHOGONALITY for refusal in refusals):
        raise GuardRefusal(refusals)
    like_items = {refusal.row_id for refusal in refusals}
    return [row for row in kept if row.example_id not in like_items]


def _written(rows: Iterable[Example | Refused]) -> Iterable[Example]:
    return (row for row in rows if isinstance(row, Example))
