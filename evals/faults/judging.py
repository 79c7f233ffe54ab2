"""What was said of each failure against what was planted, one count a fault or false claim.

A gap counts once an item of its chain failed, and is found where a claim names its node (or, of a concept, one of its relations).
A deficit counts where an item failed and held-out probes say that its facts are known and still not joined; *as planted*
counts it without asking them. What is claimed of anything unplanted is false only where held-out probes disagree; the ends
of a missing relation count neither way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from evals.faults.heldout import KNOWN_FROM
from evals.faults.planting import Fault, Plan
from proda_core.types import Diagnosis, DiagnosisKind, Item, KnowledgeSnapshot

GAP, DEFICIT = DiagnosisKind.CONCEPT_GAP, DiagnosisKind.REASONING_DEFICIT
AS_PLANTED = "reasoning_deficit_as_planted"
KINDS = (GAP.value, DEFICIT.value, AS_PLANTED)


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says of one failed item; ``nodes`` where a gap is."""

    item_id: str
    chain_id: str
    kind: DiagnosisKind
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One planted training with what came of it. ``known`` and ``joined`` are held-out probes, corrected for guessing."""

    session: str
    plan: Plan
    snapshot: KnowledgeSnapshot
    failed: tuple[str, ...]  # item IDs
    said: tuple[Claim, ...]  # by diagnosis
    known: dict[str, float]
    joined: dict[str, float]
    rows: dict[str, int]
    wall_s: float

    @property
    def failures(self) -> tuple[Item, ...]:
        failed = set(self.failed)
        return tuple(item for item in self.plan.benchmark.items if item.item_id in failed)

    def knows(self, node: str) -> bool | None:
        """By held-out probes; None where they could not ask."""
        return None if node not in self.known else self.known[node] >= KNOWN_FROM

    def joins(self, chain_id: str) -> bool | None:
        """Whether held-out questions of the chain are answered; None where they could not be asked."""
        return None if chain_id not in self.joined else self.joined[chain_id] >= KNOWN_FROM

    def knows_facts_of(self, chain_id: str) -> bool:
        """No fact of the chain is unknown by held-out probes, or left out."""
        facts = self.snapshot.chains[chain_id].relation_ids
        return not self.plan.left_out.intersection(facts) and all(self.knows(r) is not False for r in facts)


class Guesser(Protocol):
    """Says why items failed without asking the model: a baseline, or a teacher that labels failures.

    ``others`` are trials of other seeds, to learn from; None where it cannot say anything.
    """

    @property
    def name(self) -> str: ...

    def claims(self, trial: Trial, others: Sequence[Trial]) -> tuple[Claim, ...] | None: ...


@dataclass(frozen=True, slots=True)
class Count:
    """One fault (``found`` or missed) or one false claim, with the chain group that it is of."""

    kind: str
    group: str
    found: bool = False
    missed: bool = False
    false: bool = False


def said_by_diagnosis(diagnoses: Iterable[Diagnosis]) -> tuple[Claim, ...]:
    return tuple(Claim(d.item_id, d.chain_id, d.kind, d.nodes) for d in diagnoses)


def judge(trial: Trial, claims: Sequence[Claim]) -> tuple[Count, ...]:
    """Every fault that showed and every false claim, counted once."""
    return (
        *_gaps(trial, claims),
        *_deficits(trial, claims, confirmed=True),
        *_deficits(trial, claims, confirmed=False),
    )


def shown(trial: Trial, kind: DiagnosisKind) -> tuple[Fault, ...]:
    """The planted faults of a kind of which an item failed."""
    failed = {item.chain_id for item in trial.failures}
    return tuple(fault for fault in trial.plan.of(kind) if fault.chain_id in failed)


def took(trial: Trial, chain_id: str) -> bool:
    """Whether held-out probes confirm a deficit: every fact of the chain known, and the chain not answered."""
    return trial.knows_facts_of(chain_id) and trial.joins(chain_id) is not True


def _gaps(trial: Trial, claims: Sequence[Claim]) -> Iterator[Count]:
    groups = _groups(trial)
    named = {node: c.chain_id for c in claims if c.kind is GAP for node in c.nodes}
    for fault in shown(trial, GAP):
        hit = bool(named.keys() & {fault.node, *fault.relations})
        yield Count(GAP.value, groups[fault.chain_id], found=hit, missed=not hit)
    planted = {node for f in trial.plan.of(GAP) for node in (f.node, *f.relations)}
    relations = (trial.snapshot.relations[key] for key in trial.plan.left_out)
    beside = {end for r in relations for end in (r.subject_id, r.object_id)}
    for node in sorted(named.keys() - planted - beside):
        if trial.knows(node):
            yield Count(GAP.value, groups[named[node]], false=True)


def _deficits(trial: Trial, claims: Sequence[Claim], *, confirmed: bool) -> Iterator[Count]:
    groups, kind = _groups(trial), DEFICIT.value if confirmed else AS_PLANTED
    claimed = {c.chain_id for c in claims if c.kind is DEFICIT}
    true = {f.chain_id for f in shown(trial, DEFICIT) if not confirmed or took(trial, f.chain_id)}
    for chain_id in sorted(true):
        hit = chain_id in claimed
        yield Count(kind, groups[chain_id], found=hit, missed=not hit)
    for chain_id in sorted(claimed - true):
        if not took(trial, chain_id):
            yield Count(kind, groups[chain_id], false=True)


def _groups(trial: Trial) -> dict[str, str]:
    return {i.chain_id: f"{trial.session}:{trial.plan.seed}:{i.group_id}" for i in trial.plan.benchmark.items}
