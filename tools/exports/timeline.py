"""A session's decision log as a tree of spans: the session, in it its rounds, in them the calls with the jobs they started.

A span carries IDs, names, counts and figures, never a text: no question, reply, reason or message. Its ID is made from the log's
first record and its own key, so that the same session gives the same trace, and a later export the same spans and more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proda_core.errors import LedgerError
from proda_core.ids import ID_PATTERN
from proda_core.log import Record
from tools.book import Book, read_book

Plain = str | int | float | bool
_BEFORE_V1 = "before V1"

# Names of the GenAI semantic conventions; OpenTelemetry keeps them in a repository without a Python package.
_OPERATION, _TOOL, _CALL_ID = "gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.tool.call.id"
_AGENT, _CONVERSATION, _WORKFLOW = "gen_ai.agent.name", "gen_ai.conversation.id", "gen_ai.workflow.name"
_EVALUATION, _EVALUATION_OF = "gen_ai.evaluation.result", "gen_ai.evaluation.name"
_EVALUATION_VALUE = "gen_ai.evaluation.score.value"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at one moment of a span."""

    name: str
    at: int
    attributes: dict[str, Plain]


@dataclass(slots=True)
class Span:
    """``start`` and ``end`` in nanoseconds since 1970; ``failed`` is the error's class, "" where there was none."""

    name: str
    span_id: int
    parent: Span | None
    start: int
    end: int
    attributes: dict[str, Plain]
    events: list[Event] = field(default_factory=list)
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """``spans``: each after its parent, the session first."""

    trace_id: int
    spans: tuple[Span, ...]


def timeline_of(session: str, records: Sequence[Record]) -> Timeline:
    """The spans of a log; LedgerError for one without records."""
    if not records:
        raise LedgerError(f"the log of {session} has no record yet: there is nothing to trace")
    return Timeline(_number(records[0].hash, "trace", 16), tuple(_Builder(session, records).spans()))


class _Builder:
    """Folds the records, in order, into spans; a call whose outcome is still to come ends where the log does."""

    def __init__(self, session: str, records: Sequence[Record]) -> None:
        self._records, self._origin = records, records[0].hash
        self._end = max(_nanoseconds(record) for record in records)
        self._rounds = _labels(read_book(records), records)
        about: dict[str, Plain] = {_OPERATION: "invoke_agent", _AGENT: "proda", _CONVERSATION: session}
        self._session = self._span("invoke_agent proda", "session", None, records[0])
        self._session.attributes |= about
        self._session.end = self._end
        self._made = [self._session]
        self._round: Span | None = None
        self._calls: dict[str, Span] = {}

    def spans(self) -> list[Span]:
        for record in self._records:
            self._fold(record)
        for call in self._calls.values():  # asked for, and not done yet
            self._close(call, self._end)
            call.attributes["proda.open"] = True
        return self._made

    def _fold(self, record: Record) -> None:
        if record.kind == "intent":
            self._begin(record)
        elif record.kind == "outcome" and record.key in self._calls:
            self._finish(record)
        else:
            self._note(record)

    def _begin(self, record: Record) -> None:
        body = record.body
        if self._round is None or body["arguments"].get("kind") == "v1":
            self._enter("V1" if body["arguments"].get("kind") == "v1" else _BEFORE_V1, record)
        span = self._span(f"execute_tool {body['tool']}", record.key, self._round, record)
        span.attributes |= {_OPERATION: "execute_tool", _TOOL: body["tool"], _CALL_ID: record.key}
        span.attributes["proda.record.intent"] = record.seq
        if "job_id" in body:
            span.attributes |= {
                "proda.job.id": body["job_id"],
                "proda.job.kind": str(body["request"].get("kind", "")),
            }
        span.attributes |= _ids("proda.argument", body["arguments"])
        self._calls[record.key] = span
        self._made.append(span)

    def _finish(self, record: Record) -> None:
        span, body = self._calls.pop(record.key), record.body
        self._close(span, _nanoseconds(record))
        span.attributes["proda.record.outcome"] = record.seq
        span.attributes |= _ids("proda.artifact", body["artifacts"])
        if not body["ok"]:
            span.failed = _error_class(str(body.get("error", "")))
        if "accepted" in body["meta"]:
            span.attributes["proda.accepted"] = bool(body["meta"]["accepted"])
        span.attributes |= {
            f"proda.{name}": body["meta"][name]
            for name in ("steps", "tokens", "rows")
            if name in body["meta"]
        }
        span.events += _evaluations(body["meta"], span.end)

    def _note(self, record: Record) -> None:
        """Everything that is no call: a decision opens the next round, the rest happens in the one there is."""
        if record.kind == "decision" and record.body["decision"]["kind"] != "stop":
            self._enter(self._rounds.get(record.key, "round"), record)
        at = self._round if record.kind != "session" and self._round is not None else self._session
        at.events.append(Event(record.kind, _nanoseconds(record), _facts(record)))
        if at.end < _nanoseconds(record):
            at.end = _nanoseconds(record)

    def _enter(self, name: str, record: Record) -> None:
        self._round = self._span(f"invoke_workflow {name}", f"round {record.key}", self._session, record)
        self._round.attributes |= {_OPERATION: "invoke_workflow", _WORKFLOW: name}
        self._made.append(self._round)

    def _close(self, span: Span, at: int) -> None:
        span.end = max(span.start, at)  # the host's clock may have been set back
        if span.parent is not None:
            span.parent.end = max(span.parent.end, span.end)

    def _span(self, name: str, key: str, parent: Span | None, record: Record) -> Span:
        start = _nanoseconds(record)
        return Span(name, _number(self._origin, key, 8), parent, start, start, {})


