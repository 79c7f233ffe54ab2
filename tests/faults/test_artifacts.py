"""One bit flipped, or the end cut off, in each file of each kind of artifact: found by the audit and by whoever would use it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.kills import differences
from evals.kills.copies import copy_for_worker, copy_session
from proda_core.errors import ArtifactError, GuardRefusal
from proda_core.jobs import JobStatus, LocalExecutor
from proda_core.jobs.folder import JobFolder
from proda_core.jobs.worker import run_job
from proda_core.log import verify
from proda_core.records import PREFIX
from proda_core.session import SessionFolder
from tests.faults.injecting import hosted
from tests.sessions import FinishedSession, copied

Harm = Callable[[bytes], bytes]


def flipped(data: bytes) -> bytes:
    """One bit of the byte in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def truncated(data: bytes) -> bytes:
    return data[:-1]


HARMS = pytest.mark.parametrize("harm", [flipped, truncated])
KINDS = sorted(PREFIX)


@HARMS
@pytest.mark.parametrize("kind", KINDS)
def test_every_file_of_every_kind_is_covered_by_a_digest(
    finished_session: FinishedSession, tmp_path: Path, kind: str, harm: Harm
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    keys = list(folder.store.list(kind))
    assert keys, f"the session has made no {kind}"
    files = [path for path in folder.store.path(kind, keys[0]).rglob("*") if path.is_file()]
    for path in sorted(path for path in files if path.stat().st_size):
        whole = path.read_bytes()
        path.write_bytes(harm(whole))
        with pytest.raises(ArtifactError, match=f"{kind} {keys[0]}"):
            folder.store.verify(kind, keys[0])
        report = verify(folder.decisions, folder.store)
        assert not report.ok and keys[0] in report.first_bad, path.name
        path.write_bytes(whole)
    folder.store.verify(kind, keys[0])


def _reader(session: SessionFolder, job_kind: str, artifact: str) -> tuple[JobStatus, str]:
    """The last job of a kind that reads an artifact of a kind, with the artifact's ID."""
    found = []
    for job in LocalExecutor(session.root).list():
        request = JobFolder.of(session.jobs, job.job_id).request()
        inputs = () if request is None else request.inputs.values()
        found += [(job, key) for key in inputs if job.kind == job_kind and key.startswith(PREFIX[artifact])]
    return found[-1]


def _worker(session: Path, job_id: str) -> None:
    os._exit(run_job(session, job_id))


@pytest.mark.parametrize(
    ("artifact", "reader"),
    [
        ("corpus", "extract"),
        ("snapshot", "benchmark"),
        ("snapshot", "synthesise"),
        ("benchmark", "synthesise"),
        ("diagnosis", "patch"),
        ("benchmark", "score"),
        ("mixture", "train"),
    ],
)
def test_a_worker_takes_no_input_that_was_changed(
    finished_session: FinishedSession, tmp_path: Path, artifact: str, reader: str
) -> None:
    job, key = _reader(finished_session.folder, reader, artifact)
    folder = copy_for_worker(finished_session.folder, tmp_path, job)
    files = folder.store.manifest(artifact, key).files
    name = "chunks.jsonl" if artifact == "corpus" else max(files)
    path = folder.store.path(artifact, key) / name
    path.write_bytes(flipped(path.read_bytes()))
    worker = multiprocessing.get_context("fork").Process(target=_worker, args=(folder.root, job.job_id))
    worker.start()
    worker.join()
    failure = JobFolder.of(folder.jobs, job.job_id).failure()
    refused = (
        GuardRefusal if artifact == "mixture" else ArtifactError
    )  # the guard says G6, and what it could not read
    assert failure is not None and failure.exit_code == refused.exit_code, failure
    assert key in failure.message and path.name in failure.message


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["score", "train"])
def test_a_session_with_a_flipped_bit_in_its_weights_ends_typed_and_goes_on_once_they_are_restored(
    finished_session: FinishedSession, tmp_path: Path, reader: str
) -> None:
    reference = finished_session.folder
    job, key = _reader(reference, reader, "adapter")
    folder = copy_session(reference, tmp_path, afresh={job.job_id})
    path = folder.store.path("adapter", key) / "adapter_model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(flipped(whole))
    code, said = hosted(folder)
    assert code == ArtifactError.exit_code and key in said and path.name in said, said
    path.write_bytes(whole)
    hosted(folder)
    assert differences(folder, reference, failures=True) == ()
