"""The initial Examples: every concept and relation of the graph in three formats, written under the frozen benchmark.

From K1 and K2 only: no row walks a chain, and none brings the two ends of an item's chain together. Rows that the writer refuses
are left out and counted by reason; so are rows too like an item (G4). Any other refusal of the guard is raised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from proda_core.config import SynthesisConfig
from proda_core.errors import GuardRefusal
from proda_core.guard.commit import check_examples
from proda_core.guard.lineage import LineageIndex
from proda_core.ids import pair_key
from proda_core.synthesis.fact_rows import Places, RowMaker
from proda_core.synthesis.facts import FactBook
from proda_core.synthesis.options import OptionPicker, Pair, item_ends
from proda_core.synthesis.rewording import Reword, Rewordings, reword_rows
from proda_core.synthesis.rows import Refused, RowText, RowWriter
from proda_core.synthesis.truths import Truths
from proda_core.types import Benchmark, Example

ORTHOGONALITY = "G4"
OnRow = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """The rows, in a fixed order, how many were left out by reason, and what became of questions worded anew."""

    rows: tuple[Example, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    rewording: dict[str, int] = field(default_factory=dict)


def build_examples(
    index: LineageIndex,
    benchmark: Benchmark,
    config: SynthesisConfig,
    *,
    seed: int,
    on_row: OnRow | None = None,
    reword: Reword | None = None,
) -> ExampleSet:
    """Write every row and pass them through the guard; GuardRefusal if it finds anything but likeness to an item.

    ``reword`` words open questions anew; nothing else about a row changes with it.
    """
    apart = item_ends(benchmark)
    maker = _maker(index, benchmark, seed)
    writer = RowWriter(index)
    reworded = Rewordings()
    if reword is not None:
        rows_of_a_fact = (config.wordings, config.reworded_rows)
        reworded = reword_rows(maker, index, benchmark, reword, rows=rows_of_a_fact)
    rows: dict[str, Example] = {}
    left: Counter[str] = Counter()
    for text in _texts(maker, config, on_row):
        row = writer.write(reworded.of(text))
        if isinstance(row, Refused):
            left[row.reason] += 1
        elif joins(row, apart):
            left["joins_an_item"] += 1
        elif row.example_id in rows:
            left["repeated"] += 1
        else:
            rows[row.example_id] = row
    refusals = check_examples(rows.values(), index, benchmark)
    for refusal in refusals:
        if refusal.rule != ORTHOGONALITY:
            raise GuardRefusal(refusals)
        rows.pop(refusal.row_id, None)
        left["too_like_an_item"] += 1
    return ExampleSet(tuple(rows.values()), dict(sorted(left.items())), dict(reworded.counts))


def _maker(index: LineageIndex, benchmark: Benchmark, seed: int) -> RowMaker:
    truths = Truths(index.snapshot)
    picker = OptionPicker(truths, apart=item_ends(benchmark))
    return RowMaker(FactBook(truths), picker, Places(seed), seed, benchmark.scoring)


def joins(row: Example, apart: frozenset[Pair]) -> bool:
    """Whether a row names both ends of an item's chain."""
    named = row.lineage.l1_ids
    return any(pair_key(a, b) in apart for n, a in enumerate(named) for b in named[n + 1 :])


def _texts(maker: RowMaker, config: SynthesisConfig, on_row: OnRow | None) -> Iterator[RowText]:
    snapshot = maker.book.truths.snapshot
    relations, concepts = snapshot.relations, snapshot.concepts
    total = len(relations) + len(concepts)
    for done, relation in enumerate(relations.values()):
        if on_row:
            on_row(done, total)
        yield from maker.open_rows(relation, config.wordings)
        yield from maker.choice_rows(relation, config.choice_wordings)
        yield from maker.truth_rows(relation, config.wordings)
        yield from maker.reasoned_rows(relation, config.reasoned_rows)
    yield from maker.in_turn_rows(relations.values(), config.in_turn_rows)
    for done, concept in enumerate(concepts.values()):
        if on_row:
            on_row(len(relations) + done, total)
        yield from maker.about_rows(concept)
        if concept.definition:
            yield from maker.definition_rows(concept)
