"""Every file of real mess (PRODA_REALDATA/messy) is read well or refused with its reason; the figures were checked by eye."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from proda_core.config import CorpusConfig
from proda_core.corpus import curate, repair_text
from proda_core.corpus.duplicates import jaccard, shingles_of, words_of
from proda_core.corpus.languages import detect_language
from proda_core.corpus.raw import RawText, ReadingOptions
from proda_core.corpus.repair import mojibake_left
from proda_core.corpus.sources import find_sources, load_source, source_name
from proda_core.types import Dropped

REALDATA = os.environ.get("PRODA_REALDATA", "")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not REALDATA, reason="PRODA_REALDATA names no folder"),
]
MESSY = Path(REALDATA) / "messy"
# Everything that is not read; the rest is.
REFUSED = {
    "derived/empty.txt": "empty",
    "derived/whitespace_only.txt": "empty",
    "near_duplicates/pairs.json": "no_text",
    "pdf/imagemagick-images.pdf": "scanned",
    "pdf/libreoffice-writer-password.pdf": "encrypted",
}
# Word 5-grams: the share in common with clean_reference.txt, and of the file's own ones the share found there. What damage
# took away shows in the first alone: a file that says a part again and again, one cut at its end, one shuffled.
ALIKE = {
    "clean_reference.txt": (1.0, 1.0),
    "crlf_bom.txt": (1.0, 1.0),
    "double_mojibake.txt": (1.0, 1.0),
    "latin1_bytes.txt": (1.0, 1.0),
    "nfd_ligatures.txt": (1.0, 1.0),
    "nul_and_control.txt": (1.0, 1.0),
    "one_line.txt": (1.0, 1.0),
    "pdf_like_hyphenated_headers.txt": (0.995, 0.998),
    "truncated_utf8.txt": (0.92, 0.999),
    "utf16le_bom.txt": (1.0, 1.0),
    "utf8_read_as_cp1252.txt": (1.0, 1.0),
    "zero_width_nbsp.txt": (1.0, 1.0),
    "exact_duplicates.txt": (0.08, 0.995),
    "shuffled_sentences.txt": (0.68, 0.81),
}
PAGES = {
    "002-trivial-libre-office-writer.pdf": 1,
    "GeoTopo-komprimiert.pdf": 117,
    "habibi.pdf": 1,
    "multicolumn.pdf": 3,
    "pdflatex-4-pages.pdf": 4,
}


def _read(name: str, options: ReadingOptions | None = None) -> list[RawText | Dropped]:
    return list(load_source(MESSY / name, MESSY, options or ReadingOptions()))


def _text(name: str, options: ReadingOptions | None = None) -> str:
    (raw,) = [row for row in _read(name, options) if isinstance(row, RawText)]
    return repair_text(raw.text)


def _names() -> list[str]:
    return [source_name(path, MESSY) for path in find_sources(MESSY)] if REALDATA else []


@pytest.mark.parametrize("name", _names())
def test_every_file_is_read_or_refused_for_the_reason_that_it_has(name: str) -> None:
    found = _read(name)
    refused = [
        row
        for row in found
        if isinstance(row, Dropped)
        and row.source == name
        and row.reason not in ("running_heads", "contents_lines")
    ]
    assert [row.reason for row in refused] == ([REFUSED[name]] if name in REFUSED else [])
    assert all(row.detail for row in refused)
    assert len([row for row in found if isinstance(row, RawText)]) == (0 if name in REFUSED else 1)
    if name not in REFUSED:
        text = _text(name)
        assert mojibake_left(text) == 0
        assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in text)


def test_the_folder_holds_what_this_test_knows() -> None:
    names = set(_names())
    assert names >= REFUSED.keys()
    assert {n.removeprefix("derived/") for n in names if n.startswith("derived/")} - ALIKE.keys() == {
        "empty.txt",
        "whitespace_only.txt",
    }
    assert {n.removeprefix("pdf/") for n in names if n.startswith("pdf/")} - PAGES.keys() == {
        "imagemagick-images.pdf",
        "libreoffice-writer-password.pdf",
    }


@pytest.mark.parametrize("name", ALIKE)
def test_a_damaged_text_is_as_like_the_undamaged_one_as_its_damage_allows(name: str) -> None:
    reference, text = (shingles_of(words_of(_text(f"derived/{n}"))) for n in ("clean_reference.txt", name))
    common, contained = ALIKE[name]
    assert jaccard(text, reference) >= common
    assert len(text & reference) >= contained * len(text)


@pytest.mark.parametrize("name", PAGES)
def test_a_pdf_has_all_its_pages(name: str) -> None:
    (raw,) = [row for row in _read(f"pdf/{name}") if isinstance(row, RawText)]
    assert raw.metadata["pages"] == str(PAGES[name])


def test_two_columns_are_read_one_after_the_other_and_over_the_page() -> None:
    text = _text("pdf/multicolumn.pdf")
    in_order = [
        "# Two-Column Document with Lorem Ipsum",
        "## Abstract\n\nThis is a sample document with two columns filled with Lorem Ipsum text.\n\nLorem ipsum dolor",
        # over the foot of the left column to the head of the right one
        "Vivamus viverra fermentum felis. Donec nonummy pellentesque ante. Phasellus adipiscing",
        # over the foot of the first page
        "Nam feugiat lacus vel est. Curabitur consectetuer.",
        # over the gutter of the second page, in the middle of a paragraph
        "| Czech Republic | 10.7 | 78,866 | Prague | Czech |",
    ]
    places = [text.index(part) for part in in_order]
    assert places == sorted(places)
    assert text.count("\n\n") <= 22
    assert [line for line in text.split("\n") if line.strip() in ("1", "2", "3")] == []
    assert "-\n" not in text and "adip-" not in text


def test_a_german_book_of_117_pages_loses_its_running_heads_and_keeps_its_words() -> None:
    text = _text("pdf/GeoTopo-komprimiert.pdf")
    assert detect_language(text) == "de"
    for said in (
        "(Schwarz-Weiß, Ringbindung)",
        "die es mir erlaubt haben, ihre Übungsaufgaben und Lösungen zu benutzen.",
        "Die Kugeloberfläche S² lässt sich durch strecken, stauchen und umformen zur Würfeloberfläche oder der Oberfläche einer "
        "Pyramide verformen, aber nicht zum R² oder zu einem Torus T².",
        "Definition 7\n\nSei X ein topologischer Raum, ∼ eine Äquivalenzrelation auf X, X = X/∼ sei die Menge der "
        "Äquivalenzklassen",
        "wenn es für je zwei Punkte x ≠ y in X Umgebungen Ux um x und Uy um y gibt",
        "## 3.2 Fundamentalgruppe\n\nFür einen Weg γ sei [γ] seine Homotopieklasse.",
        "Daher ist Bemerkung 27.b nicht anwendbar, aber V (F) ist trotzdem eine 1-dimensionale topologische Mannigfaltigkeit.",
    ):
        assert said in text
    assert "1.1. TOPOLOGISCHE RÄUME" not in text
    assert ". . . ." not in text


def test_arabic_comes_in_the_order_in_which_it_is_read() -> None:
    assert _text("pdf/habibi.pdf").split()[:2] == ["habibi", "حَبيبي"]


def test_a_text_in_one_column_is_whole_over_its_pages() -> None:
    sentence = "There is no need for special content, but the length of words should match the language."
    text = _text("pdf/pdflatex-4-pages.pdf")
    assert text.count("Hello, here is some text without a meaning.") == text.count(sentence)
    assert text.count(sentence) > 20


def test_an_encrypted_pdf_opens_with_its_password() -> None:
    name = "pdf/libreoffice-writer-password.pdf"
    assert _text(name, ReadingOptions(("nothing", "openpassword"))).startswith("Lorem ipsum dolor sit amet")


def test_the_whole_folder_is_curated_in_one_go_with_languages_and_readers(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("openpassword\n")
    curated = curate(MESSY, CorpusConfig(password_file=str(tmp_path / "passwords")))
    refused = {d.source: d.reason for d in curated.dropped if d.stage == "load" and d.source in REFUSED}
    assert refused == {name: why for name, why in REFUSED.items() if why != "encrypted"}
    assert curated.languages["de"] == 1
    assert curated.languages["en"] > 80
    assert {name.split(" ")[0] for name in curated.readers} == {"text", "markdown", "pdf"}
    assert sum(curated.readers.values()) == len(_names()) - len(refused)
