"""How good an extraction is, by counting: glossary recall, density, types, and a fixed random sample for human judges.

The judges' rubric and marks live beside the benchmarks; this module draws the sample, always the same for a seed.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from proda_core.errors import KnowledgeError
from proda_core.extraction.canonical import fold
from proda_core.teachers import singular
from proda_core.types import KnowledgeSnapshot


@dataclass(frozen=True, slots=True)
class Recall:
    """``found`` of ``total`` terms, ``defined`` of them with a definition; ``missing`` sorted."""

    found: int
    total: int
    missing: tuple[str, ...]
    defined: int = 0

    @property
    def share(self) -> float:
        return self.found / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Sampled:
    """One relation as a judge sees it."""

    relation_id: str
    subject: str
    type: str
    object: str
    verb_phrase: str
    quote: str


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures of one snapshot. ``glossary`` is None without a glossary."""

    relations_per_1000_words: float
    types: dict[str, int]
    glossary: Recall | None
    sample: tuple[Sampled, ...]


def glossary_recall(snapshot: KnowledgeSnapshot, terms: Iterable[str]) -> Recall:
    """Which glossary terms are a concept's term or alias, whatever their case, hyphens and number."""
    known: dict[str, bool] = {}
    for concept in snapshot.concepts.values():
        for name in map(_plain, (concept.term, *concept.aliases)):
            known[name] = known.get(name, False) or bool(concept.definition)
    wanted = {term: {_plain(form) for form in _forms(term)} for term in sorted(set(terms))}
    missing = tuple(term for term, forms in wanted.items() if not forms & known.keys())
    defined = sum(any(known.get(form, False) for form in forms) for forms in wanted.values())
    return Recall(len(wanted) - len(missing), len(wanted), missing, defined)


def read_glossary(path: Path) -> list[str]:
    """The ``term`` of each JSON line."""
    try:
        return [
            json.loads(line)["term"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise KnowledgeError(f"no glossary in {path}: {error}; give JSON lines with a term each") from error


def sample_relations(snapshot: KnowledgeSnapshot, *, count: int, seed: int) -> tuple[Sampled, ...]:
    """``count`` relations drawn without replacement, the same for the same snapshot and seed."""
    ids = sorted(snapshot.relations)
    chosen = random.Random(seed).sample(ids, min(count, len(ids)))
    return tuple(
        Sampled(
            r.relation_id,
            snapshot.term(r.subject_id),
            r.type,
            snapshot.term(r.object_id),
            r.verb_phrase,
            r.evidence[0].quote,
        )
        for r in (snapshot.relations[i] for i in chosen)
    )


def measure(
    snapshot: KnowledgeSnapshot, *, words: int, glossary: Path | None = None, count: int = 50, seed: int = 0
) -> Measures:
    """All figures; ``words`` is the length of the curated corpus."""
    return Measures(
        round(1000 * len(snapshot.relations) / max(words, 1), 2),
        dict(sorted(Counter(r.type for r in snapshot.relations.values()).items())),
        glossary_recall(snapshot, read_glossary(glossary)) if glossary else None,
        sample_relations(snapshot, count=count, seed=seed),
    )


def _forms(term: str) -> list[str]:
    """A glossary entry names "gross domestic product (GDP)" as one."""
    outside, _, rest = term.partition("(")
    return [term, outside, rest.rstrip(") ")] if rest else [term]


def _plain(term: str) -> str:
    words = fold(term).split()
    return " ".join([*words[:-1], singular(words[-1])]) if words else ""
