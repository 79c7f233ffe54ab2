"""PDF to text: columns, running heads, hyphens, headings, tables; pages and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from fpdf import FPDF
from PIL import Image

from proda_core.corpus import repair_text
from proda_core.corpus.raw import ReadingOptions
from proda_core.corpus.readers.pdf import page_ranges
from proda_core.corpus.readers.pdf.glyphs import Glyph, Style, in_logical_order
from proda_core.types import Dropped
from tests.proda_core.corpus.reading import blank_pdf, one_text, read_bytes, reasons, texts

LEFT = [
    "Demand is what buyers want at a",
    "given price, and it falls as the price",
    "rises. Economists draw it as a line",
    "from the upper left to the lower right",
    "of a diagram and call it the demand",
    "curve of that market for that good,",
    "which every textbook has.",
]
RIGHT = [
    "Supply is what sellers bring, and it",
    "rises with the price. Where the two",
    "lines cross the market is in balance,",
    "since the quantity that is wanted is",
    "the quantity that is offered there,",
    "and nobody has a reason to change",
    "what he pays or what he asks for.",
]


def _text(folder: Path, data: bytes) -> str:
    return repair_text(one_text(read_bytes(folder, "a.pdf", data)).text)


@pytest.mark.parametrize("across", [False, True], ids=["column after column", "line by line across"])
def test_columns_are_read_one_after_the_other_however_they_were_drawn(tmp_path: Path, across: bool) -> None:
    pdf = blank_pdf()
    pdf.add_page()
    pdf.text(60, 60, "A line over both columns, from one margin to the other, as long as the page is wide.")
    rows = [(60, 100 + 12 * n, line) for n, line in enumerate(LEFT)]
    rows += [(320, 100 + 12 * n, line) for n, line in enumerate(RIGHT)]
    for x, y, line in sorted(rows, key=lambda r: (r[1], r[0])) if across else rows:
        pdf.text(x, y, line)
    text = _text(tmp_path, bytes(pdf.output()))
    assert text.split("\n\n")[0].startswith("A line over both columns")
    assert " ".join([*LEFT, *RIGHT]) == " ".join(text.split("\n\n")[1:])


def test_running_heads_and_page_numbers_are_left_out_and_named_and_the_sentence_goes_on(
    tmp_path: Path,
) -> None:
    pdf = blank_pdf()
    for number, (first, last) in enumerate(zip(LEFT, RIGHT, strict=True)):
        pdf.add_page()
        pdf.text(60, 40, f"{number + 11}   A Textbook of Markets")
        pdf.text(60, 100, first)
        pdf.text(60, 112, last)
        pdf.text(290, 800, f"- {number + 1} -")
    found = read_bytes(tmp_path, "a.pdf", bytes(pdf.output()))
    text = repair_text(one_text(found).text)
    assert "Textbook" not in text and "- 2 -" not in text
    assert [(d.reason, d.detail) for d in found if isinstance(d, Dropped)] == [("running_heads", "14 lines")]
    assert f"{RIGHT[0]} {LEFT[1]} {RIGHT[1]}" in text


def test_a_first_line_that_repeats_nothing_is_no_running_head(tmp_path: Path) -> None:
    pdf = blank_pdf()
    for word in ("Apples", "Pears", "Plums"):
        pdf.add_page()
        pdf.text(60, 60, f"{word} are sold on the market in the morning.")
        pdf.text(60, 72, "And a second line follows.")
    text = _text(tmp_path, bytes(pdf.output()))
    assert [word in text for word in ("Apples", "Pears", "Plums")] == [True] * 3


def test_hyphens_headings_paragraphs_and_tables_come_out_as_a_person_reads_them(tmp_path: Path) -> None:
    pdf = blank_pdf()
    pdf.add_page()
    pdf.set_font(size=18)
    pdf.text(60, 60, "Prices and markets")
    pdf.set_font(size=10)
    for n, line in enumerate(
        [
            "When the price of a good rises, the quan-",
            "tity that buyers want falls, in a well-",
            "known way that all of them under-",
            "stand.",
        ]
    ):
        pdf.text(60, 90 + 12 * n, line)
    pdf.text(75, 138, "A new paragraph begins with an indent and")
    pdf.text(60, 150, "then goes on; a well-known way it is.")
    for n, cells in enumerate([("Good", "Price", "Quantity"), ("Bread", "2", "10"), ("Milk", "1", "12")]):
        for column, cell in enumerate(cells):
            pdf.text(60 + 120 * column, 200 + 12 * n, cell)
    blocks = _text(tmp_path, bytes(pdf.output())).split("\n\n")
    assert blocks == [
        "# Prices and markets",
        "When the price of a good rises, the quantity that buyers want falls, in a well-known way that all of them understand.",
        "A new paragraph begins with an indent and then goes on; a well-known way it is.",
        "| Good | Price | Quantity |\n| Bread | 2 | 10 |\n| Milk | 1 | 12 |",
    ]


def test_raised_numbers_do_not_join_the_number_before_them(tmp_path: Path) -> None:
    pdf = blank_pdf()
    pdf.add_page()
    pdf.text(60, 60, "A mole has 10")
    end = 60 + pdf.get_string_width("A mole has 10")
    pdf.set_font(size=6)
    pdf.text(end, 56, "23")
    pdf.set_font(size=10)
    pdf.text(end + 10, 60, "parts.")
    assert "10²³ parts" in _text(tmp_path, bytes(pdf.output()))


def _scan(pages: int) -> FPDF:
    pdf = blank_pdf()
    for _ in range(pages):
        pdf.add_page()
        pdf.image(Image.new("RGB", (60, 80), "gray"), 0, 0, 595, 842)
    return pdf


def test_a_scanned_file_is_refused_and_scanned_pages_are_named(tmp_path: Path) -> None:
    assert reasons(read_bytes(tmp_path, "scan.pdf", bytes(_scan(2).output()))) == ["scanned"]
    scan = _scan(2)
    scan.add_page()
    scan.text(60, 60, "This page has words of its own, so the file is read for them.")
    found = read_bytes(tmp_path, "mixed.pdf", bytes(scan.output()))
    assert [(d.source, d.reason) for d in found if isinstance(d, Dropped)] == [
        ("mixed.pdf[pages 1-2]", "scanned_pages")
    ]
    assert one_text(found).text.startswith("This page has words")


def test_an_encrypted_file_opens_with_a_password_of_the_list_or_is_refused(tmp_path: Path) -> None:
    pdf = blank_pdf()
    pdf.set_encryption(owner_password="owner", user_password="sesame")
    pdf.add_page()
    pdf.text(60, 60, "Behind the door.")
    data = bytes(pdf.output())
    assert reasons(read_bytes(tmp_path, "a.pdf", data)) == ["encrypted"]
    assert reasons(read_bytes(tmp_path, "a.pdf", data, ReadingOptions(("wrong",)))) == ["encrypted"]
    opened = read_bytes(tmp_path, "a.pdf", data, ReadingOptions(("wrong", "sesame")))
    assert one_text(opened).text == "Behind the door."


def test_a_page_on_its_side_and_text_beyond_the_edge(tmp_path: Path) -> None:
    pdf = blank_pdf()
    pdf.add_page()
    with pdf.rotation(90, 200, 400):
        pdf.text(100, 400, "These words run up the page from below.")
        pdf.text(100, 412, "And these words follow them, line by line.")
    pdf.text(2000, 100, "Nobody sees this.")
    assert _text(tmp_path, bytes(pdf.output())) == (
        "These words run up the page from below. And these words follow them, line by line."
    )


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer<<>>", bytes(range(256)) * 8]
)
def test_what_is_no_pdf_is_refused_as_corrupt(tmp_path: Path, data: bytes) -> None:
    assert reasons(read_bytes(tmp_path, "a.pdf", data)) == ["corrupt"]


def test_the_same_bytes_give_the_same_text_under_any_name(tmp_path: Path) -> None:
    pdf = blank_pdf()
    pdf.add_page()
    pdf.text(60, 60, "A file with a wrong name, or none, is known by its first bytes.")
    data = bytes(pdf.output())
    found = {name: one_text(read_bytes(tmp_path, name, data)).text for name in ("a.pdf", "b.txt", "noname")}
    assert set(found.values()) == {"A file with a wrong name, or none, is known by its first bytes."}


def test_pages_are_named_in_ranges() -> None:
    assert page_ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"


def test_a_page_without_anything_on_it_is_no_text(tmp_path: Path) -> None:
    pdf = blank_pdf()
    pdf.add_page()
    found = read_bytes(tmp_path, "a.pdf", bytes(pdf.output()))
    assert (texts(found), reasons(found)) == ([], ["no_text"])


def _set(text: str, left: float, *, width: float = 5.0, y: float = 100.0) -> list[Glyph]:
    """Characters beside each other from the left, as they are seen."""
    style = Style(10.0, 0, "Any")
    return [Glyph(c, left + width * n, left + width * (n + 1), y, style, False) for n, c in enumerate(text)]


def _said(glyphs: list[Glyph]) -> str:
    return "".join((" " if g.spaced else "") + g.text for g in in_logical_order(glyphs))


def test_right_to_left_lines_are_read_from_the_right_whatever_order_they_were_drawn_in() -> None:
    # Seen from the left: ". 1915 ... (Relativity)" then two Hebrew words.
    seen = [
        *_set(".", 0),
        *_set("1915", 5),
        *_set("דגא", 40),
        *_set("(", 70),
        *_set("two ones", 75),
        *_set(")", 115),
        *_set("םולש", 130),
    ]
    glyphs = [g for g in seen if g.text != " "]
    expected = "שלום (two ones) אגד 1915."
    assert _said(glyphs) == expected
    assert _said(glyphs[::-1]) == expected
    assert _said([*glyphs[20:], *glyphs[:20]]) == expected


def test_a_foreign_word_in_a_latin_line_and_vowel_signs_keep_their_places() -> None:
    word = _set("יחא", 60)
    sign = Glyph("\u05b8", 67, 68, 100.0, word[0].style, False)  # over the middle letter, drawn first
    assert _said([sign, *_set("see", 0), *word, *_set("now", 90)]) == "see אח\u05b8י now"
    lam_alef = [Glyph(c, 10, 18, 100.0, word[0].style, False) for c in "\u0644\u0627"]
    assert _said(lam_alef) == "\u0644\u0627"
