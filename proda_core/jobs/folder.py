"""A job's folder, ``jobs/<id>/``: what worker and host tell each other through, each file written whole and renamed.

request.json    what is asked; its content is the folder's name
lock            held by the worker as long as it lives
launches.json   the workers started, by the host; how often one may be started again is counted here
heartbeat.json  the worker's pid, start token and beats
progress.json   the newest Progress
result.json, error.json   the end, one of the two, written last; traceback.txt lies beside an error
cancel          present: the worker is asked to end
scratch/        the entry point's checkpoints; log.txt: what the worker printed
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from proda_core.artifacts import write_atomic
from proda_core.errors import ArtifactError, JobError
from proda_core.ids import ID_PATTERN, canonical_json
from proda_core.jobs.contract import JobFailure, JobRequest, JobResult, Progress
from proda_core.serialize import from_plain, to_plain

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """``start`` is the worker's start token; ``beats`` only grows while the worker runs."""

    pid: int
    start: str
    beats: int


@dataclass(frozen=True, slots=True)
class Launch:
    pid: int
    start: str


@dataclass(frozen=True, slots=True)
class Launches:
    """``attempt`` counts explicit retries; ``started`` are this attempt's workers, oldest first."""

    attempt: int = 0
    started: tuple[Launch, ...] = ()


@dataclass(frozen=True, slots=True)
class JobFolder:
    """Paths and typed reads and writes of one job's files. Reading what is absent gives None."""

    path: Path

    @classmethod
    def of(cls, jobs: Path, job_id: str) -> JobFolder:
        """The folder of ``job_id``; the ID is checked by pattern, so that no path can be smuggled in."""
        if not ID_PATTERN.match(job_id) or not job_id.startswith("j_"):
            raise JobError(f"not a job ID: {job_id!r}; it looks like j_ and 16 hex digits")
        return cls(jobs / job_id)

    @property
    def job_id(self) -> str:
        return self.path.name

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def submit_lock(self) -> Path:
        return self.path / "submit.lock"

    @property
    def cancel(self) -> Path:
        return self.path / "cancel"

    @property
    def scratch(self) -> Path:
        return self.path / "scratch"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def traceback(self) -> Path:
        return self.path / "traceback.txt"

    def request(self) -> JobRequest | None:
        """The request; JobError when it is no longer the one this folder is named after."""
        request = self._read("request.json", JobRequest)
        if request is not None and request.job_id != self.job_id:
            raise JobError(f"job {self.job_id}: request.json was changed; delete the folder and submit again")
        return request

    def write_request(self, request: JobRequest) -> None:
        write_atomic(self.path / "request.json", canonical_json(to_plain(request)))

    def launches(self) -> Launches:
        return self._read("launches.json", Launches) or Launches()

    def write_launches(self, launches: Launches) -> None:
        write_atomic(self.path / "launches.json", canonical_json(to_plain(launches)))

    def heartbeat(self) -> Heartbeat | None:
        return self._read("heartbeat.json", Heartbeat)

    def write_heartbeat(self, beat: Heartbeat) -> None:
        self._replace("heartbeat.json", canonical_json(to_plain(beat)))

    def progress(self) -> Progress | None:
        return self._read("progress.json", Progress)

    def write_progress(self, progress: Progress) -> None:
        self._replace("progress.json", canonical_json(to_plain(progress)))

    def result(self) -> JobResult | None:
        return self._read("result.json", JobResult)

    def write_result(self, result: JobResult) -> None:
        write_atomic(self.path / "result.json", canonical_json(to_plain(result)))

    def failure(self) -> JobFailure | None:
        return self._read("error.json", JobFailure)

    def write_failure(self, failure: JobFailure, trace: str) -> None:
        write_atomic(self.traceback, trace.encode("utf-8", "replace"))
        write_atomic(self.path / "error.json", canonical_json(to_plain(failure)))

    def ended(self) -> bool:
        return (self.path / "result.json").exists() or (self.path / "error.json").exists()

    def changed_at(self) -> datetime:
        """When host or worker last said anything of this job."""
        said = (
            "request.json",
            "launches.json",
            "heartbeat.json",
            "progress.json",
            "result.json",
            "error.json",
            "cancel",
        )
        times = [found.st_mtime for name in said if (found := _stat(self.path / name)) is not None]
        return datetime.fromtimestamp(max(times, default=0.0), UTC)

    def set_aside(self, attempt: int) -> None:
        """Keep how attempt number ``attempt`` ended under another name, so that the next one can start."""
        self.cancel.unlink(missing_ok=True)
        for name in ("traceback.txt", "result.json", "error.json"):
            stem, dot, ending = name.partition(".")
            if (self.path / name).exists():
                (self.path / name).replace(self.path / f"{stem}.{attempt}{dot}{ending}")

    def _read(self, name: str, cls: type[T]) -> T | None:
        try:
            data: Any = json.loads((self.path / name).read_text(encoding="utf-8"))
            return from_plain(cls, data)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, ArtifactError) as error:
            raise JobError(
                f"job {self.job_id}: {name} is unreadable ({error}); delete the job's folder and submit again"
            ) from error

    def _replace(self, name: str, data: bytes) -> None:
        """Renamed like everything, but not forced to disk: after a power cut an old beat is as good as the last."""
        temporary = self.path / f".{name}.{os.getpid()}.tmp"
        temporary.write_bytes(data)
        temporary.replace(self.path / name)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
