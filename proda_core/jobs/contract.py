"""What a job is: a JobRequest (content-made ID), the JobContext a worker gives its entry point, and the JobResult.

An entry point is a function ``run(context, request) -> JobResult`` named by ``"package.module:function"`` in the request. It
reads artifacts by ID from ``context.store``, writes artifacts, reports progress, polls ``context.should_stop()`` between
checkpoints (raise JobError("cancelled") to end), and keeps its checkpoints under ``context.scratch``. It never opens Kùzu.
The same request is the same job: rerunning a finished one is a no-op, rerunning a killed one goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proda_core.artifacts import ArtifactStore
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
