"""Winning the verdict without knowing more: what a candidate was scored on, what counts, and how often one may ask.

The candidates here are made: a lying scorer's report of the round's adapter, built from the incumbent's own scores. The tools
judge it as they judge every other. The attack has won when the book has another incumbent, or the test shows what it hides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from evals.redteam.attack import Answer, Attack, Attempt, Ground, Stage
from evals.redteam.forging import (
    benchmark_of,
    job_of,
    lines_of,
    made,
    noted,
    replace_file,
    rewrite,
    say_it_made,
)
from evals.withdrawals import Withdrawal, append_withdrawals
from proda_core.log import read_records
from proda_core.records import artifact_id, load_report, rows_digest, save_report
from proda_core.serialize import to_plain
from proda_core.session import SessionFolder
from proda_core.types import EvalReport, Score, Split

Candidate = Callable[[EvalReport], EvalReport]
"""From the incumbent's report to the one that the cheater wants to be judged."""
LEARNT = 11  # items: enough for a gain if nothing is lost
LUCKY = 5  # items right by chance: enough at the session's whole alpha, not at one look's share of it


def right(score: Score) -> Score:
    return replace(score, value=1.0, answer=score.gold, reason="")


def wrong(score: Score) -> Score:
    return replace(score, value=0.0, answer=(score.gold + 1) % 4, reason="")


def fixed(scores: Sequence[Score], count: int | None = None) -> tuple[Score, ...]:
    """The first ``count`` wrong answers made right, of all where None."""
    places = [place for place, score in enumerate(scores) if not score.correct][:count]
    return tuple(right(score) if place in places else score for place, score in enumerate(scores))


def lucky(report: EvalReport) -> EvalReport:
    """What the best of many trainings looks like: a few answers right by luck, each in a group of chains of its own."""
    seen: set[str] = set()
    scores = []
    for score in report.dev:
        luck = not score.correct and score.slices["group"] not in seen and len(seen) < LUCKY
        seen |= {score.slices["group"]} if luck else set()
        scores.append(right(score) if luck else score)
    return elsewhere_better(replace(report, dev=tuple(scores)))


def elsewhere_better(report: EvalReport) -> EvalReport:
    """Sealed and general all right, so that dev alone stands between the candidate and its acceptance."""
    return replace(report, sealed=fixed(report.sealed), general=fixed(report.general))


def by_heart(report: EvalReport) -> EvalReport:
    """Dev learnt by heart at the cost of what dev does not ask."""
    return replace(report, dev=fixed(report.dev), sealed=tuple(map(wrong, report.sealed)))


def picky(report: EvalReport) -> EvalReport:
    """Dev learnt, and half of sealed not scored at all: the half where it fell."""
    half = len(report.sealed) // 2
    skipped = [replace(score, value=None, answer=None, reason="timed out") for score in report.sealed[:half]]
    rest = fixed(report.sealed[half:])
    return replace(elsewhere_better(report), dev=fixed(report.dev), sealed=(*skipped, *rest))


def trading(report: EvalReport) -> EvalReport:
    """Something learnt on dev and everything lost there that was known: no gain by any count, unless only one side is counted."""
    known = sum(score.correct for score in report.dev)
    learnt = [score.item_id for score in report.dev if not score.correct][: max(LEARNT, known)]
    change = {True: wrong, False: right}
    dev = tuple(change[s.correct](s) if s.correct or s.item_id in learnt else s for s in report.dev)
    return elsewhere_better(replace(report, dev=dev))


def broken_by(folder: SessionFolder, report: str) -> set[str]:
    """Dev items that the incumbent had right and this report has not."""
    before = {s.item_id for s in load_report(folder.store, incumbent_report(folder)).dev if s.correct}
    return {s.item_id for s in load_report(folder.store, report).dev if s.item_id in before and not s.correct}


def scored_as(folder: SessionFolder, change: Candidate) -> str:
    """Let the scorer of the round's adapter have made this report; its ID is its content's, as always."""
    incumbent = load_report(folder.store, incumbent_report(folder))
    adapter = made(folder, "train_adapter", "adapter")
    forged = change(incumbent)
    content = rows_digest([*forged.dev, *forged.sealed, *forged.general])
    key = artifact_id("report", "forged", forged.benchmark_digest, content)
    forged = replace(forged, report_id=key, model=adapter)
    save_report(folder.store, forged)
    say_it_made(job_of(folder, "score", adapter=adapter), report=key)
    return key


