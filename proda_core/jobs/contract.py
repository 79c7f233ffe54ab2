"""What a job is: a JobRequest (content-made ID), the JobContext a worker gives its entry point, and the JobResult.

An entry point is a function ``run(context, request) -> JobResult`` named by ``"package.module:function"`` in the request. It
reads artifacts by ID from ``context.store``, writes artifacts, reports progress, polls ``context.should_stop()`` between
checkpoints (raise JobError("cancelled") to end), and keeps its checkpoints under ``context.scratch``. It never opens Kùzu.
The same request is the same job: rerunning a finished one is a no-op, rerunning a killed one goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from proda_core.artifacts import ArtifactStore
from proda_core.errors import Refusal
from proda_core.ids import make_id


@dataclass(frozen=True, slots=True)
class JobRequest:
    """``params`` is JSON; ``inputs`` maps a name to an artifact ID. Everything that changes the result is in here."""

    kind: str
    entry_point: str
    params: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        return make_id("j", self.kind, self.entry_point, self.params, self.inputs)


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` units; ``eta_s`` seconds left or None; ``note`` one short line."""

    done: float
    total: float
    eta_s: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class JobResult:
    """``artifacts`` maps a name to the ID of an artifact made; ``meta`` is JSON (counts, figures)."""

    artifacts: dict[str, str] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a worker hands to an entry point. ``scratch`` survives a kill; ``store`` is the session's artifact store."""

    session: Path
    scratch: Path
    store: ArtifactStore
    report: Callable[[Progress], None]
    should_stop: Callable[[], bool]


class JobState(StrEnum):
    """Where a job stands. ``dead``: launched once, no worker lives, nothing was recorded; submitting again goes on with it."""

    UNKNOWN = "unknown"
    QUEUED = "queued"
    RUNNING = "running"
    DEAD = "dead"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobFailure:
    """How a job ended without a result: the error's class, message and exit code, and the rows when a guard refused."""

    error_class: str
    message: str
    exit_code: int = 8
    cancelled: bool = False
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as its folder shows it now. ``launches`` counts the workers started for it since it was last retried,
    ``changed_at`` is when it last said anything; None for a job that is not there."""

    job_id: str
    state: JobState
    kind: str = ""
    progress: Progress | None = None
    pid: int | None = None
    beats: int = 0
    launches: int = 0
    result: JobResult | None = None
    failure: JobFailure | None = None
    changed_at: datetime | None = None

    @property
    def error(self) -> str | None:
        """The failure in one line, or None."""
        return None if self.failure is None else f"{self.failure.error_class}: {self.failure.message}"
