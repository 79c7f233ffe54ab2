"""Files to text: encodings, repair, loaders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proda_core.corpus import corpus_digest, decode_bytes, find_sources, repair_text
from proda_core.corpus.sources import RawText, load_source
from proda_core.errors import CorpusError, UnreadableFile
from proda_core.types import Dropped

TEXT = "The caf\u00e9\u2019s price \u2014 a na\u00efve one \u2014 rises."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_survives_its_encoding(encoding: str) -> None:
    assert decode_bytes(TEXT.encode(encoding), "x") == TEXT


def test_utf16_without_a_mark_is_recognised() -> None:
    assert (
        decode_bytes("plain words in two bytes each".encode("utf-16-le"), "x")
        == "plain words in two bytes each"
    )


def test_a_character_cut_at_the_end_is_left_out() -> None:
    assert decode_bytes("abc \u2019".encode()[:-1], "x") == "abc "


@pytest.mark.parametrize("data", [b"%PDF-1.7 ...", b"PK\x03\x04rest", bytes(range(32)) * 40])
def test_binary_data_is_refused_with_its_reason(data: bytes) -> None:
    with pytest.raises(UnreadableFile) as caught:
        decode_bytes(data, "x")
    assert caught.value.reason == "binary"


def test_mojibake_is_repaired_also_when_double() -> None:
    once = "It\u2019s a caf\u00e9.".encode().decode("cp1252")
    twice = once.encode().decode("cp1252")
    assert repair_text(once) == repair_text(twice) == "It\u2019s a caf\u00e9."


def test_invisible_characters_and_ligatures_are_gone() -> None:
    damaged = "Sta\u00adges\u00a0of\u200b e\ufb03cient cafe\u0301\x00."
    assert repair_text(damaged) == "Stages of efficient caf\u00e9."


def test_a_word_cut_at_a_line_end_is_joined_unless_the_text_hyphenates_it() -> None:
    text = "brain acti-\nvity and a well-known thing, a well-\nknown fact"
    assert repair_text(text) == "brain activity and a well-known thing, a well-known fact"


def test_running_heads_and_page_numbers_go_and_the_cut_paragraph_closes() -> None:
    pages = [f"sentence {n} goes on\n\n{n}\n\nMY BOOK\n\n\nover page {n} and" for n in range(1, 5)]
    repaired = repair_text("\n\n".join(pages))
    assert "MY BOOK" not in repaired
    assert "sentence 2 goes on over page 2" in repaired


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
@settings(deadline=None)
def test_repair_never_leaves_control_characters(text: str) -> None:
    assert not any(ord(c) < 32 and c != "\n" for c in repair_text(text))


def _loaded(path: Path) -> list[RawText | Dropped]:
    return list(load_source(path, path.parent))


def test_front_matter_is_metadata_and_not_text(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text('---\ntitle: Tides\ndiscipline: "008"\n---\n\nThe moon pulls.')
    (raw,) = _loaded(path)
    assert isinstance(raw, RawText)
    assert raw.text == "The moon pulls."
    assert raw.metadata.pop("reader").startswith("markdown (python-frontmatter ")
    assert raw.metadata == {"title": "Tides", "discipline": "008"}


def test_each_bad_line_of_jsonl_is_dropped_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "Good."}) + "\n{bad\n" + json.dumps({"other": 1}) + "\n")
    rows = _loaded(path)
    assert isinstance(rows[0], RawText)
    assert [r.reason for r in rows[1:] if isinstance(r, Dropped)] == ["bad_json", "no_text"]


def test_an_unknown_suffix_is_dropped_with_the_known_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(b"x")
    (row,) = _loaded(path)
    assert isinstance(row, Dropped)
    assert row.reason == "unsupported"
    assert ".md" in row.detail


def test_sources_are_found_in_nested_folders_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b/x.txt", "a.txt", ".git/config", "b/.hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [p.relative_to(tmp_path).as_posix() for p in find_sources(tmp_path)] == ["a.txt", "b/x.txt"]
    assert find_sources(tmp_path / "a.txt") == [tmp_path / "a.txt"]


def test_the_digest_follows_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    before = corpus_digest(tmp_path)
    assert before == corpus_digest(tmp_path)
    (tmp_path / "a.txt").write_text("two")
    assert corpus_digest(tmp_path) != before


def test_a_missing_corpus_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no corpus at"):
        find_sources(tmp_path / "nowhere")