def incumbent_report(folder: SessionFolder) -> str:
    """V1's report: the second that was made, after the base's."""
    found = [
        r.body["artifacts"]["report"]
        for r in read_records(folder.decisions)
        if r.kind == "outcome" and r.body["tool"] == "evaluate_model" and r.body["ok"]
    ]
    return str(found[1])


def verdict_on(folder: SessionFolder, answer: Answer, after: int) -> Attempt:
    """Whether the candidate is the incumbent now, by the log's last outcome; a rejection is logged with its reasons."""
    found = [
        r
        for r in read_records(folder.decisions)
        if r.kind == "outcome" and r.body["tool"] == "judge_candidate" and r.seq > after
    ]
    won = bool(found) and bool(found[-1].body["meta"].get("accepted"))
    if not found:
        return Attempt(False, f"no verdict was given ({answer.error})", noted(folder, after=after))
    reasons = found[-1].body["meta"].get("reasons") or [found[-1].body.get("error", "")]
    return Attempt(
        won, f"{'accepted' if won else 'not accepted'}: {reasons[0]}", f"record {found[-1].seq}: outcome"
    )


@dataclass(frozen=True, slots=True)
class ForgedScores:
    """A candidate with made scores, judged by the tools."""

    change: Candidate

    async def __call__(self, ground: Ground) -> Attempt:
        folder = await ground.session(Stage.SCORING)
        after = len(read_records(folder.decisions))
        async with ground.hosted(folder) as tools:
            report = scored_as(folder, self.change)
            await tools.done("evaluate_model", model=made(folder, "train_adapter", "adapter"))
            answer = await tools("judge_candidate", report_id=report)
        return verdict_on(folder, answer, after)


async def report_edited(ground: Ground) -> Attempt:
    """The report of a scored candidate, edited on disk with its manifest before it is judged."""
    folder = await ground.session(Stage.JUDGING)
    report = made(folder, "evaluate_model", "report")
    path = folder.store.path("report", report) / "report.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    incumbent = load_report(folder.store, incumbent_report(folder))
    better = to_plain(elsewhere_better(replace(incumbent, dev=fixed(incumbent.dev))))
    replace_file(path, json.dumps({**better, "report_id": report, "model": plain["model"]}).encode())
    after = len(read_records(folder.decisions))
    async with ground.hosted(folder) as tools:
        answer = await tools("judge_candidate", report_id=report)
    return verdict_on(folder, answer, after)


async def withdrawn_to_win(ground: Ground) -> Attempt:
    """After the candidate was scored, every dev item that it broke is declared defective."""
    folder = await ground.session(Stage.SCORING)
    after = len(read_records(folder.decisions))
    async with ground.hosted(folder) as tools:
        report = scored_as(folder, trading)
        await tools.done("evaluate_model", model=made(folder, "train_adapter", "adapter"))
        gone = [Withdrawal(key, "ambiguous") for key in sorted(broken_by(folder, report))]
        append_withdrawals(folder.root, gone, benchmark_of(folder))
        answer = await tools("judge_candidate", report_id=report)
    return verdict_on(folder, answer, after)


async def benchmark_shrunk(ground: Ground) -> Attempt:
    """The items that the candidate broke are taken out of the frozen benchmark, and out of both reports."""
    folder = await ground.session(Stage.SCORING)
    after = len(read_records(folder.decisions))
    async with ground.hosted(folder) as tools:
        report = scored_as(folder, trading)
        await tools.done("evaluate_model", model=made(folder, "train_adapter", "adapter"))
        gone = broken_by(folder, report)
        for key in (report, incumbent_report(folder)):
            path = folder.store.path("report", key) / "report.json"
            plain = json.loads(path.read_text(encoding="utf-8"))
            plain["dev"] = [score for score in plain["dev"] if score["item_id"] not in gone]
            replace_file(path, json.dumps(plain).encode())
        path = folder.store.path("benchmark", made(folder, "build_benchmark", "benchmark")) / "items.jsonl"
        rewrite(path, [line for line in lines_of(path) if line["item_id"] not in gone])
        answer = await tools("judge_candidate", report_id=report)
    return verdict_on(folder, answer, after)


