"""Copies of a finished session in which some of it is to be done again, and what a worker made again."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from proda_core.errors import ArtifactError
from proda_core.jobs import JobStatus, LocalExecutor
from proda_core.jobs.folder import JobFolder
from proda_core.log import verify
from proda_core.log.completeness import MADE_ANEW
from proda_core.session import SessionFolder

_OF_A_RUN = ("scratch", "result.json", "heartbeat.json", "progress.json", "launches.json", "log.txt", "lock")


def copy_session(source: SessionFolder, into: Path, *, afresh: Collection[str] = ()) -> SessionFolder:
    """A session of the same making that has yet to run, with the jobs of ``source`` done but those of the IDs in ``afresh``."""
    root = into / source.name
    root.mkdir(parents=True)
    shutil.copy(source.settings, root / source.settings.name)
    folder = SessionFolder.open(root)
    for job in LocalExecutor(source.root).list():
        if job.result is None or job.job_id in afresh:
            continue
        shutil.copytree(source.jobs / job.job_id, folder.jobs / job.job_id)
        for made in job.result.artifacts.values():
            for path in source.artifacts.glob(f"*/{made}"):
                shutil.copytree(
                    path, folder.artifacts / path.relative_to(source.artifacts), dirs_exist_ok=True
                )
    return folder


def copy_for_worker(source: SessionFolder, into: Path, job: JobStatus) -> SessionFolder:
    """The whole session, but this one job has been asked for and never begun."""
    shutil.copytree(source.root, into / source.name)
    folder = SessionFolder.open(into / source.name)
    for name in _OF_A_RUN:
        path = folder.jobs / job.job_id / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for made in _made(job).values():
        for path in folder.artifacts.glob(f"*/{made}"):
            shutil.rmtree(path)
    return folder


def job_differences(folder: SessionFolder, source: SessionFolder, job: JobStatus) -> tuple[str, ...]:
    """What the job made that it did not make in ``source``, and what the log's check of the whole session says."""
    made = JobFolder.of(folder.jobs, job.job_id).result()
    if made is None:
        failure = JobFolder.of(folder.jobs, job.job_id).failure()
        return (f"{job.kind} has no result: {failure}",)
    if made.artifacts != _made(job):
        return (f"{job.kind} made {made.artifacts}, and never killed {_made(job)}",)
    problems = [
        f"{job.kind}: {text}" for key in made.artifacts.values() for text in _other_files(folder, source, key)
    ]
    report = verify(folder.decisions, folder.store, jobs=folder.jobs)
    said = (problem for problem in report.problems if MADE_ANEW not in problem)  # which is what was asked for
    return (*problems, *said)


def _other_files(folder: SessionFolder, source: SessionFolder, key: str) -> list[str]:
    kinds = [path.parent.name for path in source.artifacts.glob(f"*/{key}")]
    try:
        found, known = (one.store.manifest(kinds[0], key).files for one in (folder, source))
    except ArtifactError as error:
        return [str(error)]
    timed = {
        name for name in known if name in ("journal.jsonl", "loss.jsonl")
    }  # which process did a step, and when
    names = sorted(found.keys() ^ known.keys())
    names += [name for name in known if name not in timed and found.get(name, "") != known[name]]
    return [f"{name} of {key} is another" for name in names]


def _made(job: JobStatus) -> dict[str, str]:
    return {} if job.result is None else dict(job.result.artifacts)
