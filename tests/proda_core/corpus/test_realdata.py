"""Real near duplicates; reads the folder named by PRODA_REALDATA. How single files are read: test_messy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from proda_core.config import CorpusConfig
from proda_core.corpus import curate, repair_text
from proda_core.corpus.duplicates import find_duplicates, jaccard, shingles_of, words_of

REALDATA = os.environ.get("PRODA_REALDATA", "")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not REALDATA, reason="PRODA_REALDATA names no folder"),
]
DERIVED = Path(REALDATA) / "messy" / "derived"
NEAR = Path(REALDATA) / "messy" / "near_duplicates"


def test_paragraphs_repeated_in_one_file_are_dropped() -> None:
    curated = curate(DERIVED / "exact_duplicates.txt", CorpusConfig())
    assert {d.reason for d in curated.dropped if d.stage == "dedup"} == {"exact_duplicate"}


def _documents() -> list[tuple[str, str]]:
    return [(p.stem, repair_text(p.read_text(encoding="utf-8"))) for p in sorted(NEAR.glob("*.md"))]


@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_documents_as_similar_as_the_threshold_are_caught_and_no_others(threshold: float) -> None:
    texts = [text for _, text in _documents()]
    shingles = [shingles_of(words_of(text)) for text in texts]
    similar = [
        (j, i) for i in range(len(texts)) for j in range(i) if jaccard(shingles[i], shingles[j]) >= threshold
    ]
    caught = sum(bool(find_duplicates([texts[j], texts[i]], threshold)) for j, i in similar)
    assert len(similar) >= 40
    assert caught >= 0.98 * len(similar)
    for found in find_duplicates(texts, threshold):
        assert jaccard(shingles[found.index], shingles[found.original]) >= threshold


@pytest.mark.parametrize(("threshold", "rate"), [(0.6, 1.0), (0.8, 0.33)])
def test_pairs_of_stated_similarity_are_caught_at_this_rate(threshold: float, rate: float) -> None:
    """pairs.json measures words in sequence, which is far above the Jaccard of 5-grams for the same pair: 0.84 is 0.62."""
    pairs = json.loads((NEAR / "pairs.json").read_text())
    similar = [p for p in pairs if p.get("word_seq_ratio", p.get("word_jaccard", 0)) >= 0.8]
    caught = sum(_caught(p["pair"], threshold) for p in similar)
    assert len(similar) == 25
    assert caught >= rate * len(similar)


def _caught(pair: int | str, threshold: float) -> bool:
    stem = f"{pair:02d}" if isinstance(pair, int) else pair
    texts = [repair_text(p.read_text(encoding="utf-8")) for p in sorted(NEAR.glob(f"{stem}_*.md"))]
    return bool(find_duplicates(texts, threshold))
