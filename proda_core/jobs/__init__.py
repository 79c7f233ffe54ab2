"""Jobs: detached worker processes with content-made IDs, one lock, a heartbeat, and results renamed into place."""

from proda_core.jobs.contract import (
    JobContext,
    JobFailure,
    JobRequest,
    JobResult,
    JobState,
    JobStatus,
    Progress,
)
from proda_core.jobs.executor import Executor, LocalExecutor, OnProgress, WorkerRules, outcome

__all__ = [
    "Executor",
    "JobContext",
    "JobFailure",
    "JobRequest",
    "JobResult",
    "JobState",
    "JobStatus",
    "LocalExecutor",
    "OnProgress",
    "Progress",
    "WorkerRules",
    "outcome",
]
