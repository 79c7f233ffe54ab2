"""What the jobs that ask a student share: what a request says of it, opening it, and ticking after each batch.

The student is opened by ``proda_core.students``, in this process or on the session's vLLM server as ``student.served_by`` says,
unless the caller plugs in another loader. A base whose weights are not those
that the session began with is refused: scores of two bases must never be compared as one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from proda_core.config import Config, StudentConfig
from proda_core.errors import JobError, StudentError
from proda_core.jobs.contract import JobContext, JobRequest, Progress

if TYPE_CHECKING:
    from proda_core.students import Student


def student_params(config: Config) -> dict[str, Any]:
    """What every job that loads the student is told: the base, what its files hash to, how to run it, and the seed."""
    from proda_core.students.base_model import base_digest

    student = config.student
    return {
        "base": student.base,
        "base_digest": base_digest(student.base),
        "student": student.model_dump(mode="json"),
        "seed": config.seed,
    }


class StudentLoader(Protocol):
    """How a job gets its student: the base's name and digest, the adapter's folder, how to run it, and the session's folder."""

    def __call__(
        self, base: str, digest: str, *, adapter: Path | None, config: StudentConfig, session: Path
    ) -> Student: ...


def open_student(
    base: str, digest: str, *, adapter: Path | None, config: StudentConfig, session: Path
) -> Student:
    """A base with or without an adapter. StudentError when the base on disk is not the one named by ``digest``."""
    from proda_core.students import load_student

    check_base(base, digest)
    if config.served_by == "vllm":
        from proda_core.students.served.opening import open_served

        return open_served(session, base, adapter, config)
    return load_student(
        base, adapter, batch_size=config.batch_size, threads=config.threads, dtype=config.dtype
    )


def check_base(base: str, digest: str) -> None:
    """StudentError when the base on disk is not the one named by ``digest``."""
    from proda_core.students.base_model import base_digest

    found = base_digest(base)
    if found != digest:
        raise StudentError(
            f"base {base!r} has digest {found[:16]}, the session began with {digest[:16]}; restore it or start a new session"
        )


def requested_student(context: JobContext, request: JobRequest, load: StudentLoader) -> Student:
    """The student of a request: its base, and the adapter among its inputs if there is one."""
    adapter = request.inputs.get("adapter")
    return load(
        request.params["base"],
        request.params["base_digest"],
        adapter=context.store.checked("adapter", adapter) if adapter else None,
        config=StudentConfig.model_validate(request.params["student"]),
        session=context.session,
    )


def ticker(context: JobContext, total: int, *, note: str) -> Callable[[int], None]:
    """A function to call with the number of questions just asked; JobError when the job is asked to stop."""
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        context.report(Progress(done, total, note=note))
        if context.should_stop():
            raise JobError(f"cancelled after {done} of {total} questions; the same request starts it again")

    return tick
