"""The session's book: which artifact came from which call, folded from the decision log's outcomes.

Nothing else holds this state, so a host that was killed knows where it stood as soon as it has read its log. The book names
the incumbent; no caller can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from proda_core.errors import ToolError
from proda_core.log import Record


@dataclass(slots=True)
class Round:
    """One trained model and what became of it. Round 0 is V1; the base model is not a round."""

    number: int
    kind: str  # v1, patch, replay
    mixture_id: str
    patch_id: str = ""
    adapter_id: str = ""
    report_id: str = ""
    diagnosis_id: str = ""
    verdict_id: str = ""
    accepted: bool = False


@dataclass(slots=True)
class Book:
    """Artifact IDs by role ("" until made), the rounds in order, and the stop reason once there is one."""

    corpus_id: str = ""
    snapshot_id: str = ""
    benchmark_id: str = ""
    examples_id: str = ""
    base_report_id: str = ""
    rounds: list[Round] = field(default_factory=list)
    diagnoses: dict[str, str] = field(default_factory=dict)  # report ID -> diagnosis ID
    patches: dict[str, str] = field(default_factory=dict)  # diagnosis ID -> newest patch ID
    decisions: int = 0
    undone: bool = False  # nothing was done since the last decision
    stop_reason: str = ""

    def need(self, name: str) -> str:
        """The ID recorded under ``name``; ToolError says which tool to call first."""
        value: str = getattr(self, name)
        if not value:
            tool = _MADE_BY[name]
            raise ToolError(f"this session has no {name.removesuffix('_id')} yet: call {tool} first")
        return value

    @property
    def incumbent(self) -> Round | None:
        """The last accepted round."""
        return next((r for r in reversed(self.rounds) if r.accepted), None)

    @property
    def verdicts(self) -> tuple[bool, ...]:
        """Of every verdict so far, in order, whether it accepted."""
        return tuple(r.accepted for r in self.rounds if r.verdict_id)

    def round_of(self, *, adapter_id: str = "", report_id: str = "", mixture_id: str = "") -> Round:
        """The round an artifact belongs to; ToolError when it is not this session's."""
        for entry in reversed(self.rounds):
            if (
                (adapter_id and entry.adapter_id == adapter_id)
                or (report_id and entry.report_id == report_id)
                or (mixture_id and entry.mixture_id == mixture_id)
            ):
                return entry
        raise ToolError(
            f"{adapter_id or report_id or mixture_id} is not an artifact of this session's rounds"
        )


_MADE_BY = {
    "corpus_id": "curate_corpus",
    "snapshot_id": "extract_knowledge",
    "benchmark_id": "build_benchmark",
    "examples_id": "synthesise_examples",
    "base_report_id": "evaluate_model with model 'base'",
}
_FIRST = {
    "curate_corpus": ("corpus", "corpus_id"),
    "extract_knowledge": ("snapshot", "snapshot_id"),
    "build_benchmark": ("benchmark", "benchmark_id"),
    "synthesise_examples": ("examples", "examples_id"),
}


def read_book(records: Iterable[Record]) -> Book:
    """Fold the log's records, in order, into a Book."""
    book = Book()
    for record in records:
        if record.kind == "outcome" and record.body.get("ok", False):
            _fold_outcome(book, record.body)
        elif record.kind == "decision":
            book.decisions, book.undone = book.decisions + 1, True
            book.stop_reason = ""  # decided anew after a stop: its own word is still to come
        elif record.kind == "intent":
            book.stop_reason, book.undone = "", False  # work after a stop: the session was resumed
        elif record.kind == "session" and "stop_reason" in record.body:
            book.stop_reason, book.undone = str(record.body["stop_reason"]), False
    return book


def call_behind(records: Iterable[Record], kind: str, artifact_id: str) -> tuple[Record, Record]:
    """The intent and the outcome of the call that made an artifact; ToolError when the log knows of none."""
    intents: dict[str, Record] = {}
    for record in records:
        if record.kind == "intent":
            intents[record.key] = record
        made = record.body.get("artifacts", {}) if record.kind == "outcome" else {}
        if made.get(kind) == artifact_id and record.key in intents:
            return intents[record.key], record
    raise ToolError(f"no call of this session made {kind} {artifact_id}")


def _fold_outcome(book: Book, body: dict[str, Any]) -> None:
    tool, made, arguments = body["tool"], body["artifacts"], body["arguments"]
    if tool in _FIRST:
        kind, name = _FIRST[tool]
        setattr(book, name, made[kind])
    elif tool == "compose_mixture":
        _fold_mixture(book, made, arguments)
    elif tool == "train_adapter":
        book.round_of(mixture_id=arguments["mixture_id"]).adapter_id = made["adapter"]
    elif tool == "evaluate_model":
        _fold_report(book, made, arguments)
    elif tool == "diagnose_failures":
        book.diagnoses[arguments["report_id"]] = made["diagnosis"]
        book.round_of(report_id=arguments["report_id"]).diagnosis_id = made["diagnosis"]
    elif tool == "write_patch":
        book.patches[arguments["diagnosis_id"]] = made["patch"]
    elif tool == "judge_candidate":
        judged = book.round_of(report_id=arguments["report_id"])
        judged.verdict_id, judged.accepted = made["verdict"], bool(body["meta"]["accepted"])


def _fold_mixture(book: Book, made: dict[str, str], arguments: dict[str, Any]) -> None:
    if any(entry.mixture_id == made["mixture"] for entry in book.rounds):
        return
    book.rounds.append(
        Round(
            number=len(book.rounds),
            kind=arguments["kind"],
            mixture_id=made["mixture"],
            patch_id=arguments.get("patch_id") or "",
        )
    )


def _fold_report(book: Book, made: dict[str, str], arguments: dict[str, Any]) -> None:
    if arguments["model"] == "base":
        book.base_report_id = made["report"]
        return
    entry = book.round_of(adapter_id=arguments["model"])
    entry.report_id = made["report"]
    if entry.kind == "v1":  # V1 has nobody to be judged against: it is the first incumbent
        entry.accepted = True
