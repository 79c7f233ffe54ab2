"""The campaign: kinds of write boundary first, each once in host and worker, then random kills of sessions at work.

It needs one finished session, which it only reads. Hosts are killed in copies that have their jobs' results, so that they get
from boundary to boundary at once; workers in copies where one job is to be done again, run by the worker's own command; random
kills in copies where trainings and other jobs are done again for real. Each copy is let come to its end, and compared.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from evals.kills.copies import copy_for_worker, copy_session, job_differences
from evals.kills.rides import Ride, leaving_no_worker, ride_at_random, ride_boundaries, run_worker
from evals.kills.sameness import differences
from evals.kills.shim import Orders, build_shim
from evals.kills.stable import Stable
from evals.kills.tally import Life, Tally
from proda_core.errors import SessionError
from proda_core.jobs import JobStatus, LocalExecutor
from proda_core.log import read_records
from proda_core.session import SessionFolder

Tell = Callable[[str, int, int, float | None], None]
"""Hears what is under way, kills counted and wanted, and seconds left where they can be told."""

_WORKER = "proda_core.jobs.worker:main"
_AT_WORK = ("torch", "peft", "transformers.models.auto.modeling_auto", "pyarrow.parquet")
"""What workers import once they are at work: in the stable it is imported once for all of them."""
_A_LIFE = 40  # kills at boundaries before a session is let come to its end
_MOST_AT_RANDOM = 12


@dataclass(slots=True)
class Campaign:
    """``host`` names what runs a session in a process: ``MODULE:FUNCTION``, given the session's path. ``sample``: of the kinds
    of boundary only one in so many."""

    reference: SessionFolder
    host: str
    work: Path
    tally: Tally
    tell: Tell
    seed: int = 0
    sample: int = 1

    def run(self, kills: int) -> None:
        """Every kind of boundary that the tally has not seen, then random kills until it counts ``kills`` of them."""
        if not _has_ended(self.reference):
            raise SessionError(
                f"session {self.reference.name} has not ended; kills are held against one that has"
            )
        self.work.mkdir(parents=True, exist_ok=True)
        shim = build_shim(self.work)
        jobs = [job for job in LocalExecutor(self.reference.root).list() if job.result is not None]
        warm = [*_AT_WORK, *sorted({_module_of(self.reference, job) for job in jobs})]
        with ExitStack() as stack:
            log = self.work / "log.txt"
            hosts = stack.enter_context(Stable(self.host, preload=shim, log=log))
            workers = stack.enter_context(Stable(_WORKER, warm=warm, preload=shim, log=log))
            self.host_boundaries(hosts)
            self.worker_boundaries(workers, jobs)
            self.at_random(hosts, jobs, kills)

    def host_boundaries(self, hosts: Stable) -> None:
        """Sessions whose host dies at one new kind of boundary after the other, until a session shows no new one."""
        while True:
            began, orders = time.monotonic(), self._orders()
            folder = copy_session(self.reference, self._life())
            with leaving_no_worker(folder):
                hits = ride_boundaries(Ride(folder, hosts, orders), most=_A_LIFE)
                self._keep("boundary", "host", folder, hits, differences(folder, self.reference), began)
            self.tell("hosts at every kind of boundary", len(self.tally.boundaries()), 0, None)
            if len(hits) < _A_LIFE:
                return

    def worker_boundaries(self, workers: Stable, jobs: list[JobStatus]) -> None:
        """A job of each kind done again by a worker that dies at one new kind of boundary after the other."""
        for job in {job.kind: job for job in jobs}.values():
            while True:
                began, orders = time.monotonic(), self._orders()
                folder = copy_for_worker(self.reference, self._life(), job)
                with leaving_no_worker(folder):
                    hits = run_worker(Ride(folder, workers, orders), job.job_id, most=_A_LIFE)
                problems = job_differences(folder, self.reference, job)
                self._keep("boundary", f"{job.kind} worker", folder, hits, problems, began)
                self.tell(
                    f"{job.kind} workers at every kind of boundary", len(self.tally.boundaries()), 0, None
                )
                if len(hits) < _A_LIFE:
                    break

    def at_random(self, hosts: Stable, jobs: list[JobStatus], kills: int) -> None:
        """Sessions with real work, killed at random, until there are ``kills`` of them in the tally."""
        while (done := self.tally.count("random")) < kills:
            self.tell("random kills", done, kills, self._left(kills - done))
            began, orders = time.monotonic(), self._orders()
            number = len(self.tally.lives)
            draw = random.Random(f"{self.seed}/{number}")
            afresh = {job.job_id for job in jobs if job.kind == "train" or draw.random() < 0.3}
            folder = copy_session(self.reference, self._life(), afresh=afresh)
            planned = min(_MOST_AT_RANDOM, kills - done)
            with leaving_no_worker(folder):
                hits = ride_at_random(Ride(folder, hosts, orders), draw, planned=planned)
                about = f"{len(afresh)} of {len(jobs)} jobs done again"
                self._keep("random", about, folder, hits, differences(folder, self.reference), began)
        self.tell("random kills", self.tally.count("random"), kills, 0.0)

    def _orders(self) -> Orders:
        """A folder of orders for one life: nobody who outlived an earlier one reads in it."""
        folder = self.work / "orders" / str(len(self.tally.lives))
        shutil.rmtree(folder, ignore_errors=True)
        orders = Orders(folder, self.sample)
        orders.note_seen(self.tally.boundaries())
        return orders

    def _life(self) -> Path:
        folder = self.work / "lives" / str(len(self.tally.lives))
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _keep(
        self,
        phase: str,
        about: str,
        folder: SessionFolder,
        hits: list[str],
        problems: tuple[str, ...],
        began: float,
    ) -> None:
        seconds = round(time.monotonic() - began, 1)
        life = Life(phase, self.reference.name, about, tuple(hits), problems, seconds, self.seed)
        self.tally.add(life)
        if not problems:  # what differs is left for who has to look at it
            shutil.rmtree(folder.root.parent, ignore_errors=True)

    def _left(self, kills: int) -> float | None:
        lives = [life for life in self.tally.lives if life.phase == "random"]
        done = sum(len(life.hits) for life in lives)
        return kills * sum(life.seconds for life in lives) / done if done else None


def _has_ended(session: SessionFolder) -> bool:
    records = read_records(session.decisions) if session.decisions.exists() else ()
    return any(record.kind == "session" and "stop_reason" in record.body for record in records[-1:])


def _module_of(session: SessionFolder, job: JobStatus) -> str:
    return next(_entry_points(session, job.job_id)).partition(":")[0]


def _entry_points(session: SessionFolder, job_id: str) -> Iterator[str]:
    for record in read_records(session.decisions):
        if record.kind == "intent" and record.body.get("job_id") == job_id:
            yield record.body["request"]["entry_point"]
