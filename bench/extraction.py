"""How much of a book the rules teacher finds, how fast, and what two readers are to mark.

    python -m bench.extraction shared/economics/docs --glossary shared/economics/glossary.jsonl --review review
    python -m bench.extraction shared/python/docs --chains shared/entailmentbank/train.jsonl

The glossary is only compared with, never read by the extraction. Its terms are also counted by halves of the book (documents
of odd and even number, told by ``module`` in their names): patterns tuned on one half are held against the other. ``--review``
writes a random sample with the text around it for readers (docs/rubric.md); it holds the book's text and is not to be committed.
``bench/marks.py`` judges their marks. ``--chains`` counts the steps of gold chains whose premises the readings join.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.review import drawn_concepts, drawn_relations, write_review
from proda_core.config import CorpusConfig, TeacherConfig
from proda_core.corpus.curate import Curated, curate
from proda_core.embeddings import Embedder
from proda_core.extraction import Extracted, extract
from proda_core.extraction.measure import glossary_recall
from proda_core.knowledge.snapshot import find_orphans, make_snapshot
from proda_core.teachers import Reading, RulesTeacher
from proda_core.types import Chunk, KnowledgeSnapshot

MB = 1_000_000


def measured(curated: Curated, *, runs: int) -> tuple[Extracted, dict[str, Any]]:
    """The extraction, and MB a minute of ``runs`` runs by the clock and by CPU time, MiniLM loaded and on."""
    config, size = TeacherConfig(), sum(len(chunk.text.encode()) for chunk in curated.chunks)
    rates: list[dict[str, float]] = []
    encoder = Embedder()
    encoder.encode(["warm"])
    extracted: Extracted | None = None
    for run in range(runs):
        clock, cpu = time.monotonic(), time.process_time()
        extracted = extract(curated.chunks, RulesTeacher(), encoder=encoder, config=config)
        spent = {"clock": time.monotonic() - clock, "cpu": time.process_time() - cpu}
        rates.append({by: size / MB / seconds * 60 for by, seconds in spent.items()})
        print(f"run {run + 1} of {runs}: {spent['clock']:.1f} s", file=sys.stderr)
    assert extracted is not None
    medians = {f"mb_per_minute_{by}": round(statistics.median(r[by] for r in rates), 2) for by in rates[0]}
    return extracted, {
        "mb": round(size / MB, 2), "runs": runs, "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1), **medians,
    }  # fmt: skip


def figures_of(snapshot: KnowledgeSnapshot, extracted: Extracted, words: int) -> dict[str, Any]:
    """What was found and what is wrong with it."""
    kinds = Counter(relation.type for relation in snapshot.relations.values())
    return {
        "concepts": len(snapshot.concepts),
        "defined": sum(bool(c.definition) for c in snapshot.concepts.values()),
        "relations": len(snapshot.relations),
        "by_name_alone": sum(relation.told_by_name for relation in snapshot.relations.values()),
        "types": dict(sorted(kinds.items())),
        "chains": len(snapshot.chains),
        "orphans": len(find_orphans(snapshot)),
        "relations_per_1000_words": round(1000 * len(snapshot.relations) / max(words, 1), 2),
        "left_out": dict(extracted.dropped),
    }


def coverage(snapshot: KnowledgeSnapshot, glossary: Path, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Shares of the glossary found and defined: all of it, and the terms of odd and of even documents."""
    rows = [json.loads(line) for line in glossary.read_text(encoding="utf-8").splitlines() if line.strip()]
    halves = {
        "all": [row["term"] for row in rows],
        "odd": [row["term"] for row in rows if numbers.get(row.get("module", ""), 0) % 2 == 1],
        "even": [row["term"] for row in rows if numbers.get(row.get("module", ""), 1) % 2 == 0],
    }
    found = {}
    for half, terms in halves.items():
        recall = glossary_recall(snapshot, terms)
        found[half] = {
            "terms": recall.total, "found": recall.found, "found_share": round(recall.share, 3),
            "defined": recall.defined, "defined_share": round(recall.defined / max(recall.total, 1), 3),
        }  # fmt: skip
    return found


def numbers_of(curated: Curated) -> dict[str, int]:
    """Module to document number, from names like ``012_m64268_title.md``."""
    parts = [Path(document.path).name.split("_") for document in curated.documents]
    return {name[1]: int(name[0]) for name in parts if len(name) > 2 and name[0].isdigit()}


def joined_steps(path: Path) -> dict[str, int]:
    """Of gold chains' steps: whose premises each give a proposition, and of those, two that share a concept."""
    teacher, counts = RulesTeacher(), Counter[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        texts = dict(row["premises"])
        for step in row["steps"]:
            counts["steps"] += 1
            readings = [_ends(teacher, texts.get(name, "")) for name in step["premises"]]
            counts["premises"] += len(readings)
            counts["premises_read"] += sum(bool(reading) for reading in readings)
            counts["steps_joined"] += _join(readings)
            texts[step["conclusion"]] = step.get("text", "")
    return dict(counts)


def _ends(teacher: RulesTeacher, text: str) -> list[tuple[str, str]]:
    sentence = text.strip().rstrip(".").capitalize() + "."
    reading: Reading = teacher.read_chains(Chunk("k_0", "d_0", 0, len(sentence), sentence, "000", ""))
    return [(p.subject.casefold(), p.object.casefold()) for p in reading.propositions]


def _join(readings: Sequence[Sequence[tuple[str, str]]]) -> bool:
    """Two premises with a concept in common that is not all they say."""
    return any(
        set(one) & set(other) and set(one) != set(other)
        for n, first in enumerate(readings)
        for second in readings[n + 1 :]
        for one in first
        for other in second
    )


def main() -> None:
    """Measure, and print the figures as JSON."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("corpus", type=Path)
    ask.add_argument("--glossary", type=Path, help="JSON lines with term and, for the halves, module")
    ask.add_argument("--chains", type=Path, help="gold chains: JSON lines with premises and steps")
    ask.add_argument("--review", type=Path, help="folder for what readers mark; holds text of the corpus")
    ask.add_argument("--sample", type=int, default=100)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--runs", type=int, default=3)
    given = ask.parse_args()
    curated = curate(given.corpus, CorpusConfig())
    extracted, speed = measured(curated, runs=given.runs)
    snapshot = make_snapshot(extracted.concepts, extracted.relations, extracted.chains)
    figures: dict[str, Any] = {"speed": speed, **figures_of(snapshot, extracted, curated.words)}
    if given.glossary:
        figures["glossary"] = coverage(snapshot, given.glossary, numbers_of(curated))
    if given.chains:
        figures["gold_chains"] = joined_steps(given.chains)
    if given.review:
        pick = random.Random(given.seed)
        relations = drawn_relations(snapshot, curated, count=given.sample, pick=pick)
        concepts = drawn_concepts(snapshot, curated, count=given.sample, pick=pick)
        write_review(given.review, relations, concepts)
        figures["review"] = {"relations": len(relations), "concepts": len(concepts), "seed": given.seed}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
