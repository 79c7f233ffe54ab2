"""Whole simulated sessions: V1, then rounds for as long as the real policy goes on, each judged by the real verdict.

A candidate is as good as its incumbent, or better by a true gain until one such candidate is accepted. An acceptance is false
when nothing was better. After a rejection the incumbent stays, with its luck, so that looks depend on each other as real ones do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evals.error_rates.noise import Noise
from evals.error_rates.population import Population
from evals.pairing import pair_general
from evals.statistics import gain_interval, next_share
from evals.summary import accuracy
from evals.verdict import judge
from proda_core.config import Config
from proda_core.policy import RulePolicy
from proda_core.types import (
    DecisionKind,
    DiagnosisKind,
    EvalReport,
    Observations,
    RoundSummary,
)

PATCHABLE_SHARE = 0.9  # of the failures; the rest touch what is sealed
MOST_ROUNDS = 12  # where no budget ends a session


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated: ``gain`` is what the first better candidate has over V1, by set; none means that nothing is better."""

    population: Population
    noise: Noise
    config: Config
    gain: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """One verdict of a session: whether it accepted, whether there was anything to find, and whether it left it undecided."""

    accepted: bool
    better: bool
    undecided: bool


def simulate(plan: Plan, rng: np.random.Generator) -> tuple[Look, ...]:
    """One session from V1 to its end: its verdicts in order."""
    session = _Session(plan, rng)
    policy = RulePolicy.of(plan.config)
    looks: list[Look] = []
    while (decision := policy.decide(session.observed(looks))).kind is not DecisionKind.STOP:
        candidate = session.candidate()
        verdict = judge(
            incumbent=session.incumbent,
            candidate=candidate,
            benchmark=plan.population.benchmark,
            config=plan.config.verdict,
            before=[look.accepted for look in looks],
        )
        better = bool(plan.gain) and not any(look.accepted for look in looks)
        looks.append(Look(verdict.accepted, better, bool(verdict.more_items)))
        session.add(candidate, decision.kind.value, accepted=verdict.accepted)
    return tuple(looks)


class _Session:
    """What a session has come to: its ladder, its incumbent, and the luck of the models still to be trained."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.plan = plan
        self.rounds = plan.config.budget.rounds or MOST_ROUNDS
        self._lucks = plan.population.draw(plan.noise, self.rounds + 2, rng)
        self._shifts = {name: getattr(plan.noise, name).shift(gain) for name, gain in plan.gain.items()}
        self._base = self._lucks.report(0, "base", {})
        self.ladder: list[RoundSummary] = []
        self._once: set[str] = set()  # dev items that an earlier incumbent had right
        self.incumbent = self._base
        self.add(self._base, "base", accepted=True)
        self.add(self._lucks.report(1, "a_1", {}), "v1", accepted=True)

    def candidate(self) -> EvalReport:
        """The next model, trained with whatever gain the plan has; an incumbent that was accepted has it too."""
        number = len(self.ladder)
        return self._lucks.report(number, f"a_{number}", self._shifts)

    def add(self, report: EvalReport, kind: str, *, accepted: bool) -> None:
        self.ladder.append(
            RoundSummary(
                round=len(self.ladder) - 1,
                kind=kind,
                adapter_id=report.model,
                dev=accuracy(report.dev),
                sealed=accuracy(report.sealed),
                general=accuracy(report.general),
                accepted=accepted,
                patch_digest=report.model if kind == DecisionKind.PATCH else "",
            )
        )
        if accepted:
            if self.incumbent is not self._base:
                self._once |= {score.item_id for score in self.incumbent.dev if score.correct}
            self.incumbent = report

    def observed(self, looks: Sequence[Look]) -> Observations:
        """As the host would fold them: every failure is a concept gap, and neither time nor disk is limited."""
        wrong = {score.item_id for score in self.incumbent.dev if not score.correct}
        patchable = round(PATCHABLE_SHARE * len(wrong))
        general = pair_general(self._base, self.incumbent).by_group()
        return Observations(
            round=len(self.ladder) - 2,
            incumbent=self.incumbent.model,
            rounds=tuple(self.ladder),
            failures=len(wrong),
            diagnoses={DiagnosisKind.CONCEPT_GAP.value: len(wrong)},
            patchable=patchable,
            unpatchable_sealed=len(wrong) - patchable,
            lost_items=len(wrong & self._once),
            general_drop=gain_interval(general, seed=0) if general else None,
            rejected_in_a_row=_rejected_in_a_row(looks),
            replayed_since_patch=self.ladder[-1].kind == DecisionKind.REPLAY,
            wall_left_s=None,
            round_cost_s=0.0,
            rounds_left=self.rounds - len(looks),
            disk_left_bytes=None,
            stop_requested=False,
            target_dev=self.plan.config.policy.target_dev,
            next_share=next_share([look.accepted for look in looks], self.plan.config.verdict.max_verdicts),
        )


def _rejected_in_a_row(looks: Sequence[Look]) -> int:
    return next((n for n, look in enumerate(reversed(looks)) if look.accepted), len(looks))
