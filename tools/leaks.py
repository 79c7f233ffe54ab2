"""Leaks as an audit tells of them: what the guard refuses of a session's artifacts, or of somebody else's files.

No tool of the registry: it takes files and minutes that no client should name or spend. The command line asks for it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from proda_core.errors import Refusal
from proda_core.guard.foreign import RuleFinding, check_foreign
from proda_core.guard.lineage import LineageIndex
from proda_core.guard.recheck import Checked, recheck_store
from tools.base import ToolModel
from tools.host import Host
from tools.work import book_of

RULES = ("G1", "G2", "G3", "G4", "G5", "G6")
_MOST = 50


class RefusalView(ToolModel):
    """One row or artifact refused by one rule. The text of a sealed item is never in it."""

    rule: str
    where: str
    row: str
    detail: str


class RuleView(ToolModel):
    """One rule: how many refusals, or why it was not judged."""

    rule: str
    judged: bool
    why_not: str
    refused: int


class LeaksView(ToolModel):
    """``clean`` when no rule that was judged refuses anything; at most fifty ``refusals`` are shown."""

    clean: bool
    checked: list[str]
    rules: list[RuleView]
    refusals: list[RefusalView]


def check_session(host: Host) -> LeaksView:
    """All six rules over every examples, patch, mixture and adapter on disk."""
    checked = list(recheck_store(host.store))
    found = [(f"{one.kind} {one.artifact_id}", refusal) for one in checked for refusal in one.refusals]
    counts = Counter(refusal.rule for _, refusal in found)
    rules = [RuleView(rule=rule, judged=True, why_not="", refused=counts[rule]) for rule in RULES]
    return LeaksView(
        clean=not found,
        checked=[_said(one) for one in checked],
        rules=rules,
        refusals=[_view(refusal, where) for where, refusal in found[:_MOST]],
    )


def check_files(train: Path, benchmark: Path, graph: Host | None = None) -> LeaksView:
    """The rules that can be judged over a foreign training set and benchmark; ``graph``: whose snapshot to read knowledge by."""
    index = None if graph is None else _index(graph)
    findings = check_foreign(train, benchmark, index)
    return LeaksView(
        clean=not any(finding.refusals for finding in findings),
        checked=[f"{train.name} against {benchmark.name}"],
        rules=[_rule(finding) for finding in findings],
        refusals=[_view(refusal, train.name) for finding in findings for refusal in finding.refusals][:_MOST],
    )


def _index(host: Host) -> LineageIndex:
    return host.lineage(book_of(host).need("snapshot_id"))


def _said(one: Checked) -> str:
    rows = f", {one.rows} rows" if one.rows else ""
    return f"{one.kind} {one.artifact_id}{rows}"


def _rule(finding: RuleFinding) -> RuleView:
    return RuleView(
        rule=finding.rule, judged=finding.judged, why_not=finding.why_not, refused=len(finding.refusals)
    )


def _view(refusal: Refusal, where: str) -> RefusalView:
    return RefusalView(rule=refusal.rule, where=where, row=refusal.row_id, detail=refusal.detail)
