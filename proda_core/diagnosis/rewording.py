"""Failed chains asked in other words, from both ends: does the student join the chain, and only missed it as it was asked?

Asked under the benchmark's scoring, each chain once however many of its items failed. Chains without a probe are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proda_core.answering import ChoiceQuestion, answer_choices
from proda_core.diagnosis.permuting import PermutedRuns, beyond_guessing
from proda_core.diagnosis.setting import Setting
from proda_core.probing import build_chain_probes

if TYPE_CHECKING:
    from proda_core.students import Student


@dataclass(frozen=True, slots=True)
class Reworded:
    """How many of a chain's questions in other words were answered rightly."""

    right: int
    asked: int
    options: int

    @property
    def joined(self) -> bool:
        """Right more often than guessing is in one case of twenty."""
        return beyond_guessing(self.right, self.asked, self.options)


@dataclass(frozen=True, slots=True)
class Again:
    """What asking again showed: the item with its options permuted, its chain in other words; None where neither can be."""

    permuted: PermutedRuns | None
    reworded: Reworded | None

    @property
    def unstable(self) -> bool:
        permuted, reworded = self.permuted, self.reworded
        return (permuted is not None and permuted.unstable) or (reworded is not None and reworded.joined)


def ask_reworded(student: Student, chain_ids: Iterable[str], setting: Setting) -> dict[str, Reworded]:
    """By chain ID, all asked in one batch."""
    probes = build_chain_probes(setting.snapshot, chain_ids, seed=setting.seed)
    questions = [ChoiceQuestion(probe.chain_id, probe.stem, probe.options) for probe in probes]
    scoring, tokens = setting.benchmark.scoring, setting.max_new_tokens
    answers = answer_choices(student, questions, scoring=scoring, max_new_tokens=tokens) if probes else []
    found: dict[str, Reworded] = {}
    for probe, answer in zip(probes, answers, strict=True):
        before = found.get(probe.chain_id, Reworded(0, 0, len(probe.options)))
        right = before.right + (answer.choice == probe.gold)
        found[probe.chain_id] = Reworded(right, before.asked + 1, before.options)
    return found
