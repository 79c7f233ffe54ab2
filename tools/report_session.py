"""report_session: everything the report shows, from log and artifacts: what went in, the ladder, decisions, one repaired case.

Sealed appears in aggregate only. Figures carry their n and interval; nothing is computed for show alone.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from proda_core.demo import reference_controls
from proda_core.errors import ToolError
from proda_core.log import Record
from proda_core.records import (
    load_adapter,
    load_benchmark,
    load_diagnoses,
    load_patch,
    load_verdict,
)
from proda_core.serialize import to_plain
from proda_core.types import RoundSummary, Split
from tools.base import Tool, ToolModel
from tools.book import Book, Round
from tools.host import Host
from tools.observe_session import summaries
from tools.paging import First, page_of
from tools.proposals import proposal_said
from tools.repaired_case import RepairedCase, find_repaired_case, repaired_items
from tools.work import book_of


class IntervalView(ToolModel):
    value: float
    low: float
    high: float
    n: int


class Rung(ToolModel):
    """One rung of the ladder. ``label`` is Base, V1, V2, ...; ``verdict`` the plain Verdict or None."""

    label: str
    kind: str
    adapter_id: str
    dev: IntervalView
    sealed: IntervalView
    general: IntervalView
    accepted: bool
    format_errors: int  # over dev and sealed; a format error counts as wrong
    off_options: int  # likewise: conclusions in good form that are no option
    unscored: int
    slices: dict[str, dict[str, IntervalView]]  # of dev: by discipline, by hops
    general_by: dict[
        str, IntervalView
    ]  # by kind of task, or subject of the questions that the operator named
    diagnoses: dict[str, int]
    patch_rows: dict[str, int]
    mixture_rows: dict[str, int]
    repaired: int
    verdict: dict[str, Any] | None


class RoundView(Rung):
    """A rung with how its model was trained: the loss curve, and what the adapter says of itself."""

    loss: list[list[float]]
    training: dict[str, Any]


class DecisionView(ToolModel):
    """``asked``: which model was asked for it, what it wanted and what the rules did with that; "" where none was."""

    seq: int
    kind: str
    reason: str
    chosen_by: str
    asked: str
    options: list[dict[str, Any]]


class SteeringRecord(ToolModel):
    """What an operator asked for, by its place in the log."""

    seq: int
    kind: str
    about: str
    by: str
    why: str
    effect: str


class ReportArguments(ToolModel):
    first: First = 0


class ReportView(ToolModel):
    """A page of the report: the same stretch of ``ladder``, ``decisions`` and ``steering``; ``next`` asks for what follows.

    ``stages`` maps a tool to the figures its outcome recorded. With these, ``case`` and ``controls`` stand on the first page.
    """

    session: str
    corpus: str
    seed: int
    base: str
    scoring: str
    stop_reason: str
    stop_detail: str
    stages: dict[str, dict[str, Any]]
    benchmark: dict[str, Any]
    ladder: list[RoundView]
    decisions: list[DecisionView]
    steering: list[SteeringRecord]
    case: RepairedCase | None
    controls: (
        dict[str, Any] | None
    )  # figures of `proda bench repair` shipped for this corpus, base and settings
    budget: dict[str, Any]
    next: int | None = None


class _Row(ToolModel):
    """The n-th rung, decision and steering record, as far as there are as many."""

    ladder: RoundView | None
    decisions: DecisionView | None
    steering: SteeringRecord | None


LISTS = tuple(_Row.model_fields)
"""The report's lists, which go on from page to page."""


async def report_session(host: Host, arguments: ReportArguments) -> ReportView:
    whole = await asyncio.to_thread(host.at_head, "report", lambda: _report(host))
    return _page(whole, arguments.first)


def _page(whole: ReportView, first: int) -> ReportView:
    head = whole.model_copy(update={name: [] for name in LISTS} | ({} if first == 0 else _ON_LATER_PAGES))
    rows = list(zip_longest(*(getattr(whole, name) for name in LISTS)))
    page = page_of(
        rows,
        first,
        lambda row: _Row(**dict(zip(LISTS, row, strict=True))),
        most=_MOST_ROWS,
        beside=len(head.model_dump_json()),
    )
    shown = {name: [one for row in page.rows if (one := getattr(row, name)) is not None] for name in LISTS}
    return head.model_copy(update={**shown, "next": page.next})


def _report(host: Host) -> ReportView:
    records = list(host.records())
    book = book_of(host)
    stages = {r.body["tool"]: dict(r.body["meta"]) for r in _outcomes(host) if r.body["tool"] in _STAGES}
    stops = [r.body for r in records if r.kind == "session" and r.body.get("stop_reason")]
    ladder = [_round_view(host, book, summary) for summary in summaries(host, book)]
    return ReportView(
        session=host.folder.name,
        corpus=host.corpus_path.name,
        seed=host.config.seed,
        base=host.config.student.base,
        scoring=host.config.benchmark.scoring,
        stop_reason=str(stops[-1]["stop_reason"]) if stops else "",
        stop_detail=str(stops[-1]["detail"]) if stops else "",
        stages=stages,
        benchmark=_benchmark_view(host, book),
        ladder=ladder,
        decisions=[
            DecisionView(
                seq=r.seq,
                kind=r.body["decision"]["kind"],
                reason=r.body["decision"]["reason"],
                chosen_by=r.body["decision"]["chosen_by"],
                asked=proposal_said(r.body),
                options=list(r.body["decision"]["options"]),
            )
            for r in records
            if r.kind == "decision"
        ],
        steering=[steering_record(r) for r in records if r.kind == "steering"],
        case=find_repaired_case(host, book),
        controls=reference_controls(host.config, host.folder.corpus_digest),
        budget=dict(records[-1].budget or {}) if records else {},
    )


