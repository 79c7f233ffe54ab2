"""observe_session: what the policy may look at, computed by the host from its own log and artifacts.

The controller brings nothing: it cannot shape what it is shown. Sealed and general appear in aggregate only.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evals.pairing import pair_general
from evals.statistics import gain_interval, next_share
from evals.summary import accuracy
from evals.withdrawals import apply_withdrawals, read_withdrawals
from proda_core.diagnosis import PATCHABLE, is_patchable
from proda_core.errors import ToolError
from proda_core.log import Record
from proda_core.records import load_diagnoses, load_report
from proda_core.serialize import from_plain, to_plain
from proda_core.types import (
    EvalReport,
    Interval,
    Observations,
    RoundSummary,
)
from tools.base import NoArguments, Tool, ToolModel
from tools.book import Book, read_book
from tools.host import Host
from tools.lost_items import lost_items
from tools.steering import read_steering
from tools.work import book_of


class ObservationsView(ToolModel):
    """``observations`` is the plain form of the Observations type; ``key`` names this look for record_decision. ``decision`` is
    the one already recorded under it, where the loop was ended before it acted on it."""

    key: str
    observations: dict[str, object]
    decision: dict[str, object] | None


def summaries(host: Host, book: Book) -> tuple[RoundSummary, ...]:
    """The ladder so far: base, then every evaluated round."""
    rows = []
    if book.base_report_id:
        rows.append(_summary(load_report(host.store, book.base_report_id), -1, "base", "base", accepted=True))
    for entry in book.rounds:
        if entry.report_id:
            report = load_report(host.store, entry.report_id)
            rows.append(
                _summary(
                    report,
                    entry.number,
                    entry.kind,
                    entry.adapter_id,
                    accepted=entry.accepted,
                    patch=entry.patch_id,
                )
            )
    return tuple(rows)


def _summary(
    report: EvalReport, number: int, kind: str, adapter_id: str, *, accepted: bool, patch: str = ""
) -> RoundSummary:
    return RoundSummary(
        round=number,
        kind=kind,
        adapter_id=adapter_id,
        dev=accuracy(report.dev),
        sealed=accuracy(report.sealed),
        general=accuracy(report.general),
        accepted=accepted,
        patch_digest=patch,
    )


@dataclass(frozen=True, slots=True)
class Means:
    """What no artifact tells: what is left of the budget, and whether somebody wants a stop. None where there is no limit."""

    wall_left_s: float | None
    round_cost_s: float
    rounds_left: int | None
    disk_left_bytes: int | None
    stop_requested: bool


def observe(host: Host) -> Observations:
    """Observations of the session as it is now; ToolError until an incumbent exists and is diagnosed."""
    ledger, records = host.own.ledger, host.records()
    rounds_left, disk_left = ledger.left("rounds"), ledger.left("disk_bytes")
    means = Means(
        wall_left_s=ledger.left("wall_s"),
        round_cost_s=ledger.round_cost_s() if ledger.left("wall_s") is not None else 0.0,
        rounds_left=None if rounds_left is None else int(rounds_left),
        disk_left_bytes=None if disk_left is None else int(disk_left),
        stop_requested=bool(read_steering(records).stop) or host.folder.stops_now(),
    )
    return observations_of(host, records, means)


def observations_of(host: Host, records: Sequence[Record], means: Means) -> Observations:
    """Fold a log and the artifacts that it names into Observations, the same for the same: what an audit does again."""
    book, steering = read_book(records), read_steering(records)
    incumbent = book.incumbent
    if incumbent is None or not incumbent.report_id:
        raise ToolError("nothing to observe yet: train and evaluate V1 first")
    diagnosis_id = book.diagnoses.get(incumbent.report_id, "")
    if not diagnosis_id:
        raise ToolError(
            f"the incumbent's failures are not diagnosed: call diagnose_failures with {incumbent.report_id}"
        )
    withdrawn = read_withdrawals(host.folder.root)
    report = apply_withdrawals(load_report(host.store, incumbent.report_id), withdrawn)
    base = load_report(host.store, book.need("base_report_id"))
    diagnoses = load_diagnoses(host.store, diagnosis_id)
    snapshot = host.snapshot(book.need("snapshot_id"))
    sealed = host.benchmark(book.need("benchmark_id")).sealed_l2_ids()
    repairable = sum(d.kind in PATCHABLE for d in diagnoses)
    patchable = sum(is_patchable(d, snapshot, sealed) for d in diagnoses)
    return Observations(
        round=len(book.rounds) - 1,
        incumbent=incumbent.adapter_id,
        rounds=summaries(host, book),
        failures=sum(1 for s in report.dev if s.value is not None and not s.correct),
        diagnoses=dict(sorted(Counter(d.kind.value for d in diagnoses).items())),
        patchable=patchable,
        unpatchable_sealed=repairable - patchable,
        lost_items=len(lost_items(host, book)),
        general_drop=_general_drop(base, report),
        rejected_in_a_row=_rejected_in_a_row(book),
        replayed_since_patch=book.rounds[-1].kind == "replay",
        wall_left_s=means.wall_left_s,
        round_cost_s=means.round_cost_s,
        rounds_left=means.rounds_left,
        disk_left_bytes=means.disk_left_bytes,
        stop_requested=means.stop_requested,
        target_dev=host.config.policy.target_dev,
        wishes=tuple(steering.wishes),
        next_share=next_share(book.verdicts, host.config.verdict.max_verdicts),
    )


def _general_drop(base: EvalReport, report: EvalReport) -> Interval | None:
    """Incumbent minus base on the same general tasks."""
    pairing = pair_general(base, report)
    return gain_interval(pairing.by_group(), seed=0) if pairing.pairs else None


def _rejected_in_a_row(book: Book) -> int:
    count = 0
    for entry in reversed(book.rounds):
        if entry.accepted or not entry.verdict_id:
            break
        count += 1
    return count


async def observe_session(host: Host, _arguments: NoArguments) -> ObservationsView:
    return await asyncio.to_thread(_observed, host)


def _observed(host: Host) -> ObservationsView:
    plain = to_plain(observe(host))
    own, book = host.own, book_of(host)
    key = f"decision-{book.decisions - book.undone}"  # one not acted on yet is not made twice
    known = own.log.find("observation", key)
    if known is not None:  # a resumed decision is made on what was observed before the kill
        plain = known.body["observations"]
        from_plain(Observations, plain)
    else:
        own.log.append_once("observation", key, {"observations": plain}, budget=own.ledger.budget_view())
    made = own.log.find("decision", key)
    return ObservationsView(
        key=key, observations=plain, decision=None if made is None else made.body["decision"]
    )


TOOL = Tool(
    "observe_session",
    "Compute what the next decision rests on: the ladder of rounds, failures by diagnosis, what is patchable, what was lost, "
    "and what is left of the budget. Logged.",
    NoArguments,
    ObservationsView,
    observe_session,
)