def _labels(book: Book, records: Sequence[Record]) -> dict[str, str]:
    """decision-N -> V2, V3, …: the round whose mixture was composed after that decision and before the next."""
    numbers = {entry.mixture_id: f"V{entry.number + 1}" for entry in book.rounds}
    labels: dict[str, str] = {}
    opened = ""
    for record in records:
        if record.kind == "decision":
            opened = record.key
        mixture = record.body.get("artifacts", {}).get("mixture") if record.kind == "outcome" else None
        if opened and mixture in numbers:
            labels.setdefault(opened, numbers[mixture])
    return labels


def _facts(record: Record) -> dict[str, Plain]:
    """Of a record what is no text: its place, its key, and words out of closed lists."""
    body = record.body
    found: dict[str, Plain] = {"proda.record": record.seq, "proda.key": record.key}
    if record.kind == "decision":
        said = body["decision"]
        found |= {"proda.decision.kind": said["kind"], "proda.decision.chosen_by": said["chosen_by"]}
    elif record.kind == "refusal":
        found |= {_TOOL: body["tool"], "error.type": body["error"]}
    elif record.kind == "session":
        names = ("event", "stop_reason", "incumbent", "tools_digest")
        found |= {f"proda.{name}": str(body[name]) for name in names if body.get(name)}
    elif record.kind == "steering":
        found["proda.steering"] = str(body.get("kind", ""))
    return found


def _evaluations(meta: dict[str, Any], at: int) -> Iterable[Event]:
    """The figures of an evaluation, an event for each set."""
    for name in ("dev", "sealed", "general"):
        known = meta.get(name)
        accuracy = known.get("accuracy") if isinstance(known, dict) else None
        if isinstance(accuracy, dict):
            attributes: dict[str, Plain] = {_EVALUATION_OF: name, _EVALUATION_VALUE: accuracy["value"]}
            attributes |= {f"proda.accuracy.{part}": accuracy[part] for part in ("low", "high", "n")}
            yield Event(_EVALUATION, at, attributes)


def _ids(prefix: str, plain: dict[str, Any]) -> dict[str, Plain]:
    """The IDs and counts among arguments or artifacts; anything longer may be somebody's words."""
    return {
        f"{prefix}.{name}": value
        for name, value in sorted(plain.items())
        if isinstance(value, int) or (isinstance(value, str) and ID_PATTERN.match(value))
    }


def _error_class(error: str) -> str:
    """The class before the message; where an attempt was ended with words alone, that it was ended."""
    name = error.partition(":")[0]
    return name if name.isidentifier() else "ended"


def _number(origin: str, key: str, size: int) -> int:
    """``size`` bytes of a hash as a number, never 0, which OpenTelemetry takes for no ID."""
    found = hashlib.sha256(f"{origin}\n{key}".encode()).digest()[:size]
    return int.from_bytes(found, "big") or 1


def _nanoseconds(record: Record) -> int:
    moment = datetime.fromisoformat(record.at)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
