"""Folders, globs, archives, remote places: everything in them is found, nothing reaches out, nothing is lost unsaid."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from proda_core.config import Config, CorpusConfig
from proda_core.corpus import corpus_digest, corpus_root, curate, fetch, find_sources, is_remote, place_name
from proda_core.corpus.fetch import without_secrets
from proda_core.corpus.raw import ReadingOptions
from proda_core.corpus.sources import reading_options, source_name
from proda_core.errors import CorpusError
from proda_core.types import Dropped
from tests.proda_core.corpus.reading import one_text, read_bytes, reasons, texts, zipped
from tools.create_session import create_session, session_name

PROSE = (
    "The price of a good depends on the demand for it and on the supply that firms bring to the market. When demand rises "
    "and supply stays as it was, the price rises until the quantity that buyers want is the quantity that sellers offer."
)
# "The key opens the box of letters." in secret.txt, by Info-ZIP's zip -P sesame.
LOCKED = base64.b64decode(
    "UEsDBAoACQAAAI8Zd125OGWwLgAAACIAAAAKABwAc2VjcmV0LnR4dFVUCQADHq8Dax6vA2t1eAsAAQQAAAAABAAAAAAeiYCeD6q0nWocVByveM"
    "krxrnJ360Dq/ggVXbMtSLuuJUrB3iYaRcYPIeOcuwvUEsHCLk4ZbAuAAAAIgAAAFBLAQIeAwoACQAAAI8Zd125OGWwLgAAACIAAAAKABgAAAAA"
    "AAEAAACkgQAAAABzZWNyZXQudHh0VVQFAAMerwNrdXgLAAEEAAAAAAQAAAAAUEsFBgAAAAABAAEAUAAAAIIAAAAAAA=="
)


def _tar(files: dict[str, bytes], mode: str = "w:gz", *, link: str = "") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]  # the mode is a parameter here
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        if link:
            entry = tarfile.TarInfo("link.txt")
            entry.type, entry.linkname = tarfile.SYMTYPE, link
            archive.addfile(entry)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (
            "a.zip",
            zipped({"physics/b.txt": b"Two.", "a.md": b"One.", ".hidden.txt": b"x", "__MACOSX/a.md": b"x"}),
        ),
        ("a.tar.gz", _tar({"a.md": b"One.", "physics/b.txt": b"Two."})),
        ("a.tar", _tar({"a.md": b"One.", "physics/b.txt": b"Two."}, "w")),
        ("a.tar.xz", _tar({"a.md": b"One.", "physics/b.txt": b"Two."}, "w:xz")),
    ],
)
def test_an_archive_is_read_like_a_folder(tmp_path: Path, name: str, data: bytes) -> None:
    found = read_bytes(tmp_path, name, data)
    assert [(row.name, row.text) for row in texts(found)] == [
        (f"{name}/a.md", "One."),
        (f"{name}/physics/b.txt", "Two."),
    ]
    assert reasons(found) == []


def test_archives_in_archives_are_read_and_single_compressed_files_too(tmp_path: Path) -> None:
    inner = zipped({"notes.txt": b"Deep."})
    found = read_bytes(tmp_path, "a.tgz", _tar({"b.zip": inner, "c.txt.gz": gzip.compress(b"Single.")}))
    assert [(row.name, row.text) for row in texts(found)] == [
        ("a.tgz/b.zip/notes.txt", "Deep."),
        ("a.tgz/c.txt", "Single."),
    ]
    for _ in range(5):
        inner = zipped({"b.zip": inner})
    assert reasons(read_bytes(tmp_path, "deep.zip", inner)) == ["archive_too_deep"]


def test_names_that_point_out_of_an_archive_links_and_devices_are_refused_by_name(tmp_path: Path) -> None:
    names = {"../up.txt": b"x", "/etc/passwd.txt": b"x", "ok.txt": b"Fine.", "a/../../b.txt": b"x"}
    for name, data, more in (
        ("a.zip", zipped(names), []),
        ("a.tar.gz", _tar(names, link="/etc/passwd"), ["not_a_file"]),
    ):
        found = read_bytes(tmp_path, name, data)
        assert one_text(found).text == "Fine."
        assert sorted(reasons(found)) == sorted(["unsafe_name"] * 3 + more)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar.gz", "a.zip"]  # nothing was unpacked


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.txt.gz", "nested.zip"])
def test_a_bomb_is_stopped_at_the_bound_and_what_came_before_it_is_kept(tmp_path: Path, name: str) -> None:
    zeros = b"0 " * 2_000_000
    bombs = {
        "a.zip": zipped({"a.txt": b"Fine.", "b.txt": zeros}),
        "a.tar.gz": _tar({"a.txt": b"Fine.", "b.txt": zeros}),
        "a.txt.gz": gzip.compress(zeros),
        "nested.zip": zipped(
            {"a.txt": b"Fine.", "b.zip": zipped({str(n): b"0" * 400_000 for n in range(10)})}
        ),
    }
    found = read_bytes(tmp_path, name, bombs[name], ReadingOptions(archive_bytes=1_000_000))
    assert "archive_too_large" in reasons(found)
    assert sum(len(row.text) for row in texts(found)) <= 1_000_000
    assert [row.text for row in texts(found)[:1]] == ([] if name == "a.txt.gz" else ["Fine."])


def test_a_word_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    data = zipped({"word/document.xml": b"<a/>" * 1_000_000})
    assert reasons(read_bytes(tmp_path, "a.docx", data, ReadingOptions(archive_bytes=100_000))) == [
        "archive_too_large"
    ]


def test_an_encrypted_zip_opens_with_a_password_of_the_list_or_its_files_are_refused(tmp_path: Path) -> None:
    assert reasons(read_bytes(tmp_path, "a.zip", LOCKED)) == ["encrypted"]
    assert reasons(read_bytes(tmp_path, "a.zip", LOCKED, ReadingOptions(("wrong",)))) == ["encrypted"]
    opened = read_bytes(tmp_path, "a.zip", LOCKED, ReadingOptions(("wrong", "sesame")))
    assert one_text(opened).text.strip() == "The key opens the box of letters."


def test_one_bad_member_costs_no_other(tmp_path: Path) -> None:
    data = zipped(
        {"a.pdf": b"%PDF-1.4 broken", "b.txt": b"Fine.", "c.exe": b"MZ", "d.zip": b"PK\x03\x04 broken"}
    )
    found = read_bytes(tmp_path, "a.zip", data)
    assert one_text(found).text == "Fine."
    assert {row.source: row.reason for row in found if isinstance(row, Dropped)} == {
        "a.zip/a.pdf": "corrupt",
        "a.zip/c.exe": "unsupported",
        "a.zip/d.zip": "corrupt",
    }


def test_passwords_come_from_a_file_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("one\n\ntwo words\n")
    config = CorpusConfig(password_file=str(tmp_path / "words"))
    assert reading_options(config).passwords == ("one", "two words")
    with pytest.raises(CorpusError, match=r"corpus\.password_file"):
        reading_options(CorpusConfig(password_file=str(tmp_path / "none")))


def test_a_glob_finds_what_a_folder_would_under_the_same_names(tmp_path: Path) -> None:
    for name in ("books/physics/a.md", "books/b.txt", "books/c.pdf", "books/.d.txt", "other.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    pattern = tmp_path / "books" / "**" / "*.[tm][xd]*"
    assert [source_name(p, pattern) for p in find_sources(pattern)] == ["b.txt", "physics/a.md"]
    assert corpus_root(pattern) == tmp_path / "books"
    (tmp_path / "books" / "c.pdf").unlink()
    assert corpus_digest(pattern) == corpus_digest(tmp_path / "books")
    with pytest.raises(CorpusError, match="matches no file"):
        find_sources(tmp_path / "*.epub")
    (tmp_path / "[1].txt").write_text("A name with brackets is a name first.")
    assert find_sources(tmp_path / "[1].txt") == [tmp_path / "[1].txt"]


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_page_is_fetched_over_http_once_and_read_without_the_server_from_then_on(tmp_path: Path) -> None:
    site, sessions = tmp_path / "site", tmp_path / "sessions"
    site.mkdir()
    (site / "market prices.html").write_text(f"<html><body><p>{PROSE}</p></body></html>")
    with _served(site) as address:
        url = f"{address}/market%20prices.html?token=x"
        folder = create_session(sessions, Config(name=session_name(url)), url)
        assert folder.name.startswith("market-prices-")
    again = create_session(sessions, Config(name=session_name(url)), url)
    assert again.root == folder.root
    curated = curate(again.corpus_path, CorpusConfig())
    assert [d.path for d in curated.documents] == ["market prices.html"]
    assert "token" not in (again.corpus_path / ".fetched.json").read_text()


def test_folders_and_globs_of_any_file_system_are_fetched_with_their_names(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    for name in ("/shelf/physics/a.txt", "/shelf/b.md", "/shelf/c.bin"):
        memory.pipe(name, name.encode())
    try:
        for place, names in (
            ("memory://shelf", ["b.md", "c.bin", "physics/a.txt"]),
            ("memory://shelf/**/*.txt", ["physics/a.txt"]),
            ("memory://shelf/b.md", ["b.md"]),
        ):
            folder = fetch(place, tmp_path)
            assert [p.relative_to(folder).as_posix() for p in find_sources(folder)] == names
    finally:
        memory.rm("/shelf", recursive=True)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("memory://nowhere/at/all.txt", "nothing at memory://nowhere"),
        ("memory://nowhere/*.txt", "matches none"),
        ("gopher://x/y", "gopher"),
        ("http://127.0.0.1:9/closed.html", "nothing at http://127.0.0.1:9/closed.html"),
    ],
)
def test_a_place_that_cannot_be_read_is_a_typed_error_and_leaves_nothing(
    tmp_path: Path, place: str, said: str
) -> None:
    with pytest.raises(CorpusError) as caught:
        fetch(place, tmp_path)
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_places_are_told_from_paths_named_and_freed_of_secrets() -> None:
    assert [is_remote(p) for p in ("s3://a/b", "zip::memory://x", "books/a.txt", "/a:b", "C:\\a", "hf://datasets/a/b")] == [
        True, True, False, False, False, True,
    ]  # fmt: skip
    assert place_name("https://example.org/a/On%20Tides.pdf?x=1") == "On-Tides"
    assert place_name("s3://bucket/books/**/*.pdf") == "books"
    assert without_secrets("https://me:pass@example.org/a.pdf?sig=1") == "https://example.org/a.pdf"
