"""Whether a session that was killed ended as the one never killed: the same decisions, the same IDs, and nothing done twice.

One training per intent, no optimiser step again that lay before its checkpoint, budgets that never go back, a log that
verifies, and no worker left behind. What differs is said in words; nothing is repaired.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from proda_core.errors import LedgerError
from proda_core.jobs import JobState, LocalExecutor
from proda_core.log import Record, Witnesses, read_records, verify
from proda_core.log.keys import trusted_keys
from proda_core.session import SessionFolder


def differences(
    folder: SessionFolder, reference: SessionFolder, *, failures: bool = False
) -> tuple[str, ...]:
    """What is different in ``folder`` from ``reference``, which was never killed; empty when nothing is.

    ``failures``: calls may have failed, typed and logged, before they were made again; a kill alone never fails one.
    """
    expected = read_records(reference.decisions)
    try:
        records = read_records(folder.decisions)
    except LedgerError as error:
        return (str(error),)
    return (
        *_other_ends(records, expected),
        *(() if failures else _failed(records)),
        *_done_twice(folder, records),
        *_budgets(records, expected),
        *_other_weights(folder, reference),
        *_not_verified(folder),
    )


def _other_ends(records: tuple[Record, ...], expected: tuple[Record, ...]) -> Iterator[str]:
    for what, view in (("decisions", _decisions), ("what the calls made", _made), ("its end", _end)):
        found, known = view(records), view(expected)
        if found != known:
            yield f"{what}: {found}, and never killed {known}"


def _decisions(records: tuple[Record, ...]) -> list[Any]:
    return [record.body["decision"] for record in records if record.kind == "decision"]


def _made(records: tuple[Record, ...]) -> list[Any]:
    outcomes = [record.body for record in records if record.kind == "outcome"]
    return [(body["tool"], body["artifacts"]) for body in outcomes if body["ok"]]


def _failed(records: tuple[Record, ...]) -> Iterator[str]:
    for record in records:
        if record.kind == "outcome" and not record.body["ok"]:
            yield f"{record.body['tool']} failed: {record.body.get('error', '')}"


def _end(records: tuple[Record, ...]) -> tuple[Any, Any]:
    last = records[-1]
    return last.kind, last.body.get("stop_reason")


def _done_twice(folder: SessionFolder, records: tuple[Record, ...]) -> Iterator[str]:
    failed = {record.key for record in records if record.kind == "outcome" and not record.body["ok"]}
    intents = [record for record in records if record.kind == "intent" and "job_id" in record.body]
    asked = [record.body["job_id"] for record in intents if record.key not in failed]
    jobs = LocalExecutor(folder.root).list()
    if len(asked) != len(set(asked)) or sorted(asked) != sorted(job.job_id for job in jobs):
        yield f"{len(asked)} intents of {len(set(asked))} jobs, and {len(jobs)} jobs on disk"
    yield from (f"job {job.job_id} still runs" for job in jobs if job.state is JobState.RUNNING)
    trained = [
        r for r in records if r.kind == "outcome" and r.body["tool"] == "train_adapter" and r.body["ok"]
    ]
    adapters = list(folder.store.list("adapter"))
    if len(trained) != len(adapters):
        yield f"{len(trained)} trainings were asked for, {len(adapters)} adapters are on disk"
    for adapter in adapters:
        yield from (f"adapter {adapter}: {text}" for text in _steps_again(folder, adapter))


def _steps_again(folder: SessionFolder, adapter: str) -> Iterator[str]:
    """Where a trainer's process did steps again that lay before the last checkpoint of the one before it."""
    every = folder.config.training.checkpoint_steps
    path = folder.store.path("adapter", adapter) / "journal.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    numbers = sorted({row["process"] for row in rows})
    runs = [[row["step"] for row in rows if row["process"] == number] for number in numbers]
    for steps in runs:
        if steps != list(range(steps[0], steps[-1] + 1)):
            yield f"a process left steps out between {steps[0]} and {steps[-1]}"
    for before, after in pairwise(runs):
        saved = (before[-1] - 1) // every * every  # its last step's own checkpoint may not have been written
        if not saved < after[0] <= before[-1] + 1:
            yield f"after step {before[-1]} it went on at {after[0]}"


def _budgets(records: tuple[Record, ...], expected: tuple[Record, ...]) -> Iterator[str]:
    """Budgets only grow, and the rounds spent are those of the session never killed."""
    seen = [(record.seq, record.budget) for record in records if record.budget is not None]
    for (_, before), (seq, after) in pairwise(seen):
        for resource, spent in (("wall_s", _used), ("rounds", _taken)):
            if spent(after[resource]) < spent(before[resource]):
                yield f"{resource} went from {before[resource]} back to {after[resource]} at record {seq}"
    known = [record.budget for record in expected if record.budget is not None]
    if seen and known and seen[-1][1]["rounds"] != known[-1]["rounds"]:
        yield f"rounds: {seen[-1][1]['rounds']}, and never killed {known[-1]['rounds']}"


def _used(meter: dict[str, float]) -> float:
    return meter["used"]


def _taken(meter: dict[str, float]) -> float:
    return meter["used"] + meter["held"]


def _other_weights(folder: SessionFolder, reference: SessionFolder) -> Iterator[str]:
    for adapter in reference.store.list("adapter"):
        if not folder.store.exists("adapter", adapter):
            yield f"adapter {adapter} is missing"
            continue
        found, known = (one.store.manifest("adapter", adapter).files for one in (folder, reference))
        if found["adapter_model.safetensors"] != known["adapter_model.safetensors"]:
            yield f"adapter {adapter} has other weights"


def _not_verified(folder: SessionFolder) -> Iterator[str]:
    witnesses = None
    if folder.config.audit.sign:
        witnesses = Witnesses(folder.signatures, trusted_keys(), demanded=True)
    report = verify(folder.decisions, folder.store, jobs=folder.jobs, witnesses=witnesses)
    yield from report.problems
    if witnesses is not None and report.signed_to != report.records:
        yield f"signed to record {report.signed_to} of {report.records}"
