"""A job that only counts: it shows that workers start, checkpoint, stop and resume on this machine.

``proda_core.jobs.selftest:run`` counts to ``steps``, one checkpoint a step, and leaves a line in ``trace.txt`` for every step
it did. ``hold_at`` names a step before which it waits for a file ``go`` in its scratch folder; ``fail_at`` one at which it fails;
``deaf_at`` one before which it waits without looking whether it is asked to stop, as does a process that it starts.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from proda_core.artifacts import write_atomic
from proda_core.errors import JobError, StudentError
from proda_core.jobs.contract import JobContext, JobRequest, JobResult, Progress

_POLL_S = 0.02


def run(context: JobContext, request: JobRequest) -> JobResult:
    """Count from the checkpoint to ``params["steps"]``; ``meta`` tells where this worker began."""
    steps = int(request.params["steps"])
    count = context.scratch / "count"
    began = int(count.read_text(encoding="ascii")) if count.exists() else 0
    for step in range(began, steps):
        context.report(Progress(step, steps, note="counting"))
        if step == request.params.get("hold_at"):
            _wait_for(context.scratch / "go", context)
        if step == request.params.get("deaf_at"):
            _wait_deaf(context.scratch)
        if context.should_stop():
            raise JobError(f"cancelled at step {step} of {steps}")
        if step == request.params.get("fail_at"):
            raise StudentError(f"told to fail at step {step}; leave fail_at out")
        with (context.scratch / "trace.txt").open("a", encoding="ascii") as trace:
            trace.write(f"{step}\n")
        write_atomic(count, str(step + 1).encode())
    context.report(Progress(steps, steps, note="done"))
    return JobResult(meta={"steps": steps, "began_at": began})


def _wait_for(path: Path, context: JobContext) -> None:
    while not path.exists() and not context.should_stop():
        time.sleep(_POLL_S)


def _wait_deaf(scratch: Path) -> None:
    code = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)"
    with subprocess.Popen([sys.executable, "-c", code, str(scratch / "go")]) as beside:
        write_atomic(scratch / "beside", str(beside.pid).encode())
        beside.wait()
