"""judge_candidate: accept or reject a round's adapter against the incumbent, paired on the same items."""

from __future__ import annotations

import asyncio

from evals.verdict import judge
from evals.withdrawals import Withdrawal, apply_withdrawals, in_time, read_withdrawals
from proda_core.errors import ToolError
from proda_core.records import load_report, load_verdict, save_verdict
from proda_core.serialize import to_plain
from proda_core.types import EvalReport, Verdict
from tools.base import ID, Tool, ToolModel
from tools.book import Book
from tools.host import Host
from tools.pins import refuse_changed
from tools.work import Performed, book_of, perform


class JudgeArguments(ToolModel):
    report_id: ID


class VerdictView(ToolModel):
    """``verdict`` is the plain form of the Verdict type."""

    verdict_id: str
    accepted: bool
    verdict: dict[str, object]


async def judge_candidate(host: Host, arguments: JudgeArguments) -> VerdictView:
    return await asyncio.to_thread(_judge, host, arguments)


def _judge(host: Host, arguments: JudgeArguments) -> VerdictView:
    book = book_of(host)
    entry = book.round_of(
        report_id=arguments.report_id
    )  # before the intent: what cannot be judged is no call
    if book.incumbent is None or (entry.accepted and not entry.verdict_id):
        raise ToolError("V1 is the first incumbent and has nobody to be judged against; judge a later round")
    call = {"report_id": arguments.report_id}
    made = perform(host, "judge_candidate", call, lambda: _decide(host, arguments.report_id))
    verdict = load_verdict(host.store, made.artifacts["verdict"])
    return VerdictView(
        verdict_id=made.artifacts["verdict"], accepted=verdict.accepted, verdict=to_plain(verdict)
    )


def _decide(host: Host, report_id: str) -> Performed:
    book = book_of(host)
    entry = book.round_of(report_id=report_id)
    refuse_changed(host, [report_id, book.incumbent.report_id if book.incumbent else ""])
    verdict = verdict_on(host, book, report_id)
    manifest = save_verdict(host.store, verdict)
    host.own.ledger.settle("rounds", entry.mixture_id, 1)
    late = len(_withdrawals(host, load_report(host.store, report_id))[1])
    meta = {"accepted": verdict.accepted, "incumbent": verdict.incumbent, "reasons": list(verdict.reasons)}
    if late:
        meta["withdrawn_too_late"] = late
    return Performed({"verdict": manifest.artifact_id}, meta)


def verdict_on(host: Host, book: Book, report_id: str) -> Verdict:
    """The verdict on a report against the book's incumbent, from the reports alone; nothing is written."""
    incumbent = book.incumbent
    if incumbent is None:
        raise ToolError("there is no incumbent to judge against yet: evaluate V1 first")
    candidate = load_report(host.store, report_id)
    withdrawn, _ = _withdrawals(host, candidate)
    return judge(
        incumbent=apply_withdrawals(load_report(host.store, incumbent.report_id), withdrawn),
        candidate=apply_withdrawals(candidate, withdrawn),
        benchmark=host.benchmark(book.need("benchmark_id")),
        config=host.config.verdict,
        before=book.verdicts,
    )


def _withdrawals(host: Host, candidate: EvalReport) -> tuple[list[Withdrawal], list[Withdrawal]]:
    """Those made before the candidate was scored, and those made after it, which count from the next candidate on."""
    found = read_withdrawals(host.folder.root)
    counted = in_time(found, candidate)
    return counted, [one for one in found if one not in counted]


TOOL = Tool(
    "judge_candidate",
    "Give the verdict on a round's evaluated adapter against the incumbent: dev must improve significantly; sealed, general "
    "skill and every discipline must not fall. Logged.",
    JudgeArguments,
    VerdictView,
    judge_candidate,
)
