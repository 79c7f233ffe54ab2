"""Killed at every record of the log: right after each is written, and with all of the work after it done but not yet logged;
and at every checkpoint of the loop, when what a node wrote is kept and the checkpoint after it is not.

A whole session is gone through one record or checkpoint a process, each ended by SIGKILL from within. Random moments hardly
ever hit these windows; here none is left out.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from mcp import Client

from proda_core.log import DecisionLog, Record, Witnesses, verify
from proda_core.log.checkpoint import CheckpointFolder
from proda_core.log.keys import trusted_keys
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.sessions import (
    Bench,
    FinishedSession,
    client_of,
    decisions_of,
    done,
    outcomes_of,
    records_of,
    run_to_end,
    seeded,
)

_WRITES_S = 0.3  # the node's writes are put meanwhile


def _run_and_die(folder: SessionFolder, *, work_first: bool) -> None:
    """Go on with the session and die once one record more is written, or just before the one that follows it."""
    append, count = DecisionLog.append, 0

    def dying(self: DecisionLog, *arguments: Any, **options: Any) -> Record:
        nonlocal count
        count += 1
        if count == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        record = append(self, *arguments, **options)
        if not work_first:
            os.kill(os.getpid(), signal.SIGKILL)
        return record

    pytest.MonkeyPatch().setattr(DecisionLog, "append", dying)  # for good: this process ends with the session
    run_to_end(folder)


def _run_and_die_before_a_checkpoint(folder: SessionFolder, *, number: int) -> None:
    """Go on with the session and die instead of writing checkpoint ``number`` of this process, counted from 1."""
    put, count = AsyncSqliteSaver.aput, 0

    async def dying(self: AsyncSqliteSaver, *arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            await asyncio.sleep(_WRITES_S)
            os.kill(os.getpid(), signal.SIGKILL)
        return await put(self, *arguments)

    pytest.MonkeyPatch().setattr(AsyncSqliteSaver, "aput", dying)  # for good, as above
    run_to_end(folder)


def _run_and_die_before_signing(folder: SessionFolder, *, number: int) -> None:
    """Go on with the session and die instead of writing signed checkpoint ``number`` of this process; its record is on disk."""
    keep, count = CheckpointFolder.keep, 0

    def dying(self: CheckpointFolder, size: int, note: bytes) -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        keep(self, size, note)

    pytest.MonkeyPatch().setattr(CheckpointFolder, "keep", dying)  # for good, as above
    run_to_end(folder)


def _died(act: Callable[..., None], folder: SessionFolder, **options: Any) -> bool:
    """Whether the act died in a process of its own, which it may only do by its SIGKILL."""
    process = multiprocessing.get_context("fork").Process(target=act, args=(folder,), kwargs=options)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _is_the_same(folder: SessionFolder, reference: SessionFolder) -> None:
    assert [(r.kind, r.key) for r in records_of(folder)] == [(r.kind, r.key) for r in records_of(reference)]
    assert decisions_of(folder) == decisions_of(reference)
    assert [o["artifacts"] for o in outcomes_of(folder, "compose_mixture")] == [
        o["artifacts"] for o in outcomes_of(reference, "compose_mixture")
    ]
    witnesses = Witnesses(folder.signatures, trusted_keys(), demanded=True)
    report = verify(folder.decisions, folder.store, jobs=folder.jobs, witnesses=witnesses)
    assert report.ok and report.signed_to == report.records, report.problems


@pytest.mark.slow
@pytest.mark.parametrize("work_first", [False, True], ids=["after-each-record", "before-the-next"])
def test_a_session_killed_at_every_record_ends_as_the_one_never_killed(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path, work_first: bool
) -> None:
    reference = finished_session.folder
    folder = seeded(bench.session(tmp_path), reference)
    deaths = 0
    while _died(_run_and_die, folder, work_first=work_first):
        deaths += 1
        assert deaths <= 2 * len(records_of(reference)), "it does not get on"
    assert deaths >= len(records_of(reference)) - 1
    _is_the_same(folder, reference)


@pytest.mark.slow
def test_a_session_killed_before_every_checkpoint_ends_as_the_one_never_killed(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    reference = finished_session.folder
    folder = seeded(bench.session(tmp_path), reference)
    deaths = 0
    while _died(_run_and_die_before_a_checkpoint, folder, number=2):
        deaths += 1
        assert deaths <= 40, "it does not get on"
    assert deaths >= 14  # every node of the loop at least once
    _is_the_same(folder, reference)


@pytest.mark.slow
def test_a_session_killed_between_every_record_and_its_signature_ends_as_the_one_never_killed(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    reference = finished_session.folder
    folder = seeded(bench.session(tmp_path), reference)
    deaths = 0
    while _died(_run_and_die_before_signing, folder, number=2):
        deaths += 1
        assert deaths <= 40, "it does not get on"
    assert deaths >= 5  # decisions, a verdict, the end and every sixteenth record
    _is_the_same(folder, reference)


def test_a_session_killed_between_a_nodes_writes_and_the_checkpoint_after_them_goes_on(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    reference = finished_session.folder
    folder = seeded(bench.session(tmp_path), reference)
    assert _died(_run_and_die_before_a_checkpoint, folder, number=5)
    assert run_to_end(folder).stop_reason == StopReason.BUDGET_ROUNDS
    _is_the_same(folder, reference)


def test_a_decision_not_acted_on_is_the_same_decision_when_asked_again(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = seeded(bench.session(tmp_path), finished_session.folder)
    folder.stop_now()

    async def act(client: Client) -> None:
        for _ in range(2):
            view = await done(client, "observe_session")
            assert view["key"] == "decision-0"
        patch, stop = decisions_of(finished_session.folder)
        first = await done(client, "record_decision", key="decision-0", decision=patch)
        second = await done(client, "record_decision", key="decision-0", decision=stop)
        assert first == second and second["decision"] == patch
        assert (await done(client, "observe_session"))["key"] == "decision-0"

    async def run() -> None:
        async with client_of(folder) as client:
            mixture = await _to_v1(client)
            scored = await done(client, "evaluate_model", model=mixture)
            await done(client, "diagnose_failures", report_id=scored["artifacts"]["report"])
            await act(client)

    asyncio.run(run())
    assert len(decisions_of(folder)) == 1 and len(records_of(folder, "observation")) == 1


async def _to_v1(client: Client) -> str:
    for tool in ("curate_corpus", "extract_knowledge", "build_benchmark", "synthesise_examples"):
        await done(client, tool)
    await done(client, "evaluate_model", model="base")
    mixture = await done(client, "compose_mixture", kind="v1")
    trained = await done(client, "train_adapter", mixture_id=mixture["mixture_id"])
    return str(trained["artifacts"]["adapter"])
