"""Web pages, Word files, e-books, LaTeX, Markdown, datasets: what is text comes through, what is not is left out and named."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import docx
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proda_core.corpus import repair_text
from proda_core.corpus.raw import RawText, ReadingOptions
from proda_core.corpus.readers.markdown import without_marks
from proda_core.types import Dropped
from tests.proda_core.corpus.reading import blank_pdf, epub, one_text, read_bytes, reasons, texts, zipped

ARTICLE = (
    "The moon pulls the oceans and makes the tides. They come twice a day in most places, since the earth turns under two "
    "bulges of water, and a coast passes both of them between one noon and the next."
)
PAGE = f"""<!doctype html><html lang="en"><head><title>Tides - Example Site</title>{{head}}</head><body>
<header><nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Our shop</a></li></ul></nav></header>
<div class="sidebar"><h3>Popular</h3><ul><li><a href="x">Ten best beaches</a></li></ul></div>
<main><article><h1>Tides</h1><p>{ARTICLE} <b>Café</b> and <a href="q">links</a> stay words.</p><h2>Spring tides</h2>
<p>When sun and moon stand in one line their pulls add up, and a spring tide follows on the coast.</p>
<table><tr><th>Place</th><th>Range</th></tr><tr><td>Bay of Fundy</td><td>16 m</td></tr></table></article></main>
<footer>Copyright 2026 Example. <a href="p">Privacy</a></footer><script>var tides = 1</script></body></html>"""


def _page(head: str = "") -> str:
    return PAGE.replace("{head}", head)


def test_a_web_page_gives_its_main_text_and_nothing_around_it(tmp_path: Path) -> None:
    raw = one_text(read_bytes(tmp_path, "a.html", _page('<meta charset="utf-8">').encode()))
    assert raw.metadata["title"] == "Tides"
    assert raw.text.startswith("# Tides")
    assert "## Spring tides" in raw.text and ARTICLE + " Café and links stay words." in raw.text
    assert "| Bay of Fundy | 16 m |" in raw.text
    assert [
        word for word in ("Home", "shop", "beaches", "Copyright", "Privacy", "var") if word in raw.text
    ] == []


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="iso-8859-1">', "cp1252"),
        ('<meta charset="utf-8">', "cp1252"),  # a declaration that the bytes refute
        ("", "utf-8"),
        ("", "utf-16"),
    ],
)
def test_a_page_is_decoded_by_its_declaration_where_the_bytes_bear_it_out(
    tmp_path: Path, head: str, encoding: str
) -> None:
    assert "Café" in one_text(read_bytes(tmp_path, "a.html", _page(head).encode(encoding))).text


def test_a_page_of_one_sentence_is_read_and_one_without_text_is_refused(tmp_path: Path) -> None:
    for page in (
        b"<p>One sentence about the tide.</p>",
        b"<nav>Home</nav><p>One sentence about the tide.</p>",
    ):
        assert one_text(read_bytes(tmp_path, "a.html", page)).text == "One sentence about the tide."
    assert reasons(
        read_bytes(tmp_path, "b.html", b"<html><body><div id='app'></div><script>x()</script></body></html>")
    ) == ["no_text"]


def _word(folder: Path) -> bytes:
    document = docx.Document()
    document.core_properties.title = "On Markets"
    document.add_heading("Prices", 1)
    first = document.add_paragraph("A price is ")
    first.add_run("what a buyer pays").bold = True
    first.add_run(" for a good.")
    document.add_heading("Demand", 2)
    document.add_paragraph("Bread", style="List Bullet")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Good", "Price"
    made = BytesIO()
    document.save(made)
    return made.getvalue()


def test_a_word_file_keeps_headings_lists_and_tables_in_order(tmp_path: Path) -> None:
    raw = one_text(read_bytes(tmp_path, "a.docx", _word(tmp_path)))
    assert raw.metadata["title"] == "On Markets"
    places = [
        raw.text.index(part)
        for part in (
            "# Prices",
            "A price is what a buyer pays for a good.",
            "## Demand",
            "- Bread",
            "| Good | Price |",
        )
    ]
    assert places == sorted(places)


def test_a_word_file_with_a_password_is_refused(tmp_path: Path) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    assert reasons(read_bytes(tmp_path, "a.docx", data)) == ["encrypted"]


CHAPTERS = {
    "cover.xhtml": "<html><body><p>A Book</p></body></html>",
    "nav.xhtml": "<html><body><nav><ol><li>Second first</li></ol></nav></body></html>",
    "b.xhtml": f"<html><body><h1>The second file</h1><p>{ARTICLE}</p></body></html>",
    "a.xhtml": "<html><head><title>x</title></head><body><section><h2>The first file</h2>"
    f"<p>{ARTICLE} So it is<sup>1</sup>.</p></section></body></html>",
    "imprint.xhtml": '<html><body xmlns:epub="http://www.idpf.org/2007/ops" epub:type="copyright-page">'
    "<p>All rights.</p></body></html>",
}


def test_a_book_gives_its_chapters_in_reading_order_without_cover_contents_and_imprint(
    tmp_path: Path,
) -> None:
    found = read_bytes(tmp_path, "a.epub", epub(CHAPTERS))
    assert [row.name for row in texts(found)] == ["a.epub#b.xhtml", "a.epub#a.xhtml"]
    assert texts(found)[1].text == f"## The first file\n\n{ARTICLE} So it is1."
    assert texts(found)[0].metadata["book"] == "A Book"
    assert reasons(found) == ["front_matter"] * 3


def test_a_book_under_a_publishers_lock_is_refused_and_one_with_locked_fonts_is_not(tmp_path: Path) -> None:
    lock = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:e="http://www.w3.org/2001/04/xmlenc#">'
        '<e:EncryptedData><e:CipherData><e:CipherReference URI="{}"/></e:CipherData></e:EncryptedData></encryption>'
    )
    for locked, expected in (("OPS/b.xhtml", ["encrypted"]), ("OPS/font.otf", ["front_matter"] * 3)):
        data = epub(CHAPTERS, more={"META-INF/encryption.xml": lock.format(locked)})
        assert reasons(read_bytes(tmp_path, "a.epub", data)) == expected


TEX = r"""\documentclass{article}
\title{On \emph{Tides}}
\newcommand{\moon}{M}
\begin{document}
\maketitle
\section{Introduction}\label{sec:i}
The \emph{moon} pulls the \textbf{oceans}~\cite[p.~3]{newton}, as Fig.~\ref{fig:a} shows. % a comment
Na\"ive caf\'e and 50\,\% of $\alpha^2$ -- so ``quoted''.