def steering_record(record: Record) -> SteeringRecord:
    """What a steering record of the log says."""
    body = record.body
    limits = ", ".join(
        f"{name} {'unlimited' if limit is None else format(limit, 'g')}"
        for name, limit in body["limits"].items()
    )
    return SteeringRecord(
        seq=record.seq,
        kind=body["kind"],
        about=body["option"] or limits,
        by=body["by"],
        why=body["why"],
        effect=body["effect"],
    )


_MOST_ROWS = 12
_ON_LATER_PAGES: dict[str, Any] = {"stages": {}, "benchmark": {}, "case": None, "controls": None}
_MOST_POINTS = 100  # of a loss curve: a plot needs no more
_STAGES = ("curate_corpus", "extract_knowledge", "build_benchmark", "synthesise_examples")


def _benchmark_view(host: Host, book: Book) -> dict[str, Any]:
    if not book.benchmark_id:
        return {}
    benchmark = load_benchmark(host.store, book.benchmark_id)
    dev, sealed = benchmark.of(Split.DEV), benchmark.of(Split.SEALED)
    return {
        "benchmark_id": benchmark.benchmark_id,
        "digest": benchmark.digest,
        "dev": len(dev),
        "sealed": len(sealed),
        "groups": len({item.group_id for item in benchmark.items}),
        "left_out": dict(Counter(left.reason for left in benchmark.left_out)),
    }


def _label(summary: RoundSummary) -> str:
    return "Base" if summary.kind == "base" else f"V{summary.round + 1}"


def _round_view(host: Host, book: Book, summary: RoundSummary) -> RoundView:
    entry = _entry(book, summary)
    return RoundView(
        **rung_figures(host, book, summary), loss=_loss(host, entry), training=_training(host, entry)
    )


def _entry(book: Book, summary: RoundSummary) -> Round | None:
    return None if summary.kind == "base" else book.rounds[summary.round]


def rung_figures(host: Host, book: Book, summary: RoundSummary) -> dict[str, Any]:
    """The fields of a Rung."""
    entry, meta = _entry(book, summary), evaluation_meta(host, summary.adapter_id)
    return {
        "label": _label(summary),
        "kind": summary.kind,
        "adapter_id": summary.adapter_id,
        "dev": _interval(summary.dev),
        "sealed": _interval(summary.sealed),
        "general": _interval(summary.general),
        "accepted": summary.accepted,
        "format_errors": int(meta["dev"]["format_errors"]) + int(meta["sealed"]["format_errors"]),
        "off_options": int(meta["dev"]["off_options"]) + int(meta["sealed"]["off_options"]),
        "unscored": int(meta["dev"]["unscored"]) + int(meta["sealed"]["unscored"]),
        "slices": meta["dev"]["slices"],
        "general_by": meta["general"]["slices"]["kind"],
        "diagnoses": _diagnosis_counts(host, entry),
        "patch_rows": _patch_counts(host, entry),
        "mixture_rows": _mixture_counts(host, entry),
        "repaired": len(repaired_items(host, book, entry)) if entry else 0,
        "verdict": to_plain(load_verdict(host.store, entry.verdict_id))
        if entry and entry.verdict_id
        else None,
    }


def _interval(value: Any) -> IntervalView:
    return IntervalView(**to_plain(value))


def evaluation_meta(host: Host, model: str) -> dict[str, Any]:
    """The figures that a model's evaluation recorded; sealed in aggregate."""
    for record in _outcomes(host):
        if record.body["tool"] == "evaluate_model" and record.body["arguments"]["model"] == model:
            return dict(record.body["meta"])
    raise ToolError(f"{model} was not evaluated in this session")


def _outcomes(host: Host) -> Iterator[Record]:
    """The outcomes of calls that succeeded."""
    return (r for r in host.records() if r.kind == "outcome" and r.body["ok"])


def _diagnosis_counts(host: Host, entry: Round | None) -> dict[str, int]:
    if entry is None or not entry.diagnosis_id:
        return {}
    return dict(sorted(Counter(d.kind.value for d in load_diagnoses(host.store, entry.diagnosis_id)).items()))


def _patch_counts(host: Host, entry: Round | None) -> dict[str, int]:
    if entry is None or not entry.patch_id:
        return {}
    rows = load_patch(host.store, entry.patch_id)
    return dict(sorted(Counter(f"{row.role.value} {row.example.kind.value}" for row in rows).items()))


def _mixture_counts(host: Host, entry: Round | None) -> dict[str, int]:
    if entry is None:
        return {}
    for record in _outcomes(host):
        if record.body["artifacts"].get("mixture") == entry.mixture_id:
            return dict(record.body["meta"]["roles"])
    return {}


def _loss(host: Host, entry: Round | None) -> list[list[float]]:
    """The loss curve as [step, loss] pairs, at most 100 of them."""
    if entry is None or not entry.adapter_id:
        return []
    path = host.store.file("adapter", entry.adapter_id, "loss.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    every = max(1, math.ceil(len(rows) / _MOST_POINTS))
    return [[float(row["step"]), round(float(row["loss"]), 4)] for row in rows[::every]]


def _training(host: Host, entry: Round | None) -> dict[str, Any]:
    if entry is None or not entry.adapter_id:
        return {}
    adapter = to_plain(load_adapter(host.store, entry.adapter_id))
    for record in _outcomes(host):
        if record.body["artifacts"].get("adapter") == entry.adapter_id:
            return {**adapter, **dict(record.body["meta"])}
    return dict(adapter)


TOOL = Tool(
    "report_session",
    "The report of the session, a page at a time: stages, the ladder of rounds with intervals, decisions, diagnoses, patches and "
    "one repaired case followed back to its sentence.",
    ReportArguments,
    ReportView,
    report_session,
    scope="read",
)
