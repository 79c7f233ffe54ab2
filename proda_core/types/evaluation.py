"""Evaluation and diagnosis: Score, EvalReport, Mastery, Diagnosis, Verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Score:
    """A value in [0, 1] for one item, or *unscored* (``value`` None) with a reason. ``answer`` is the option index chosen."""

    item_id: str
    value: float | None
    answer: int | None
    gold: int
    reason: str = ""  # why unscored, or "format_error" or "off_options"
    output: str = ""  # the model's text, or option log-likelihoods as JSON
    slices: dict[str, str] = field(default_factory=dict)  # discipline, hops, group, kind

    @property
    def correct(self) -> bool:
        return self.value == 1.0

    @classmethod
    def unscored(cls, item_id: str, gold: int, reason: str) -> Score:
        return cls(item_id=item_id, value=None, answer=None, gold=gold, reason=reason)


@dataclass(frozen=True, slots=True)
class EvalReport:
    """All scores of one model on one benchmark and on the general suite, under one scoring."""

    report_id: str
    model: str  # "base" or an adapter ID
    benchmark_digest: str
    scoring: str
    dev: tuple[Score, ...]
    sealed: tuple[Score, ...]
    general: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Mastery:
    """What probing says of one concept (``c_``) or relation (``r_``): right of asked, corrected for guessing to [0, 1]."""

    node_id: str
    asked: int
    right: int
    corrected: float
    mastered: bool
    formats: dict[str, bool] = field(default_factory=dict)


class DiagnosisKind(StrEnum):
    CONCEPT_GAP = "concept_gap"
    REASONING_DEFICIT = "reasoning_deficit"
    ITEM_DEFECT = "item_defect"
    FORMAT_ERROR = "format_error"
    UNSTABLE = "unstable"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why one dev item failed. ``nodes``: the IDs not mastered (concept_gap), or not recalled in a chain (reasoning_deficit)."""

    item_id: str
    chain_id: str
    kind: DiagnosisKind
    nodes: tuple[str, ...]
    probes: tuple[Mastery, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its interval; ``n`` the number of items (or pairs)."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Accept or reject a candidate against the incumbent, paired on the same items. ``more_items`` is of undecided rejections."""

    candidate: str
    incumbent: str
    accepted: bool
    reasons: tuple[str, ...]
    alpha: float
    p_dev: float
    dev_fixed: int  # wrong before, right now
    dev_broken: int
    dev_gain: Interval
    sealed_gain: Interval
    general_gain: Interval
    disciplines_lost: tuple[str, ...] = ()
    more_items: dict[str, int] = field(default_factory=dict)  # set too small to decide -> items needed on top