See \href{http://example.org}{the tables} for it\footnote{Of 1901.}.
\begin{itemize}\item High water \item Low water\end{itemize}
\begin{figure}\includegraphics[width=3cm]{a.png}\caption{The bulges.}\end{figure}
\begin{verbatim}
x = 1
\end{verbatim}
\begin{thebibliography}{9}\bibitem{newton} Newton, 1687.\end{thebibliography}
\end{document}
"""


def test_latex_gives_prose_with_headings_and_leaves_commands_out(tmp_path: Path) -> None:
    raw = one_text(read_bytes(tmp_path, "a.tex", TEX.encode()))
    text = repair_text(raw.text)
    assert raw.metadata["title"] == "On Tides"
    assert text.startswith(
        "## Introduction\n\nThe moon pulls the oceans, as Fig. shows. Naïve café and 50 % of α^2 – so “quoted”."
    )
    assert "See the tables for it [Of 1901.]." in text
    assert "- High water" in text and "The bulges." in text
    assert [w for w in ("newton", "1687", "x = 1", "a.png", "\\", "{", "comment", "2026") if w in text] == []


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("See the **docs** at [the *site*](http://x.y).", "See the docs at the site."),
        ("- item `code_x` ![picture](a.png)end", "- item code_x end"),
        (
            "> two __strong words__, not __init__ and snake_case_word",
            "> two strong words, not __init__ and snake_case_word",
        ),
        ("Title\n=====\n\ntext", "# Title\n\n\ntext"),
        ("| a | **b** |\n|---|---|\n| [x](y) | z |", "| a | b |\n|---|---|\n| x | z |"),
        ("one<!-- hidden --> <b>two</b> and <T> three", "one two and <T> three"),
        ("AT&amp;T costs 3 \\* 4 \\(x\\)", "AT&T costs 3 * 4 \\(x\\)"),
        ("```\na[b](c)\n```", "```\na[b](c)\n```"),
        ("a * b and 2 < 3", "a * b and 2 < 3"),
        ("[two\nlines](x) here", "two\nlines here"),
        ("one\rtwo\r\n*three*", "one\ntwo\nthree"),
    ],
)
def test_marks_in_markdown_give_way_to_the_words_they_mark(marked: str, plain: str) -> None:
    assert without_marks(marked) == plain


@given(st.text(alphabet="ab .,\n#-|>1", max_size=80))
@settings(deadline=None, max_examples=60)
def test_markdown_without_inline_marks_stays_as_it_is_but_for_underlined_headings(text: str) -> None:
    lines = without_marks(text).split("\n")
    kept = [(a, b) for a, b in zip(lines, text.split("\n"), strict=True) if a != b]
    assert all(a == "" or a.lstrip().startswith("#") for a, _ in kept)


ROWS = [{"text": "One.", "title": "A"}, {"text": None, "title": "B"}, {"text": "Three.", "title": None}]


def _parquet() -> bytes:
    made = BytesIO()
    parquet.write_table(arrow.Table.from_pylist(ROWS), made)
    return made.getvalue()


def _arrow(*, stream: bool) -> bytes:
    table, made = arrow.Table.from_pylist(ROWS), BytesIO()
    with (arrow.ipc.new_stream if stream else arrow.ipc.new_file)(made, table.schema) as writer:
        writer.write_table(table)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.parquet", _parquet()),
        ("data-00000-of-00001.arrow", _arrow(stream=True)),
        ("a.arrow", _arrow(stream=False)),
        ("a.json", json.dumps(ROWS).encode()),
        ("lines.json", "\n".join(json.dumps(row) for row in ROWS).encode()),
        ("a.jsonl", "\n".join(json.dumps(row) for row in ROWS).encode()),
    ],
)
def test_a_dataset_gives_a_text_a_row_and_names_the_rows_without_one(
    tmp_path: Path, name: str, data: bytes
) -> None:
    found = read_bytes(tmp_path, name, data)
    assert [(row.name, row.text, row.metadata.get("title")) for row in texts(found)] == [
        (f"{name}#1", "One.", "A"),
        (f"{name}#3", "Three.", None),
    ]
    assert [(row.source, row.reason) for row in found if isinstance(row, Dropped)] == [
        (f"{name}#2", "no_text")
    ]


def test_the_field_of_a_dataset_can_be_named_and_a_missing_one_is_said_with_those_there_are(
    tmp_path: Path,
) -> None:
    made = BytesIO()
    parquet.write_table(arrow.Table.from_pylist([{"article": "One.", "id": 1}]), made)
    (refused,) = read_bytes(tmp_path, "a.parquet", made.getvalue())
    assert isinstance(refused, Dropped)
    assert (refused.reason, "article, id" in refused.detail, "corpus.text_field" in refused.detail) == (
        "no_text",
        True,
        True,
    )
    assert (
        one_text(
            read_bytes(tmp_path, "a.parquet", made.getvalue(), ReadingOptions(text_field="article"))
        ).text
        == "One."
    )
    assert reasons(read_bytes(tmp_path, "dataset_info.json", b'{"features": {}}')) == ["about_dataset"]


GOOD = {
    "a.html": _page().encode(),
    "a.docx": _word(Path()),
    "a.epub": epub(CHAPTERS),
    "a.tex": TEX.encode(),
    "a.md": b"# A\n\nSome *words* [here](x).",
    "a.parquet": _parquet(),
    "a.arrow": _arrow(stream=True),
    "a.json": json.dumps(ROWS).encode(),
    "a.zip": zipped({"a.txt": ARTICLE.encode(), "b.docx": _word(Path())}),
}


def _pdf() -> bytes:
    pdf = blank_pdf()
    pdf.add_page()
    pdf.text(60, 60, "Some words on a page.")
    return bytes(pdf.output())


GOOD["a.pdf"] = _pdf()


@pytest.mark.parametrize("name", GOOD)
@given(data=st.data())
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_of_any_format_is_data_and_never_an_exception(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    whole = GOOD[name]
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)
    for place in data.draw(st.lists(st.integers(0, max(0, len(damaged) - 1)), max_size=8)):
        if damaged:
            damaged[place] = data.draw(st.integers(0, 255))
    found = read_bytes(tmp_path, name, bytes(damaged))
    assert found and all(isinstance(row, RawText) or row.reason for row in found)


def test_each_whole_file_of_those_is_read(tmp_path: Path) -> None:
    assert [name for name, data in GOOD.items() if not texts(read_bytes(tmp_path, name, data))] == []


def test_what_reads_a_text_and_in_which_version_stands_with_it(tmp_path: Path) -> None:
    by = {name: texts(read_bytes(tmp_path, name, data))[0].metadata["reader"] for name, data in GOOD.items()}
    assert by["a.pdf"].startswith("pdf (pypdfium2 5.")
    assert by["a.html"].startswith("html (trafilatura 2.")


def test_files_are_taken_by_their_content_where_the_name_says_nothing(tmp_path: Path) -> None:
    assert one_text(read_bytes(tmp_path, "LICENSE", ARTICLE.encode())).text == ARTICLE
    assert one_text(read_bytes(tmp_path, "index", _page().encode())).metadata["reader"].startswith("html")
    assert one_text(read_bytes(tmp_path, "paper.txt", GOOD["a.docx"])).metadata["reader"].startswith("docx")
    assert reasons(read_bytes(tmp_path, "program", b"\x7fELF" + bytes(100))) == ["unsupported"]


def test_deeply_nested_input_is_refused_and_does_not_end_the_process(tmp_path: Path) -> None:
    deep = 20_000
    assert reasons(read_bytes(tmp_path, "a.tex", b"\\emph{" * deep + b"x" + b"}" * deep)) == ["corrupt"]
    assert reasons(read_bytes(tmp_path, "a.json", b"[" * deep * 10)) == ["bad_json"]
    assert read_bytes(tmp_path, "a.html", b"<div>" * deep + b"<p>Some words.</p>")


def test_no_library_of_a_format_is_loaded_before_a_file_of_it_is_read() -> None:
    heavy = (
        "pypdfium2",
        "trafilatura",
        "bs4",
        "lxml",
        "mammoth",
        "markdownify",
        "pylatexenc",
        "py3langid",
        "pyarrow",
        "aiohttp",
        "fsspec",
    )
    code = f"import sys, proda_core.corpus; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
