"""Whether a log is the whole truth of what lies on disk, and the disk of what the log says, both ways.

Every intent has exactly one outcome after it. Every adapter, mixture, report and verdict comes from exactly one outcome, and what
outcomes name is there and whole. Every job was asked for by an intent that holds its request, and ended as its outcome says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from proda_core.artifacts import ArtifactStore
from proda_core.errors import ArtifactError, JobError
from proda_core.jobs.contract import JobRequest
from proda_core.jobs.folder import JobFolder
from proda_core.log.problem import Problem
from proda_core.log.record import Record, RecordKind
from proda_core.records import kind_of
from proda_core.serialize import from_plain

WITNESSED = ("adapter", "mixture", "report", "verdict")
"""Kinds of artifact that must come from a logged call."""

ENDED_BY_STOP = "session stopped"

MADE_ANEW = "was made anew after it was logged"


def pair_problems(records: Sequence[Record]) -> Iterator[Problem]:
    """Every intent has one outcome after it, and nothing is said twice."""
    seen: dict[RecordKind, dict[str, int]] = {RecordKind.INTENT: {}, RecordKind.OUTCOME: {}}
    intents, outcomes = seen[RecordKind.INTENT], seen[RecordKind.OUTCOME]
    for record in records:
        if record.kind not in (RecordKind.INTENT, RecordKind.OUTCOME):
            continue
        places = seen[RecordKind(record.kind)]
        if record.key in places:
            yield Problem(f"{record.kind} {record.key} stands at {places[record.key]} already", record.seq)
        if record.kind == RecordKind.OUTCOME and record.key not in intents:
            yield Problem(f"outcome {record.key} has no intent before it", record.seq)
        places.setdefault(record.key, record.seq)
    for key, seq in intents.items():
        if key not in outcomes:
            yield Problem(f"intent {key} has no outcome", seq)


def artifact_problems(records: Sequence[Record], store: ArtifactStore) -> Iterator[Problem]:
    """What the outcomes name against what is on disk, both ways."""
    named: dict[str, int] = {}
    for record in records:
        for artifact_id in _made(record):
            kind = kind_of(artifact_id)
            if artifact_id in named and kind in WITNESSED:
                text = f"{kind} {artifact_id} is the outcome of record {named[artifact_id]} already"
                yield Problem(text, record.seq)
            elif artifact_id not in named and kind:
                yield from _unwhole(store, kind, artifact_id, record.seq)
                yield from other_than_logged(record, store, kind, artifact_id)
            named.setdefault(artifact_id, record.seq)
    for kind in WITNESSED:
        for key in store.list(kind):
            if key not in named:
                yield Problem(f"{kind} {key} is on disk, and no outcome names it")


def _made(record: Record) -> list[str]:
    made = record.body.get("artifacts", {}) if record.kind == RecordKind.OUTCOME else {}
    return [str(artifact_id) for artifact_id in made.values()] if isinstance(made, dict) else []


def _unwhole(store: ArtifactStore, kind: str, artifact_id: str, seq: int) -> Iterator[Problem]:
    try:
        store.verify(kind, artifact_id)
    except ArtifactError as error:
        yield Problem(str(error), seq)


def other_than_logged(
    outcome: Record, store: ArtifactStore, kind: str, artifact_id: str
) -> Iterator[Problem]:
    """Where an artifact is not, byte for byte, what its outcome was written about; older logs do not say."""
    pinned = outcome.body.get("pins")
    wanted = pinned.get(artifact_id) if isinstance(pinned, dict) else None
    try:
        found = store.pin(kind, artifact_id) if wanted is not None else None
    except ArtifactError:
        return  # said already: it is not there, or not whole
    if found != wanted:
        yield Problem(f"{kind} {artifact_id} {MADE_ANEW}", outcome.seq)


def budget_problems(records: Sequence[Record]) -> Iterator[Problem]:
    """Rounds that were spent are spent: a later record that counts fewer tells of a ledger that was changed."""
    most = 0.0
    for record in records:
        used = rounds_used(record)
        if used is not None and used < most:
            yield Problem(f"{used:g} rounds are spent where {most:g} were before", record.seq)
            return
        most = max(most, used or 0.0)


def rounds_used(record: Record) -> float | None:
    """Rounds spent for good, as a record's budget has them; None where it has none."""
    meter = (record.budget or {}).get("rounds")
    used = meter.get("used") if isinstance(meter, dict) else None
    return float(used) if isinstance(used, int | float) else None


def job_problems(records: Sequence[Record], jobs: Path) -> Iterator[Problem]:
    """The jobs' folders against the intents that asked for them and the outcomes that ended them."""
    outcomes = {record.key: record for record in records if record.kind == RecordKind.OUTCOME}
    asked: dict[str, Record] = {}  # of several attempts at one job the last
    for record in records:
        if record.kind == RecordKind.INTENT and "job_id" in record.body:
            asked[str(record.body["job_id"])] = record
            yield from _other_request(record)
    on_disk = sorted(path.name for path in jobs.glob("j_*")) if jobs.is_dir() else []
    for job_id in on_disk:
        if job_id not in asked:
            yield Problem(f"job {job_id} is on disk, and no intent asked for it")
    for job_id, intent in asked.items():
        outcome = outcomes.get(intent.key)
        if outcome is not None:
            yield from _other_end(jobs, job_id, outcome)


def _other_request(intent: Record) -> Iterator[Problem]:
    job_id = intent.body["job_id"]
    try:
        found = from_plain(JobRequest, intent.body.get("request")).job_id
    except ArtifactError as error:
        yield Problem(f"the intent of job {job_id} holds no request ({error})", intent.seq)
        return
    if found != job_id:
        yield Problem(f"the intent of job {job_id} holds the request of job {found}", intent.seq)


def _other_end(jobs: Path, job_id: str, outcome: Record) -> Iterator[Problem]:
    """Where the job's own end is not the one that was logged."""
    body = outcome.body
    try:
        folder = JobFolder.of(jobs, job_id)
        request, result, failure = folder.request(), folder.result(), folder.failure()
    except JobError as error:
        yield Problem(str(error), outcome.seq)
        return
    if not body.get("ok", False):
        stopped = str(body.get("error", "")).startswith(ENDED_BY_STOP)
        if result is not None and not stopped:  # one that was told to stop may have been done all the same
            yield Problem(f"job {job_id} has a result, and its outcome says that it failed", outcome.seq)
    elif request is None:
        yield Problem(f"job {job_id} made what its outcome names, and its folder is gone", outcome.seq)
    elif result is None:
        ended = "failed" if failure is not None else "has no result"
        yield Problem(f"job {job_id} {ended}, and its outcome says that it is done", outcome.seq)
    elif result.artifacts != _plain(body.get("artifacts")):
        yield Problem(f"job {job_id} made something else than its outcome says", outcome.seq)


def _plain(made: Any) -> dict[str, str]:
    return dict(made) if isinstance(made, dict) else {}
