"""Real damaged files and real near duplicates; reads the folder named by PRODA_REALDATA."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from proda_core.config import CorpusConfig
from proda_core.corpus import curate, repair_text
from proda_core.corpus.duplicates import find_duplicates, jaccard, shingles_of, words_of
from proda_core.corpus.repair import mojibake_left
from proda_core.corpus.sources import RawText, load_source
from proda_core.types import Dropped

REALDATA = os.environ.get("PRODA_REALDATA", "")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not REALDATA, reason="PRODA_REALDATA names no folder"),
]
DERIVED = Path(REALDATA) / "messy" / "derived"
NEAR = Path(REALDATA) / "messy" / "near_duplicates"
REFUSED = {"empty.txt": "empty", "whitespace_only.txt": "empty"}
# Files whose damage takes nothing away read like the reference again, this share of word 5-grams at least.
READS_ALIKE = {
    "crlf_bom.txt": 1.0,
    "double_mojibake.txt": 0.99,
    "latin1_bytes.txt": 0.97,
    "nfd_ligatures.txt": 0.99,
    "nul_and_control.txt": 0.99,
    "one_line.txt": 0.97,
    "pdf_like_hyphenated_headers.txt": 0.97,
    "truncated_utf8.txt": 0.9,
    "utf16le_bom.txt": 1.0,
    "utf8_read_as_cp1252.txt": 0.99,
    "zero_width_nbsp.txt": 0.99,
}


def _text(name: str) -> str:
    (loaded,) = load_source(DERIVED / name, DERIVED)
    assert isinstance(loaded, RawText)
    return repair_text(loaded.text)


def test_every_damaged_file_is_read_or_refused_with_a_reason() -> None:
    outcomes = {p.name: next(load_source(p, DERIVED)) for p in sorted(DERIVED.iterdir())}
    refused = {name: row.reason for name, row in outcomes.items() if isinstance(row, Dropped)}
    assert refused == REFUSED


@pytest.mark.parametrize("name", sorted(READS_ALIKE))
def test_a_damaged_file_reads_like_the_undamaged_one(name: str) -> None:
    reference, text = _text("clean_reference.txt"), _text(name)
    assert jaccard(shingles_of(words_of(text)), shingles_of(words_of(reference))) >= READS_ALIKE[name]
    assert mojibake_left(text) == 0


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
