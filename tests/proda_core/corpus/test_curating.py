"""Text to chunks: splitting, duplicates, filters, disciplines, the job."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proda_core.artifacts import ArtifactStore
from proda_core.config import CorpusConfig
from proda_core.corpus import classify, corpus_digest, curate
from proda_core.corpus.chunks import blocks_of, split_document
from proda_core.corpus.disciplines import discipline_code, from_path
from proda_core.corpus.duplicates import find_duplicates, jaccard, shingles_of, words_of
from proda_core.corpus.filters import reason_to_drop
from proda_core.corpus.job import run
from proda_core.errors import CorpusError, JobError
from proda_core.jobs.contract import JobContext, JobRequest, Progress
from proda_core.serialize import read_lines
from proda_core.types import Chunk, Document

PROSE = (
    "The price of a good depends on the demand for it and on the supply that firms bring to the market. When demand rises and "
    "supply stays as it was, the price rises until the quantity that buyers want is the quantity that sellers offer again."
)
PIECES = st.lists(
    st.sampled_from(
        ["Word and more. ", "# Head\n\n", "\n\n", "\n", "A longer sentence, with commas! ", "x" * 60]
    )
)


def _document(text: str) -> Document:
    return Document("d_0", "a.md", "A", text, "000")


@given(PIECES, st.integers(20, 200))
@settings(max_examples=100, deadline=None)
def test_chunks_reassemble_the_document(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    chunks = split_document(_document(text), max_chars=size)
    assert "".join(c.text for c in chunks) == text
    assert all(c.text == text[c.start : c.end] and len(c.text) <= size for c in chunks)


@given(PIECES, st.integers(20, 200), st.data())
@settings(deadline=None, max_examples=60)
def test_chunks_and_blocks_left_out_reassemble_the_document(
    pieces: list[str], size: int, data: st.DataObject
) -> None:
    text = "".join(pieces)
    blocks = blocks_of(text)
    omitted = [b for b in blocks if data.draw(st.booleans())]
    chunks = split_document(_document(text), max_chars=size, left_out=omitted)
    spans = sorted([(c.start, c.end) for c in chunks] + [(b.start, b.end) for b in omitted])
    assert "".join(text[start:end] for start, end in spans) == text


@given(st.lists(st.text(alphabet="ab c", min_size=0, max_size=60), max_size=8), st.floats(0.3, 1.0))
@settings(deadline=None, max_examples=30)
def test_only_pairs_at_the_threshold_are_called_duplicates(texts: list[str], threshold: float) -> None:
    for found in find_duplicates(texts, threshold, min_words=1):
        left, right = (shingles_of(words_of(texts[i])) for i in (found.index, found.original))
        assert found.original < found.index
        assert jaccard(left, right) >= threshold or words_of(texts[found.index]) == words_of(
            texts[found.original]
        )


def _corpus(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def test_a_paragraph_repeated_in_one_file_is_kept_once_and_the_other_named(tmp_path: Path) -> None:
    middle = "Another paragraph of the text that stands between the two and says what it is that a reader would want to know."
    curated = curate(_corpus(tmp_path, a=f"{PROSE}\n\n{middle}\n\n{PROSE}"), CorpusConfig())
    assert sum(c.text.count("The price of a good") for c in curated.chunks) == 1
    assert [(d.stage, d.reason) for d in curated.dropped] == [("dedup", "exact_duplicate")]


def test_a_nearly_equal_document_is_dropped_with_its_similarity(tmp_path: Path) -> None:
    names = [chr(97 + n % 26) + chr(97 + n // 26) for n in range(60)]
    long = " ".join(f"Sentence {n} tells of the thing{n} and that it is near place{n}." for n in names)
    curated = curate(_corpus(tmp_path, a=long, b=long.replace("Sentence ca ", "Phrase ca ")), CorpusConfig())
    assert [d.path for d in curated.documents] == ["a.txt"]
    assert curated.dropped[0].reason == "near_duplicate"
    assert "similarity 0.9" in curated.dropped[0].detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too few words.", "too_short"),
        ("x = 1; y = 2; " * 20 + "a b c d e f g h i j k l m n o p q r s t u", "not_prose"),
        ("lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod " * 3, "not_english"),
        ("the end of the line is the end of the line " * 12, "repetitive"),
        (PROSE, ""),
    ],
)
def test_the_filter_says_why(text: str, reason: str) -> None:
    assert reason_to_drop(text, min_words=20) == reason


def test_disciplines_come_from_names_folders_and_votes() -> None:
    assert discipline_code("11") == discipline_code("Economics") == "011"
    assert from_path("physics/deep/a.md") == "001"
    assert from_path("a.md") == ""
    assert classify(PROSE * 3) == "011"
    assert classify("Nothing that any vote could place.") == "000"


def test_front_matter_outranks_the_folder(tmp_path: Path) -> None:
    (tmp_path / "physics").mkdir()
    (tmp_path / "physics" / "a.md").write_text(f'---\ndiscipline: "011"\n---\n{PROSE}')
    (document,) = curate(tmp_path, CorpusConfig()).documents
    assert document.discipline == "011"


def test_a_folder_with_nothing_usable_ends_with_exit_code_3_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(CorpusError, match="empty 1, unsupported 1") as caught:
        curate(tmp_path, CorpusConfig())
    assert caught.value.exit_code == 3


def _context(folder: Path, *, stop: bool = False) -> tuple[JobContext, list[Progress]]:
    seen: list[Progress] = []
    store = ArtifactStore(folder / "artifacts")
    return JobContext(folder, folder / "scratch", store, seen.append, lambda: stop), seen


def _request(path: Path, digest: str = "") -> JobRequest:
    params = {"path": str(path), "corpus_digest": digest or corpus_digest(path), "config": {}}
    return JobRequest("curate", "proda_core.corpus.job:run", params)


def test_the_job_writes_what_it_kept_and_what_it_dropped(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    corpus = _corpus(tmp_path / "in", a=PROSE, b="")
    context, seen = _context(tmp_path)
    result = run(context, _request(corpus))
    chunks = list(read_lines(context.store.file("corpus", result.artifacts["corpus"], "chunks.jsonl"), Chunk))
    assert [c.text for c in chunks] == [PROSE]
    assert result.meta["dropped"] == {"load:empty": 1}
    assert seen[-1].done == seen[-1].total == 100
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert result.meta["readers"].keys() == {f"text (charset-normalizer {version('charset-normalizer')})"}
    assert result.meta["languages"] == {"en": 1}
    assert result.meta["refused"] == [{"source": "b.txt", "reason": "empty", "detail": "nothing but space"}]
    assert run(context, _request(corpus)) == result


def test_the_job_refuses_texts_that_changed_and_stops_when_asked(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    corpus = _corpus(tmp_path / "in", a=PROSE)
    with pytest.raises(CorpusError, match="changed"):
        run(_context(tmp_path)[0], _request(corpus, "0" * 64))
    with pytest.raises(JobError, match="cancelled"):
        run(_context(tmp_path, stop=True)[0], _request(corpus))
