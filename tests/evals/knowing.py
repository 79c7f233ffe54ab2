"""A scripted student with exactly known knowledge: which facts, concepts and chains, and how often it slips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from evals.faults.heldout import HeldOut
from evals.faults.planting import Plan
from proda_core.layout import COT_SUFFIX, LETTERS, cot_answer
from proda_core.phi import verbalise
from proda_core.probing import build_chain_probes, build_probes
from proda_core.students import ScriptedStudent
from proda_core.types import DiagnosisKind, KnowledgeSnapshot


@dataclass(slots=True)
class Knowing:
    """Everything of a snapshot but what a plan leaves out, and every chain but those of planted shapes; with ``noise`` the
    share of prompts at which it does the opposite.
    """

    snapshot: KnowledgeSnapshot
    plan: Plan
    noise: float = 0.0
    _facts: dict[str, bool] = field(default_factory=dict)  # statement -> known
    _named: dict[str, tuple[str, bool]] = field(
        default_factory=dict
    )  # prompt about a concept -> right reply, known
    _recalled: dict[str, tuple[str, bool]] = field(default_factory=dict)
    _chains: dict[str, dict[str, bool]] = field(default_factory=dict)  # stem -> gold -> joined

    def student(self) -> ScriptedStudent:
        self._learn_facts()
        self._learn_concepts()
        self._learn_chains()
        return ScriptedStudent(self._reply, self._score)

    def _learn_facts(self) -> None:
        term = self.snapshot.term
        for key, relation in self.snapshot.relations.items():
            said = verbalise(relation.type, term(relation.subject_id), term(relation.object_id))
            self._facts[said] = key not in self.plan.left_out
        for probe in build_probes(self.snapshot, self.snapshot.relations, seed=self.plan.seed):
            if probe.accepted:
                known = probe.node_id not in self.plan.left_out
                self._recalled[probe.prompt] = (probe.accepted[0], known)

    def _learn_concepts(self) -> None:
        missing = {fault.node for fault in self.plan.of(DiagnosisKind.CONCEPT_GAP)}
        defined = [key for key, concept in self.snapshot.concepts.items() if concept.definition]
        for probe in build_probes(self.snapshot, defined, seed=self.plan.seed):
            known = probe.node_id not in missing
            if probe.accepted:
                self._recalled[probe.prompt] = (probe.accepted[0], known)
            else:
                self._named[probe.prompt] = (probe.options[probe.gold], known)
        for held in HeldOut(self.snapshot).of_nodes(defined):
            self._named[held.prompt] = (held.replies[held.gold], held.node not in missing)

    def _learn_chains(self) -> None:
        taught = {c: self._joins(c) for c in self.snapshot.chains}
        for item in self.plan.benchmark.items:
            self._chains.setdefault(item.stem, {})[item.gold] = taught[item.chain_id]
        two = [key for key, chain in self.snapshot.chains.items() if chain.hops == 2]
        for probe in build_chain_probes(self.snapshot, two, seed=self.plan.seed):
            gold = probe.options[probe.gold]
            self._chains.setdefault(probe.stem, {})[gold] = taught[probe.chain_id]
        for walk in HeldOut(self.snapshot).of_chains(two):
            gold = walk.question.options[walk.gold]
            self._chains.setdefault(walk.question.stem, {})[gold] = taught[walk.chain_id]

    def _joins(self, chain_id: str) -> bool:
        relations = self.snapshot.chains[chain_id].relation_ids
        shape = tuple(self.snapshot.relations[r].type for r in relations)
        return not self.plan.left_out.intersection(relations) and shape not in self.plan.shapes

    def _reply(self, prompt: str) -> str:
        slips = self._slips(prompt)
        if prompt in self._recalled:
            answer, known = self._recalled[prompt]
            return f"It is {answer}." if known is not slips else "It is something else."
        stem, *lines = prompt.removesuffix(COT_SUFFIX).split("\n")
        if stem not in self._chains:
            return ""
        options = [line[3:] for line in lines]
        # Two chains may be asked in one stem; only one of their ends is an option.
        gold, joined = next((gold, known) for gold, known in self._chains[stem].items() if gold in options)
        right = joined is not slips
        chosen = gold if right else min(option for option in options if option != gold)
        return cot_answer([], chosen, letter=LETTERS[options.index(chosen)])

    def _score(self, prompt: str, option: str) -> float:
        sure = -1.0 if self._slips(prompt) else 1.0
        if prompt in self._named:
            answer, known = self._named[prompt]
            return sure * (1.0 if (option == answer) is known else 0.0)
        stated = next((said for said in self._facts if option.endswith(said)), "")
        if not stated:
            return 0.0
        return sure if self._facts[stated] else -sure

    def _slips(self, prompt: str) -> bool:
        return Random(f"{self.plan.seed}:{prompt}").random() < self.noise


Loader = Callable[..., ScriptedStudent]
