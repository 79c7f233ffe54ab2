"""An adapter's model card as model hubs read it: what it is, how it did beside the others, what it cannot do, how to load it.

The front matter is written by the hub's own library; figures of sealed items are aggregates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from string import Template

from huggingface_hub import EvalResult, ModelCardData

from evals.summary import accuracy
from proda_core.records import load_adapter, load_mixture, load_report, load_verdict
from proda_core.types import Adapter, EvalReport, Interval
from tools.book import Book, Round
from tools.host import Host

_CARD = Template(Path(__file__).with_name("model_card.md").read_text(encoding="utf-8"))
_SETS = ("dev", "sealed", "general")


def model_card(host: Host, book: Book, entry: Round, *, statement: str) -> str:
    """The card of a round's adapter; ``statement`` is the file beside it that says what it was made from."""
    adapter = load_adapter(host.store, entry.adapter_id)
    mixture = load_mixture(host.store, entry.mixture_id)
    roles: dict[str, int] = {}
    for row in mixture.rows:
        roles[row.role.value] = roles.get(row.role.value, 0) + 1
    rows = ", ".join(f"{count:,} {role}" for role, count in sorted(roles.items()))
    return _CARD.substitute(
        front_matter=_front_matter(host, book, entry, adapter).to_yaml(),
        label=_label(entry),
        session=host.folder.name,
        base=adapter.base,
        base_literal=json.dumps(adapter.base),
        base_digest=adapter.base_digest[:16],
        kind=entry.kind,
        steps=adapter.steps,
        tokens=f"{adapter.tokens:,}",
        standing=_standing(book, entry),
        corpus=host.corpus_path.name,
        corpus_digest=host.corpus_digest[:16],
        mixture=entry.mixture_id,
        rows=f"{len(mixture.rows):,} rows ({rows})",
        benchmark=book.need("benchmark_id"),
        ladder="\n".join(_ladder(host, book, entry)),
        verdict="\n".join(_reasons(host, entry)),
        statement=statement,
        adapter=entry.adapter_id,
    )


def _label(entry: Round) -> str:
    return f"V{entry.number + 1}"


def _front_matter(host: Host, book: Book, entry: Round, adapter: Adapter) -> ModelCardData:
    report = load_report(host.store, entry.report_id) if entry.report_id else None
    results = [] if report is None else list(_results(report, book.need("benchmark_id")))
    return ModelCardData(
        language="en",
        library_name="peft",
        pipeline_tag="text-generation",
        base_model=adapter.base,
        tags=["lora", "programming-with-data"],
        model_name=f"{_label(entry)} of {host.folder.name}",
        eval_results=results or None,
    )


def _results(report: EvalReport, benchmark_id: str) -> Iterator[EvalResult]:
    for name in _SETS:
        found = accuracy(getattr(report, name))
        if found.n:
            yield EvalResult(
                task_type="question-answering",
                dataset_type="general-suite" if name == "general" else benchmark_id,
                dataset_name=f"{name} (n = {found.n})",
                dataset_split=name,
                dataset_revision=report.benchmark_digest,
                metric_type="accuracy",
                metric_name=f"accuracy, 95 % interval {100 * found.low:.1f} to {100 * found.high:.1f} %",
                metric_value=round(100 * found.value, 1),
            )


def _standing(book: Book, entry: Round) -> str:
    if book.incumbent is entry:
        return "It is the session's incumbent."
    return "It was accepted, and another one after it." if entry.accepted else "It was not accepted."


def _ladder(host: Host, book: Book, own: Round) -> Iterator[str]:
    """A row for the base and for each model; the card's own in bold."""
    yield from _row(host, "base", book.base_report_id, "")
    for entry in book.rounds:
        said = "" if not entry.verdict_id else "accepted" if entry.accepted else "rejected"
        label = f"**{_label(entry)}**" if entry is own else _label(entry)
        yield from _row(host, label, entry.report_id, "first" if entry.kind == "v1" else said)


def _row(host: Host, label: str, report_id: str, verdict: str) -> Iterator[str]:
    if report_id:
        report = load_report(host.store, report_id)
        cells = [_said(accuracy(getattr(report, name))) for name in _SETS]
        yield f"| {label} | {' | '.join(cells)} | {verdict} |"


def _said(found: Interval) -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.0f}–{100 * found.high:.0f}, n = {found.n})"


def _reasons(host: Host, entry: Round) -> list[str]:
    if not entry.verdict_id:
        return []
    verdict = load_verdict(host.store, entry.verdict_id)
    said = "accepted" if verdict.accepted else "rejected"
    heading = f"The verdict against `{verdict.incumbent}`: {said}."
    return ["", heading, "", *(f"- {one}" for one in verdict.reasons)]
