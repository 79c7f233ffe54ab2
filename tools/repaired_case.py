"""A repaired dev item, followed from the failed answer through diagnosis and patch to the sentence in the corpus.

Only dev items are ever followed; sealed ones are never read here.
"""

from __future__ import annotations

from dataclasses import dataclass

from proda_core.diagnosis import PATCHABLE
from proda_core.records import load_benchmark, load_diagnoses, load_patch, load_report
from proda_core.types import Diagnosis, EvalReport, Item, Score, Split
from tools.base import ToolModel
from tools.book import Book, Round
from tools.host import Host
from tools.provenance import StepView, steps_of


class RepairedCase(ToolModel):
    """``before`` and ``after`` are the models' answers; ``rows`` shows patch rows over the same relations."""

    item_id: str
    stem: str
    options: list[str]
    gold: str
    before_model: str
    before_answer: str
    before_output: str
    diagnosis: str
    detail: str
    rows: list[str]
    after_model: str
    after_answer: str
    after_output: str
    steps: list[StepView]


def repaired_items(host: Host, book: Book, entry: Round) -> list[str]:
    """Dev items wrong under the incumbent that ``entry`` was made against and right under ``entry``."""
    before = _incumbent_before(book, entry)
    if before is None or not entry.report_id:
        return []
    old, new = load_report(host.store, before.report_id), load_report(host.store, entry.report_id)
    wrong = {s.item_id for s in old.dev if s.value is not None and not s.correct}
    return sorted(s.item_id for s in new.dev if s.correct and s.item_id in wrong)


def _incumbent_before(book: Book, entry: Round) -> Round | None:
    return next((r for r in reversed(book.rounds[: entry.number]) if r.accepted), None)


@dataclass(frozen=True, slots=True)
class Repairs:
    """A patch round, the incumbent it was made against, and the diagnoses of what it repaired."""

    before: Round
    after: Round
    diagnoses: tuple[Diagnosis, ...]


def repairs_of(host: Host, book: Book, entry: Round) -> Repairs | None:
    """What ``entry`` repaired of what was patched for it; None for a round that is no scored patch round."""
    before = _incumbent_before(book, entry)
    if entry.kind != "patch" or not entry.report_id or before is None:
        return None
    repaired = set(repaired_items(host, book, entry))
    diagnosis_id = book.diagnoses.get(before.report_id, "")
    found = load_diagnoses(host.store, diagnosis_id) if diagnosis_id else ()
    patched = (one for one in found if one.item_id in repaired and one.kind in PATCHABLE)
    return Repairs(before, entry, tuple(patched))


def last_repairs(host: Host, book: Book) -> Repairs | None:
    """Those of the last accepted patch round that repaired something; None when none did."""
    for entry in reversed(book.rounds):
        found = repairs_of(host, book, entry) if entry.accepted else None
        if found is not None and found.diagnoses:
            return found
    return None


def find_repaired_case(host: Host, book: Book) -> RepairedCase | None:
    """A repaired item of the last accepted patch round whose diagnosis was patched; None when nothing was repaired."""
    found = last_repairs(host, book)
    return None if found is None else repaired_case(host, book, found, found.diagnoses[0])


def repaired_case(host: Host, book: Book, repairs: Repairs, diagnosis: Diagnosis) -> RepairedCase:
    """One of ``repairs``, from the failed answer to the sentence."""
    before, after = repairs.before, repairs.after
    items = {i.item_id: i for i in load_benchmark(host.store, book.benchmark_id).of(Split.DEV)}
    item = items[diagnosis.item_id]
    old = _score(load_report(host.store, before.report_id), item)
    new = _score(load_report(host.store, after.report_id), item)
    return RepairedCase(
        item_id=item.item_id,
        stem=item.stem,
        options=list(item.options),
        gold=item.gold,
        before_model=f"V{before.number + 1}",
        before_answer=answer_of(item, old),
        before_output=old.output,
        diagnosis=diagnosis.kind.value,
        detail=diagnosis.detail,
        rows=_rows(host, after.patch_id, item),
        after_model=f"V{after.number + 1}",
        after_answer=answer_of(item, new),
        after_output=new.output,
        steps=steps_of(host, book, host.snapshot(book.snapshot_id).chains[item.chain_id].relation_ids),
    )


def _score(report: EvalReport, item: Item) -> Score:
    return next(s for s in report.dev if s.item_id == item.item_id)


def answer_of(item: Item, score: Score) -> str:
    """The option that a model chose, in words."""
    return "no answer" if score.answer is None else item.options[score.answer]


def _rows(host: Host, patch_id: str, item: Item) -> list[str]:
    """The three patch rows that share most relations with the item's chain."""
    wanted = set(item.l2_ids)
    rows = sorted(
        load_patch(host.store, patch_id),
        key=lambda row: (-len(wanted.intersection(row.example.lineage.l2_ids)), row.example.example_id),
    )
    return [row.example.text for row in rows[:3] if wanted.intersection(row.example.lineage.l2_ids)]
