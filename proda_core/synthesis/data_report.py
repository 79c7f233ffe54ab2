"""The data report: each CORE standard as figures over the rows actually written, for a manifest and for a reader.

Contextualized: rows whose question does not stand alone (0 wanted). Organized: coverage and balance. Rigorous: wordings and gold
places. Evolving: that every row carries IDs, and which benchmark it was written under.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from proda_core.guard.lineage import LineageIndex
from proda_core.synthesis.rows import context_failure
from proda_core.types import Benchmark, Example, Format


def data_report(
    rows: tuple[Example, ...], index: LineageIndex, benchmark: Benchmark, left_out: Mapping[str, int]
) -> dict[str, Any]:
    """Figures as JSON."""
    relations, concepts = index.snapshot.relations, index.snapshot.concepts
    taught_l2 = {key for row in rows for key in row.lineage.l2_ids}
    taught_l1 = {key for row in rows for key in row.lineage.l1_ids}
    context = Counter(context_failure(row.messages[0].content, row.discipline, index) for row in rows)
    lengths = [len(row.text.split()) for row in rows]
    return {
        "rows": len(rows),
        "left_out": dict(left_out),
        "benchmark_digest": benchmark.digest,
        "contextualized": {"failures": sum(n for reason, n in context.items() if reason)},
        "organized": {
            "concepts_covered": _share(taught_l1, concepts),
            "relations_covered": _share(taught_l2, relations),
            "by_format": _counts(row.format.value for row in rows),
            "by_kind": _counts(row.kind.value for row in rows),
            "by_discipline": _counts(row.discipline for row in rows),
            "by_type": _counts(relations[key].type for row in rows for key in row.lineage.l2_ids),
            "by_template": _counts(row.lineage.template for row in rows),
        },
        "rigorous": {
            "gold_letters": _counts(_gold_letter(r) for r in rows if r.format is Format.CHOICE),
            "truth_values": _counts(
                r.messages[-1].content.split(".")[0] for r in rows if r.format is Format.TRUE_FALSE
            ),
            "relations_in_every_format": _in_every_format(rows, len(relations)),
            "rows_a_relation": round(sum(len(r.lineage.l2_ids) for r in rows) / max(len(relations), 1), 2),
        },
        "evolving": {"rows_without_ids": sum(not r.lineage.l1_ids for r in rows)},
        "words": {"mean": round(sum(lengths) / max(len(lengths), 1), 1), "most": max(lengths, default=0)},
    }


def _gold_letter(row: Example) -> str:
    """The letter of the option that a choice row concludes on, whether it names the letter or the option's text."""
    said = row.messages[-1].content.rsplit("Answer: ", 1)[-1]
    options = (line.partition(". ") for line in row.messages[0].content.splitlines())
    return next((letter for letter, _, text in options if said in (letter, text)), "none of the options")


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _share(taught: set[str], wanted: Mapping[str, object]) -> float:
    return round(len(taught & wanted.keys()) / max(len(wanted), 1), 4)


def _in_every_format(rows: Iterable[Example], relations: int) -> float:
    formats: dict[str, set[Format]] = defaultdict(set)
    for row in rows:
        for key in row.lineage.l2_ids:
            formats[key].add(row.format)
    return round(sum(len(found) == len(Format) for found in formats.values()) / max(relations, 1), 4)
