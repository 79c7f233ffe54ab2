"""An artifact is whole or absent, never overwritten, and found out when it was changed."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proda_core.artifacts import ArtifactStore, file_digest, write_atomic
from proda_core.errors import ArtifactError

ID = "a_" + "1" * 16


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def weights(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "weights.bin").write_bytes(b"123")


def test_an_artifact_has_its_files_inputs_and_meta_in_the_manifest(store: ArtifactStore) -> None:
    made = store.make("adapter", ID, weights, inputs={"mixture": "m_1"}, meta={"rank": 8})
    assert store.manifest("adapter", ID) == made
    assert (made.inputs, made.meta, list(made.files)) == (
        {"mixture": "m_1"},
        {"rank": 8},
        ["deep/weights.bin"],
    )
    assert made.files["deep/weights.bin"] == file_digest(store.file("adapter", ID, "deep/weights.bin"))
    assert list(store.list("adapter")) == [ID]
    assert list(store.list("mixture")) == []


def test_making_what_exists_is_a_no_op_and_returns_what_is_there(store: ArtifactStore) -> None:
    first = store.make("adapter", ID, weights)

    def never(folder: Path) -> None:
        raise RuntimeError("written twice")

    assert store.make("adapter", ID, never, meta={"other": 1}) == first


def test_a_writer_that_fails_leaves_nothing_behind(store: ArtifactStore) -> None:
    def broken(folder: Path) -> None:
        weights(folder)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        store.make("adapter", ID, broken)
    assert not store.exists("adapter", ID)
    assert not [p for p in store.root.rglob("*") if p.is_file()]
    assert store.make("adapter", ID, weights).files


def test_a_kill_while_writing_leaves_no_artifact_and_the_rerun_makes_it(store: ArtifactStore) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from proda_core.artifacts import ArtifactStore\n"
        "def write(folder):\n"
        "    (folder / 'weights').write_bytes(b'1'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "ArtifactStore(Path(sys.argv[1])).make('adapter', sys.argv[2], write)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(store.root), ID], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not store.exists("adapter", ID)
    assert list(store.list("adapter")) == []
    store.make("adapter", ID, weights)
    store.verify("adapter", ID)


@pytest.mark.parametrize("change", [b"124", b"12", b"1234"])
def test_a_changed_or_truncated_file_is_named(store: ArtifactStore, change: bytes) -> None:
    store.make("adapter", ID, weights)
    (store.path("adapter", ID) / "deep" / "weights.bin").write_bytes(change)
    with pytest.raises(ArtifactError, match=r"weights\.bin is not what the manifest says"):
        store.verify("adapter", ID)
    with pytest.raises(ArtifactError):
        store.file("adapter", ID, "deep/weights.bin")


def test_a_file_that_is_gone_or_was_never_there_is_an_error(store: ArtifactStore) -> None:
    store.make("adapter", ID, weights)
    with pytest.raises(ArtifactError, match="has no file"):
        store.file("adapter", ID, "other.bin")
    (store.path("adapter", ID) / "deep" / "weights.bin").unlink()
    with pytest.raises(ArtifactError, match="is not what"):
        store.verify("adapter", ID)


def test_an_artifact_that_is_not_there_or_has_no_readable_manifest_is_an_error(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactError, match="run the stage"):
        store.manifest("adapter", ID)
    store.make("adapter", ID, weights)
    (store.path("adapter", ID) / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(ArtifactError, match="manifest unreadable"):
        store.manifest("adapter", ID)


@pytest.mark.parametrize(
    ("kind", "key"),
    [("adapter", "../../etc"), ("../x", ID), ("adapter", ID + "\n"), ("adapter", "a_1"), ("", ID)],
)
def test_a_name_that_could_leave_the_store_is_refused(store: ArtifactStore, kind: str, key: str) -> None:
    with pytest.raises(ArtifactError, match="not an artifact name"):
        store.path(kind, key)


def test_an_atomic_write_replaces_whole_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_what_the_disk_refuses_while_an_artifact_is_made_is_a_typed_error_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    store = ArtifactStore(tmp_path)

    def full(folder: Path) -> None:
        (folder / "data").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ArtifactError, match=rf"verdict {ID}.*No space left on device.*resume"):
        store.make("verdict", ID, full)
    assert not store.exists("verdict", ID) and not list((tmp_path / ".making").iterdir())
