"""One session's life under orders: start, die, start again, until it ends by itself; what each death hit, in words.

Workers are killed at most three times in a job's life here, for the host gives a job up whose workers die a fourth time in one
boot: that is its rule for jobs that kill their workers, and no fault of this kind.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from evals.kills.shim import Orders
from evals.kills.stable import Stable
from proda_core.errors import JobError
from proda_core.jobs import JobState, JobStatus, LocalExecutor
from proda_core.session import SessionFolder

_LOOK_S = 0.02
_ENDS_S = 3600.0
_LATE_S = 5.0
_MOST_LAUNCHES = 3
_LONGEST_S = 6.0  # until a kill at a moment
_MEAN_BOUNDARIES = 150.0  # until a kill at a boundary


@dataclass(frozen=True, slots=True)
class Ride:
    """A session, the stable that its processes come from, and the orders they die by."""

    folder: SessionFolder
    stable: Stable
    orders: Orders

    def start(self, role: str, *arguments: str) -> int:
        environment = {**self.orders.environment(self.folder.root), "PRODA_KILL_ROLE": role}
        return self.stable.start([str(self.folder.root), *arguments], environment)


def ride_boundaries(ride: Ride, *, most: int) -> list[str]:
    """Kill the host at up to ``most`` new kinds of boundary, and let it end; the deaths."""
    return _die_at_new_boundaries(ride, "host", most=most)


def run_worker(ride: Ride, job_id: str, *, most: int) -> list[str]:
    """Kill the worker of a job at up to ``most`` new kinds of boundary, and let it end; the deaths."""
    return _die_at_new_boundaries(ride, "worker", job_id, most=most)


def _die_at_new_boundaries(ride: Ride, role: str, *arguments: str, most: int) -> list[str]:
    before = len(ride.orders.hits())
    for _ in range(most):
        ride.orders.give(role, 0)
        ride.start(role, *arguments)
        ended = _end(ride)
        if ride.orders.withdraw():
            _check(ride, ended)
            break
    else:
        ride.start(role, *arguments)
        _check(ride, _end(ride))
    return ride.orders.hits()[before:]


def ride_at_random(ride: Ride, draw: random.Random, *, planned: int) -> list[str]:
    """Kill host, worker or both ``planned`` times, at boundaries and at moments, and let the session end; the deaths."""
    hits: list[str] = []
    host: int | None = None
    while len(hits) < planned:
        host = host or ride.start("host")
        ended, hit = _ordered(ride, draw, host)
        hits += [hit] if hit else []
        if ended is not None and ended >= 0:
            return hits
        if ended is not None:
            host = None
            if draw.random() < 0.4:  # as if the machine had gone down with it
                hits += _kill_workers(ride.folder)
    if host is None:
        ride.start("host")
    _check(ride, _end(ride))
    return hits


def _ordered(ride: Ride, draw: random.Random, host: int) -> tuple[int | None, str]:
    """One order, and a kill of the host where nobody has died of it in time: how the host ended, if it did, and who died."""
    roles = ("host", "worker", "any") if _may_kill_workers(ride.folder) else ("host",)
    before = len(ride.orders.hits())
    ride.orders.give(draw.choice(roles), 1 + int(draw.expovariate(1 / _MEAN_BOUNDARIES)))
    ended, until = None, time.monotonic() + draw.random() * _LONGEST_S
    while ended is None and ride.orders.out() and time.monotonic() < until:
        ended = ride.stable.ended(_LOOK_S)
    if ride.orders.withdraw():
        if ended is not None:
            _check(ride, ended)
            return ended, ""
        os.kill(host, signal.SIGKILL)
        return _end(ride), "host killed at a moment"
    hit = _hit_after(ride, before)
    if ended is None and hit.startswith("host"):
        ended = _end(ride)
    return ended, hit


def _hit_after(ride: Ride, before: int) -> str:
    """Who died of the order that is gone; the line may be written a moment after the order went."""
    until = time.monotonic() + _LATE_S
    while len(ride.orders.hits()) == before and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return ride.orders.hits()[before]


def _end(ride: Ride) -> int:
    """Wait for the process under way to end; below 0: killed. JobError when it does not."""
    ended = ride.stable.ended(_ENDS_S)
    if ended is None:
        raise JobError(
            f"a process of {ride.folder.root} has not ended within {_ENDS_S:.0f} s; look what it waits for"
        )
    return ended


def _check(ride: Ride, ended: int) -> None:
    """JobError for a process that nobody had ordered to die, and that died of a signal."""
    if ended < 0:
        raise JobError(
            f"a process of {ride.folder.root} died of {signal.Signals(-ended).name} by itself; the log in the folder says more"
        )


def _running(folder: SessionFolder) -> list[JobStatus]:
    return [job for job in LocalExecutor(folder.root).list() if job.state is JobState.RUNNING]


def _may_kill_workers(folder: SessionFolder) -> bool:
    return all(job.launches < _MOST_LAUNCHES for job in _running(folder))


@contextlib.contextmanager
def leaving_no_worker(folder: SessionFolder) -> Iterator[None]:
    """Whatever becomes of a ride: hosts end with the stable, and their workers here."""
    try:
        yield
    finally:
        for job in _running(folder):
            LocalExecutor(folder.root).kill(job.job_id)


def _kill_workers(folder: SessionFolder) -> list[str]:
    hits = []
    for job in _running(folder):
        if job.launches < _MOST_LAUNCHES:
            LocalExecutor(folder.root).kill(job.job_id)
            hits.append("worker killed at a moment")
    return hits
