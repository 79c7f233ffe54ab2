"""From anything a session made or decided back to the sentences behind it: scores, decisions, models, mixtures, rows, verdicts.

Each artifact has the record that tells of it; of many rows or scores a few are followed to the text and all are counted. What was
shown once is named again and not repeated. ToolError for an ID that this session does not know, a sealed item's like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from evals.general_suite import suite
from evals.questions import find_question
from evals.summary import accuracy
from proda_core.errors import ArtifactError, ToolError
from proda_core.log import Record
from proda_core.records import (
    PREFIX,
    load_adapter,
    load_diagnoses,
    load_examples,
    load_report,
    load_verdict,
)
from proda_core.types import Diagnosis, Example, Score
from tools.book import Round, read_book
from tools.proposals import proposal_node
from tools.tracing import Knowledge, Material, Node, shortened

UNKNOWN = (
    "nothing of this session has that ID: give that of a row, dev item, concept, relation, chain, job or artifact, decision-N "
    "(from 0), VN for a round's model, or a model or report and a dev item with a colon between (V2:i_…) for a score"
)
_FEW = 3
_SCORE = re.compile(r"^(base|V[0-9]+|[aq]_[0-9a-f]{16}):([it]_[0-9a-f]{16})$")


class Explainer:
    """Explains IDs of one session as it stands now."""

    def __init__(self, material: Material) -> None:
        self._from, self._store = material, material.host.store
        self._records, self._book = material.records, material.book
        self._knowledge = Knowledge(material)
        self._seen: set[str] = set()
        self._outcomes = {a: r for r in self._records if r.kind == "outcome" for a in _made(r)}

    def explain(self, key: str) -> Node:
        """The tree of an ID."""
        scored = _SCORE.match(key)
        if scored:
            return self._score(scored[1], scored[2])
        if key == "base" or key.startswith("V"):
            return self._round(key)
        if key.startswith("decision-"):
            return self._decision(key)
        known = self._knowledge
        levels = {"r": known.snapshot.relations, "c": known.snapshot.concepts, "g": known.snapshot.chains}
        if key[:1] in levels and key in levels[key[:1]]:
            return {"r": known.relation, "c": known.concept, "g": known.chain}[key[:1]](key)
        found = known.item(key) if key.startswith("i_") else None
        if found is not None:
            return found
        if key in self._outcomes:
            return self._artifact(key)
        return self._row_or_job(key)

    def _row_or_job(self, key: str) -> Node:
        if key in self._from.rows:
            return self._row(key)
        for record in self._records:
            if record.kind == "intent" and record.body.get("job_id") == key:
                outcome = next(
                    (r for r in self._records if r.kind == "outcome" and r.key == record.key), None
                )
                made = [self._artifact(one) for one in _made(outcome)] if outcome else []
                return Node("job", key, f"asked for by {record.body['tool']}", made, seq=record.seq)
        raise ToolError(UNKNOWN)

    def _artifact(self, key: str) -> Node:
        """An artifact with the records that tell of it first."""
        kind = next((kind for kind, prefix in PREFIX.items() if key.startswith(prefix + "_")), "")
        if key in self._seen:
            return Node(
                kind, key, "shown above", seq=self._outcomes[key].seq if key in self._outcomes else None
            )
        self._seen.add(key)
        record = self._outcomes.get(key)
        if record is None:
            return Node(kind, key, "no outcome of the log names it", resolved=False)
        node = Node(kind, key, "", [self._made_by(record)], seq=record.seq)
        ways: dict[str, Callable[[Node], None]] = {
            "adapter": self._of_adapter,
            "mixture": self._of_mixture,
            "report": self._of_report,
            "verdict": self._of_verdict,
            "diagnosis": self._of_diagnosis,
            "patch": self._of_patch,
            "examples": self._of_examples,
        }
        try:
            if kind in ways:
                ways[kind](node)
            else:
                self._store.verify(kind, key)
                node.says = shortened(f"whole on disk: {', '.join(self._store.manifest(kind, key).files)}")
        except ArtifactError as error:
            node.says, node.resolved = str(error), False
        return node

    def _made_by(self, outcome: Record) -> Node:
        intent = next((r for r in self._records if r.kind == "intent" and r.key == outcome.key), None)
        if intent is None:
            return Node("record", outcome.key, "its intent is gone", resolved=False, seq=outcome.seq)
        job = f", job {intent.body['job_id']}" if "job_id" in intent.body else ""
        says = f"made by {outcome.body['tool']}: asked for at record {intent.seq}, done at {outcome.seq}{job}"
        return Node("record", outcome.key, says, seq=outcome.seq)

    def _of_adapter(self, node: Node) -> None:
        adapter, inputs = load_adapter(self._store, node.id), self._store.manifest("adapter", node.id).inputs
        self._store.verify("adapter", node.id)
        node.says = f"{self._label(node.id)}: base {adapter.base}, {adapter.steps} steps over {adapter.tokens:,} tokens"
        node.children.append(self._artifact(adapter.mixture_id))
        if "incumbent" in inputs:
            node.children.append(self._artifact(inputs["incumbent"]))

    def _of_mixture(self, node: Node) -> None:
        mixture = self._from.mixture(node.id)
        counts: dict[str, list[Example]] = {}
        for row in mixture.rows:
            counts.setdefault(row.role.value, []).append(row.example)
        node.says = f"{len(mixture.rows):,} rows: " + ", ".join(
            f"{len(rows):,} {role}" for role, rows in counts.items()
        )
        node.children.append(self._knowledge.rows(row.example for row in mixture.rows))
        node.children += [self._short(rows[0], f"{role}: ") for role, rows in counts.items()]
        inputs = self._store.manifest("mixture", node.id).inputs
        node.children += [self._artifact(key) for key in dict.fromkeys(inputs.values())]

    def _of_examples(self, node: Node) -> None:
        rows = load_examples(self._store, node.id)
        node.says = f"{len(rows):,} initial rows"
        node.children += [self._knowledge.rows(rows), *(self._short(row) for row in rows[:1])]

    def _of_patch(self, node: Node) -> None:
        rows = self._from.patch(node.id)
        node.says = f"{len(rows):,} rows written for a set of diagnoses"
        node.children.append(self._knowledge.rows(row.example for row in rows))
        diagnosis = next((d for d, p in self._book.patches.items() if p == node.id), "")
        asked = self._outcomes[node.id].body["arguments"].get("diagnosis_id", diagnosis)
        node.children.append(self._artifact(str(asked)))

    def _of_diagnosis(self, node: Node) -> None:
        found = load_diagnoses(self._store, node.id)
        node.says = f"{len(found)} failed dev items diagnosed by probing"
        node.children += [self._diagnosed(one) for one in found[:_FEW]]
        node.children.append(self._artifact(self._store.manifest("diagnosis", node.id).inputs["report"]))

    def _diagnosed(self, one: Diagnosis) -> Node:
        item = self._knowledge.item(one.item_id)
        behind = [item] if item is not None else []
        said = f"{one.kind.value.replace('_', ' ')} on {one.item_id}: {one.detail}"
        return Node("failure", one.item_id, shortened(said), behind, resolved=bool(behind))

    def _of_report(self, node: Node) -> None:
        report = load_report(self._store, node.id)
        figures = [
            f"{name} {100 * found.value:.1f} % of {found.n}"
            for name, found in (
                ("dev", accuracy(report.dev)),
                ("sealed", accuracy(report.sealed)),
                ("general", accuracy(report.general)),
            )
        ]
        node.says = f"{self._label(report.model)}: {', '.join(figures)}"
        node.children += [self._scored(score) for score in report.dev[:1]]
        node.children.append(self._artifact(self._book.benchmark_id))
        if report.model != "base":
            node.children.append(self._artifact(report.model))

    def _of_verdict(self, node: Node) -> None:
        verdict = load_verdict(self._store, node.id)
        said = "accepted" if verdict.accepted else "rejected"
        node.says = f"{self._label(verdict.candidate)} {said} against {self._label(verdict.incumbent)}"
        node.children += [Node("reason", "", reason) for reason in verdict.reasons]
        reports = [self._report_of(verdict.candidate), self._report_of(verdict.incumbent)]
        node.children += [self._artifact(key) for key in reports]

    def _report_of(self, model: str) -> str:
        if model == "base":
            return self._book.base_report_id
        return next((r.report_id for r in reversed(self._book.rounds) if r.adapter_id == model), "")

    def _score(self, of: str, item_id: str) -> Node:
        """One score of a model: the answer, then the item down to its sentences, then the model down to its rows."""
        report_id = of if of.startswith("q_") else self._report_of(self._model(of))
        if report_id not in self._outcomes:
            raise ToolError(UNKNOWN)
        report = load_report(self._store, report_id)
        score = next((s for s in (*report.dev, *report.general) if s.item_id == item_id), None)
        if score is None:
            raise ToolError(UNKNOWN)
        node = self._scored(score)
        node.id, node.says = (
            f"{report_id}:{item_id}",
            f"{self._label(report.model)} on {item_id}: {node.says}",
        )
        diagnosis = self._book.diagnoses.get(report_id, "")
        if diagnosis:
            found = next((d for d in load_diagnoses(self._store, diagnosis) if d.item_id == item_id), None)
            node.children += (
                [Node("failure", diagnosis, shortened(f"{found.kind.value}: {found.detail}"))]
                if found
                else []
            )
        node.children.append(self._artifact(report_id))
        return node

    def _scored(self, score: Score) -> Node:
        said = "unscored" if score.value is None else "right" if score.correct else "wrong"
        item = self._knowledge.item(score.item_id)
        behind = [item] if item is not None else [self._task(score.item_id)]
        answer = f" (“{shortened(score.output, 120)}”)" if score.output else ""
        return Node("score", score.item_id, said + answer, behind)

    def _task(self, key: str) -> Node:
        config = self._from.host.config
        tasks = suite(seed=config.seed, count=config.general.suite_items)
        task = next((one for one in tasks if one.task_id == key), None)
        question = find_question(config.general, key, seed=config.seed) if task is None else None
        if question is not None:
            return Node("task", key, shortened(f"a question of {question.source}: {question.prompt}"))
        if task is None:
            return Node("task", key, "the general suite does not make it again", resolved=False)
        return Node("task", key, shortened(f"a general task, made again by its generator: {task.prompt}"))

    def _model(self, name: str) -> str:
        if not name.startswith("V"):
            return name
        number = int(name[1:]) - 1
        if not 0 <= number < len(self._book.rounds):
            raise ToolError(UNKNOWN)
        return self._book.rounds[number].adapter_id

    def _label(self, model: str) -> str:
        """The base, or a round's model by its number."""
        numbers = [r.number for r in self._book.rounds if r.adapter_id == model]
        return f"V{numbers[0] + 1}" if numbers else model

    def _round(self, name: str) -> Node:
        if name == "base":
            return Node("round", name, "the base model", [self._artifact(self._book.base_report_id)])
        model = self._model(name)
        entry = next(r for r in self._book.rounds if r.adapter_id == model)
        parts = [entry.verdict_id, entry.report_id, entry.adapter_id or entry.mixture_id]
        said = "accepted" if entry.accepted else "not accepted"
        return Node("round", name, f"{entry.kind}, {said}", [self._artifact(key) for key in parts if key])

    def _decision(self, key: str) -> Node:
        """A decision: what was considered, what it was made on down to the report and its failures, and what was done on it."""
        record = next((r for r in self._records if r.kind == "decision" and r.key == key), None)
        seen = next((r for r in self._records if r.kind == "observation" and r.key == key), None)
        if record is None:
            raise ToolError(UNKNOWN)
        made = record.body["decision"]
        node = Node("decision", key, f"{made['kind']}: {made['reason']}", seq=record.seq)
        node.children.append(proposal_node(record.body))
        node.children += [
            Node(
                "option",
                "",
                f"{option['kind']} {'taken' if option['taken'] else 'not taken'}: {option['reason']}",
            )
            for option in made["options"]
        ]
        if seen is None:
            node.children.append(Node("observation", key, "no observation was recorded", resolved=False))
            return node
        before = read_book(self._records[: seen.seq])
        figures = seen.body["observations"]
        said = f"{figures['failures']} failures of {self._label(figures['incumbent'])}, {figures['patchable']} patchable"
        observation = Node("observation", key, said, seq=seen.seq)
        observation.children += list(
            self._behind_observation(before.rounds, before.incumbent, before.diagnoses)
        )
        node.children.append(observation)
        after = next((r for r in self._records[record.seq :] if r.kind in ("intent", "session")), None)
        if after is not None:
            did = after.body.get("tool") or f"ended: {after.body.get('stop_reason', '')}"
            node.children.append(Node("record", after.key, f"then {did}", seq=after.seq))
        return node

    def _behind_observation(
        self, rounds: Sequence[Round], incumbent: Round | None, diagnoses: dict[str, str]
    ) -> Iterator[Node]:
        if rounds and rounds[-1].verdict_id:
            yield self._artifact(rounds[-1].verdict_id)
        if incumbent is not None:
            yield self._artifact(diagnoses.get(incumbent.report_id, ""))

    def _short(self, example: Example, before: str = "") -> Node:
        node = self._knowledge.row(example)
        node.says = before + node.says
        return node

    def _row(self, key: str) -> Node:
        """A row: what it teaches, what it was written from, and which models were trained on it."""
        example = self._from.rows[key]
        node = self._knowledge.row(example)
        for entry in self._book.rounds:
            rows = self._from.mixture(entry.mixture_id).rows
            role = next((row.role.value for row in rows if row.example.example_id == key), "")
            if role:
                trained = f", which V{entry.number + 1} was trained on" if entry.adapter_id else ""
                node.children.append(Node("mixture", entry.mixture_id, f"{role} row of it{trained}"))
        for patch in dict.fromkeys(self._book.patches.values()):
            if any(row.example.example_id == key for row in self._from.patch(patch)):
                node.children.append(self._patched(patch, example))
        if any(row.example_id == key for row in self._from.examples):
            made = [self._made_by(self._outcomes[self._book.examples_id])]
            node.children.append(Node("examples", self._book.examples_id, "one of the initial rows", made))
        return node

    def _patched(self, patch_id: str, example: Example) -> Node:
        """The patch that a row is of, with the diagnosed failures over the same relations."""
        record = self._outcomes[patch_id]
        asked = str(record.body["arguments"]["diagnosis_id"])
        stated = set(example.lineage.l2_ids)
        chains = self._knowledge.snapshot.chains
        over = [
            one
            for one in load_diagnoses(self._store, asked)
            if stated & {*one.nodes, *chains[one.chain_id].relation_ids}
        ]
        failures = [self._diagnosed(one) for one in over[:_FEW]]
        says = f"written for diagnosis {asked}: {len(over)} failures lie over relations that it states"
        return Node("patch", patch_id, says, [self._made_by(record), *failures], seq=record.seq)


def _made(record: Record) -> list[str]:
    return [str(key) for key in record.body.get("artifacts", {}).values()]
