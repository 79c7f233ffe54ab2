"""Jobs: detached worker processes with content-made IDs, one lock, a heartbeat, and results renamed into place."""

from proda_core.jobs.contract import JobContext, JobRequest, JobResult, Progress

__all__ = ["JobContext", "JobRequest", "JobResult", "Progress"]
