"""Each EvalReport of a session as a log of Inspect (``.eval``), written with Inspect's own API.

Dev items stand in it one by one: what was asked, the options, the target, what the model answered, its score and diagnosis.
Sealed items and general tasks are figures, by no item. The same report gives the same bytes under the same version of Inspect.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import inspect_ai
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput
from inspect_ai.scorer import Score as InspectScore

from evals.summary import SetSummary, summarise
from proda_core import __version__
from proda_core.answering import asked_of
from proda_core.artifacts import write_atomic
from proda_core.errors import ToolError
from proda_core.layout import LETTERS
from proda_core.records import load_adapter, load_diagnoses, load_report, load_verdict
from proda_core.types import Benchmark, Diagnosis, EvalReport, Item, Score, Scoring, Split
from tools.book import Round, call_behind
from tools.host import Host
from tools.work import book_of

TASK = "proda_benchmark"
_SCORER = "dev"


def export_eval_logs(host: Host, out: Path) -> list[Path]:
    """A file for each model that was scored, the base first; ToolError when there is none."""
    book = book_of(host)
    scored: list[tuple[str, str, Round | None]] = [("base", book.base_report_id, None)]
    scored += [(f"V{entry.number + 1}", entry.report_id, entry) for entry in book.rounds]
    known = [one for one in scored if one[1]]
    if not known:
        raise ToolError(f"session {host.folder.name} has scored no model yet: there is no report to export")
    benchmark = host.benchmark(book.need("benchmark_id"))
    written = []
    for label, report_id, entry in known:
        path = out / f"{label}-{report_id}.eval"
        write_atomic(path, _bytes_of(_log_of(host, benchmark, (label, report_id, entry))))
        written.append(path)
    return written


def _log_of(host: Host, benchmark: Benchmark, scored: tuple[str, str, Round | None]) -> EvalLog:
    label, report_id, entry = scored
    report = load_report(host.store, report_id)
    intent, outcome = call_behind(host.records(), "report", report_id)
    about = _about(host, benchmark, scored)
    dev = benchmark.of(Split.DEV)
    spec = EvalSpec(
        eval_id=report_id,
        run_id=host.folder.name,
        created=outcome.at,
        task=TASK,
        task_id=benchmark.benchmark_id,
        task_version=benchmark.digest,
        task_args={"scoring": benchmark.scoring.value, "split": Split.DEV.value},
        dataset=EvalDataset(
            name=benchmark.benchmark_id,
            location=f"sha256:{benchmark.digest}",
            samples=len(dev),
            sample_ids=[item.item_id for item in dev],
            shuffled=False,
        ),
        model=f"proda/{report.model}",
        model_args={name: about[name] for name in ("base", "base_digest", "adapter") if name in about},
        config=EvalConfig(),
        packages={"proda-agent": __version__, "inspect_ai": inspect_ai.__version__},
        metadata=about,
        tags=[label],
    )
    samples = list(_samples(report, dev, benchmark.scoring, _diagnoses(host, entry)))
    return EvalLog(
        status="success",
        eval=spec,
        results=_results(report, len(samples)),
        stats=EvalStats(started_at=intent.at, completed_at=outcome.at),
        samples=samples,
    )


def _about(host: Host, benchmark: Benchmark, scored: tuple[str, str, Round | None]) -> dict[str, Any]:
    """Where a report stands in its session: the IDs to go on from with ``proda audit explain``."""
    label, report_id, entry = scored
    about: dict[str, Any] = {
        "session": host.folder.name,
        "round": label,
        "report": report_id,
        "benchmark": benchmark.benchmark_id,
        "benchmark_digest": benchmark.digest,
        "snapshot_digest": benchmark.snapshot_digest,
        "corpus_digest": host.corpus_digest,
        "scoring": benchmark.scoring.value,
        "base": host.config.student.base,
    }
    if entry is None:
        return about
    adapter = load_adapter(host.store, entry.adapter_id)
    about |= {"base": adapter.base, "base_digest": adapter.base_digest, "adapter": entry.adapter_id}
    about |= {"mixture": entry.mixture_id, "kind": entry.kind, "accepted": entry.accepted}
    about |= {name: key for name, key in _made_for(entry).items() if key}
    if entry.verdict_id:
        verdict = load_verdict(host.store, entry.verdict_id)
        about |= {"incumbent": verdict.incumbent, "reasons": list(verdict.reasons), "p_dev": verdict.p_dev}
    return about


def _made_for(entry: Round) -> dict[str, str]:
    return {"patch": entry.patch_id, "diagnosis": entry.diagnosis_id, "verdict": entry.verdict_id}


def _diagnoses(host: Host, entry: Round | None) -> dict[str, Diagnosis]:
    if entry is None or not entry.diagnosis_id:
        return {}
    return {one.item_id: one for one in load_diagnoses(host.store, entry.diagnosis_id)}


def _samples(
    report: EvalReport, dev: tuple[Item, ...], scoring: Scoring, why: dict[str, Diagnosis]
) -> Iterator[EvalSample]:
    items = {item.item_id: item for item in dev}
    for score in report.dev:
        item = items[score.item_id]
        metadata = {"chain": item.chain_id, **score.slices}
        if score.item_id in why:
            metadata["diagnosis"] = why[score.item_id].kind.value
        said = ChatMessageAssistant(id=f"{report.report_id}:{item.item_id}", content=score.output)
        yield EvalSample(
            id=item.item_id,
            epoch=1,
            input=asked_of(item.stem, item.options, scoring),
            choices=list(item.options),
            target=LETTERS[item.gold_index],
            output=ModelOutput(
                model=f"proda/{report.model}",
                choices=[ChatCompletionChoice(message=said, stop_reason="stop")],
            ),
            scores={_SCORER: _score(score)},
            metadata=metadata,
            uuid=f"{report.report_id}:{item.item_id}",
        )


def _score(score: Score) -> InspectScore:
    if score.value is None:
        return InspectScore.unscored(reason=score.reason)
    answer = None if score.answer is None else LETTERS[score.answer]
    return InspectScore(value="C" if score.correct else "I", answer=answer, reason=score.reason or None)


def _results(report: EvalReport, samples: int) -> EvalResults:
    found = summarise(report)
    sets = {_SCORER: found.dev, "sealed": found.sealed, "general": found.general}
    return EvalResults(
        total_samples=samples,
        completed_samples=samples,
        scores=[_set_score(name, known) for name, known in sets.items()],
    )


def _set_score(name: str, known: SetSummary) -> EvalScore:
    """A set in figures, with its 95 % interval; dev is the one that has samples in the log."""
    accuracy = known.accuracy
    figures = {"accuracy": accuracy.value, "accuracy_low": accuracy.low, "accuracy_high": accuracy.high}
    return EvalScore(
        name=name,
        scorer=name,
        scored_samples=accuracy.n,
        unscored_samples=known.unscored + known.withdrawn,
        metrics={key: EvalMetric(name=key, value=value) for key, value in figures.items()},
        metadata={"format_errors": known.format_errors, "off_options": known.off_options},
    )


def _bytes_of(log: EvalLog) -> bytes:
    """The file as Inspect writes it, its entries dated by the log and not by the clock."""
    date = datetime.fromisoformat(log.eval.created).timetuple()[:6]
    packed = BytesIO()
    with TemporaryDirectory(prefix="proda-eval-") as folder:
        path = Path(folder) / "log.eval"
        write_eval_log(log, path)
        with zipfile.ZipFile(path) as made, zipfile.ZipFile(packed, "w") as kept:
            for entry in made.infolist():
                dated = zipfile.ZipInfo(entry.filename, date)
                kept.writestr(dated, made.read(entry), compress_type=zipfile.ZIP_DEFLATED)
    return packed.getvalue()