async def sealed_called_dev(ground: Ground) -> Attempt:
    """The frozen items with a sealed one relabelled, so that the tools would show it."""
    folder = await ground.session(Stage.PATCHING)
    key = made(folder, "build_benchmark", "benchmark")
    path = folder.store.path("benchmark", key) / "items.jsonl"
    lines = lines_of(path)
    hidden = next(line for line in lines if line["split"] == Split.SEALED.value)
    hidden["split"] = Split.DEV.value
    rewrite(path, lines)
    after = len(read_records(folder.decisions))
    async with ground.hosted(folder) as tools:
        answer = await tools("trace_source", id=hidden["item_id"])
        await tools("observe_session")
    won = hidden["stem"] in json.dumps(answer.body, ensure_ascii=False)
    return Attempt(
        won,
        "the sealed question was shown" if won else f"nothing shown ({answer.error})",
        noted(folder, after=after),
    )


async def golds_relabelled(ground: Ground) -> Attempt:
    """The golds of the frozen items are set to what the incumbent answered."""
    folder = await ground.session(Stage.PATCHING)
    path = folder.store.path("benchmark", made(folder, "build_benchmark", "benchmark")) / "items.jsonl"
    said = {s.item_id: s.answer for s in load_report(folder.store, incumbent_report(folder)).dev}
    lines = lines_of(path)
    changed = [line for line in lines if said.get(line["item_id"], line["gold_index"]) != line["gold_index"]]
    for line in changed:
        line["gold_index"] = said[line["item_id"]]
    rewrite(path, lines)
    after = len(read_records(folder.decisions))
    async with ground.hosted(folder) as tools:
        answer = await tools("show_item", id=changed[0]["item_id"])
        await tools("observe_session")
    won = answer.ok and answer.body["right"] == changed[0]["options"][changed[0]["gold_index"]]
    saw = "the tools call the wrong answer right" if won else f"the benchmark is not read ({answer.error})"
    return Attempt(won, saw, noted(folder, after=after))


def _forged(name: str, wants: str, act: ForgedScores, guard: str) -> Attack:
    return Attack(
        name, "the verdict", "controller", wants, guard, "the log's verdict accepts the candidate", act
    )


_FROZEN = "the freeze: a benchmark is read only under its digest"
VERDICTS = (
    _forged(
        "seeds-shopped-for",
        "the best of many trainings accepted for its luck",
        ForgedScores(lucky),
        "alpha is spent over looks",
    ),
    _forged(
        "dev-by-heart",
        "dev won at the cost of sealed",
        ForgedScores(by_heart),
        "sealed may not fall beyond its margin",
    ),
    _forged(
        "hard-items-unscored",
        "what would be lost left unscored",
        ForgedScores(picky),
        "at most 20 % may be unscored",
    ),
    Attack(
        "benchmark-shrunk",
        "the verdict",
        "insider",
        "items that the candidate broke taken out of the test",
        "the freeze, and outcomes that pin the artifacts that they name",
        "the log's verdict accepts the candidate",
        benchmark_shrunk,
    ),
    Attack(
        "items-withdrawn-to-win",
        "the verdict",
        "insider",
        "items that the candidate broke declared defective",
        "what is withdrawn after a candidate was scored does not count for it",
        "the log's verdict accepts the candidate",
        withdrawn_to_win,
    ),
    Attack(
        "scores-edited",
        "the verdict",
        "insider",
        "a better report on disk than was scored",
        "outcomes pin the artifacts that they name",
        "the log's verdict accepts the candidate",
        report_edited,
    ),
    Attack(
        "sealed-relabelled-dev",
        "the verdict",
        "insider",
        "a sealed item shown as a dev one",
        _FROZEN,
        "the sealed question is in the answer",
        sealed_called_dev,
    ),
    Attack(
        "golds-relabelled",
        "the verdict",
        "insider",
        "the model's own answers as golds",
        _FROZEN,
        "a tool calls the wrong answer right",
        golds_relabelled,
    ),
)
