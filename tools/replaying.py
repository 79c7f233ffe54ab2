"""A session gone through once more, record by record, by the functions that ran it: verdicts, observations, decisions, the end.

Each step is held against what was recorded there. A model's answer is an input: it is held against the journal of calls, and the
rules decide on it again. What no function of ours decided (another controller's choice, a stop for an error) and what cannot be
had again (a report that is not on this machine) is passed on as recorded, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proda_core.config import Config, config_from, dotted
from proda_core.errors import ArtifactError, ConfigError, ProdaError
from proda_core.ledger import read_answers
from proda_core.log import Record
from proda_core.policy import MODEL, RulePolicy, rule_on
from proda_core.policy.said import bears_out, said_in
from proda_core.records import load_verdict
from proda_core.serialize import from_plain, to_plain
from proda_core.types import Decision, DecisionKind, Observations, Proposal, Ruling
from tools.book import Book, read_book
from tools.host import Host
from tools.judge_candidate import verdict_on
from tools.observe_session import Means, observations_of

CHANGEABLE = ("policy", "verdict")
OURS = ("rule", "operator")  # who chose: the rule, or it by an operator's wish
_SHOWN = 90  # characters of a sentence that differs
IDENTICAL, DIVERGES, AS_RECORDED = "identical", "diverges", "as recorded"
_DOES = {"patch": ("write_patch", "compose_mixture"), "replay": ("compose_mixture",)}


@dataclass(frozen=True, slots=True)
class Step:
    """One record decided again. ``choice``: what diverges is what was chosen, and not its figures or wording alone."""

    seq: int
    about: str
    name: str
    status: str
    detail: str = ""
    choice: bool = False

    @property
    def diverges(self) -> bool:
        return self.status == DIVERGES

    def __str__(self) -> str:
        return f"record {self.seq}, {self.about} {self.name}: {self.detail}"


def replay(host: Host, changes: Sequence[str] = ()) -> Iterator[Step]:
    """Every step in order. LedgerError for a log that cannot be read; ConfigError for a change that no replay can follow."""
    changed = dotted(changes)
    if other := sorted(set(changed) - set(CHANGEABLE)):
        raise ConfigError(f"a replay changes sections {' and '.join(CHANGEABLE)} alone, not {other[0]!r}")
    records = host.records()
    for at, record in enumerate(records):
        before = records[:at]
        if record.kind == "observation":
            yield _observed(_as_then(host, before, changed), before, record)
        elif record.kind == "decision":
            yield _decided(_as_then(host, before, changed), before, record)
            yield from _acted(record, records[at + 1 :])
        elif record.kind == "outcome" and record.body["tool"] == "judge_candidate" and record.body["ok"]:
            yield _judged(_as_then(host, before, changed), read_book(before), record)
        elif record.kind == "session" and "stop_reason" in record.body:
            yield _ended(before, record)


def _as_then(host: Host, before: Sequence[Record], changed: Mapping[str, Any]) -> Host:
    """The host under the configuration of the last opening, with what is to be changed."""
    config: dict[str, Any] = {}
    for record in before:
        if record.kind == "session" and record.body.get("event") == "opened":
            config = record.body["config"]
    merged = {**config, **{name: {**config.get(name, {}), **part} for name, part in changed.items()}}
    return replace(host, config=config_from(merged))


def _judged(host: Host, book: Book, record: Record) -> Step:
    report_id = record.body["arguments"]["report_id"]
    try:
        recorded = load_verdict(host.store, record.body["artifacts"]["verdict"])
        again = verdict_on(host, book, report_id)
    except ArtifactError as error:
        return Step(record.seq, "verdict", report_id, AS_RECORDED, f"it cannot be judged again: {error}")
    detail = _difference(to_plain(recorded), to_plain(again))
    choice = recorded.accepted != again.accepted
    if choice:
        detail = f"{_said(recorded.accepted)} then, {_said(again.accepted)} now; {detail}"
    return _step(record, "verdict", report_id, detail, choice=choice)


def _said(accepted: bool) -> str:
    return "accepted" if accepted else "rejected"


def _observed(host: Host, before: Sequence[Record], record: Record) -> Step:
    recorded = from_plain(Observations, record.body["observations"])
    means = Means(
        wall_left_s=recorded.wall_left_s,
        round_cost_s=recorded.round_cost_s,
        rounds_left=recorded.rounds_left,
        disk_left_bytes=recorded.disk_left_bytes,
        stop_requested=recorded.stop_requested,
    )
    try:
        again = observations_of(host, before, means)
    except ProdaError as error:
        return Step(record.seq, "observation", record.key, AS_RECORDED, f"it cannot be made again: {error}")
    return _step(record, "observation", record.key, _difference(to_plain(recorded), to_plain(again)))


def _decided(host: Host, before: Sequence[Record], record: Record) -> Step:
    recorded = from_plain(Decision, record.body["decision"])
    proposal = _proposal(host.config, record)
    if recorded.chosen_by not in OURS and "proposal" not in record.body:
        said = f"chosen by {recorded.chosen_by}, whose reasons are not the rule policy's"
        return Step(record.seq, "decision", record.key, AS_RECORDED, said)
    seen = next((r for r in reversed(before) if r.kind == "observation" and r.key == record.key), None)
    if seen is None:
        return _step(record, "decision", record.key, "no observation was recorded for it", choice=True)
    if proposal is not None and (wrong := _not_as_answered(host, proposal)):
        return _step(record, "decision", record.key, wrong, choice=True)
    observations = from_plain(Observations, seen.body["observations"])
    observations = replace(observations, target_dev=host.config.policy.target_dev)
    again = rule_on(RulePolicy.of(host.config), observations, proposal)
    then = Ruling(recorded, str(record.body.get("ruling", "")) if proposal is not None else "")
    return _compared(record, then, again)


def _compared(record: Record, then: Ruling, again: Ruling) -> Step:
    was, now = then.decision, again.decision
    choice = (was.kind, was.stop_reason) != (now.kind, now.stop_reason)
    detail = _difference(to_plain(was), to_plain(now)) or _difference(then.said, again.said, "ruling")
    if choice:
        detail = f"{_chose(was)} then, {_chose(now)} now: {now.reason}"
    return _step(record, "decision", record.key, detail, choice=choice)


def _proposal(config: Config, record: Record) -> Proposal | None:
    """What a model proposed, where the session's configuration (or the one to be tried) has it decide."""
    if config.policy.kind != MODEL or "proposal" not in record.body:
        return None
    return from_plain(Proposal, record.body["proposal"])


def _not_as_answered(host: Host, proposal: Proposal) -> str:
    """Where a proposal is not what the model answered, by the turns beside it and by the journal of calls, if it is here."""
    if not proposal.failure and not bears_out(proposal):
        return f"the proposal of {proposal.by} is not what its last turn says"
    kept = read_answers(host.folder.calls, [turn.task for turn in proposal.turns])
    for number, turn in enumerate(proposal.turns, 1):
        if turn.task in kept and _said_by_model(kept[turn.task]) != turn.said:
            return f"the journal of calls has another answer of {proposal.by} for turn {number}"
    return ""


def _said_by_model(kept: str) -> str:
    try:
        return said_in(kept)
    except ValueError:
        return ""


def _chose(decision: Decision) -> str:
    reason = f" ({decision.stop_reason.value})" if decision.stop_reason else ""
    return f"{decision.kind.value}{reason}"


def _acted(record: Record, after: Sequence[Record]) -> Iterator[Step]:
    """Whether the next thing done is what was decided; a session that was stopped or killed in between did nothing else."""
    kind = record.body["decision"]["kind"]
    following = next((r for r in after if r.kind in ("intent", "decision", "session")), None)
    if following is None or following.kind == "session" or kind == DecisionKind.STOP.value:
        return
    arguments = following.body.get("arguments", {})
    did = following.body.get("tool", following.kind)
    kept = did in _DOES[kind] and arguments.get("kind", kind) == kind
    detail = "" if kept else f"{kind} was decided, and the next thing done was {did}"
    yield _step(following, "act", record.key, detail, choice=not kept)


def _ended(before: Sequence[Record], record: Record) -> Step:
    """The incumbent named at the end is the one that the log makes it; a decided stop ends for its own reason."""
    book, body = read_book(before), record.body
    incumbent = book.incumbent.adapter_id if book.incumbent else ""
    last = before[-1] if before else record
    found = {"incumbent": incumbent}
    if last.kind == "decision" and last.body["decision"]["kind"] == DecisionKind.STOP.value:
        found |= {
            "stop_reason": last.body["decision"]["stop_reason"],
            "detail": last.body["decision"]["reason"],
        }
    detail = _difference({name: body.get(name) for name in found}, found)
    return _step(record, "end", str(body["stop_reason"]), detail, choice=bool(detail))


def _step(record: Record, about: str, name: str, detail: str, *, choice: bool = False) -> Step:
    return Step(record.seq, about, name, DIVERGES if detail else IDENTICAL, detail, choice)


def _difference(recorded: Any, again: Any, where: str = "") -> str:
    """The first field that differs, by its path, then and now; "" when all is the same."""
    if isinstance(recorded, Mapping) and isinstance(again, Mapping):
        for key in sorted({*recorded, *again}):
            if found := _difference(
                recorded.get(key), again.get(key), f"{where}.{key}" if where else str(key)
            ):
                return found
        return ""
    if isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        for number, (one, other) in enumerate(zip(recorded, again, strict=True)):
            if found := _difference(one, other, f"{where}[{number}]"):
                return found
        return ""
    if recorded == again:
        return ""
    if isinstance(recorded, str) and isinstance(again, str):
        recorded, again = _where_they_part(recorded, again), _where_they_part(again, recorded)
    return f"{where or 'it'} was {recorded!r} then, is {again!r} now"


def _where_they_part(text: str, other: str) -> str:
    """A long text from a little before the place where it differs from another."""
    same = next(
        (at for at, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other))
    )
    begin = max(0, same - _SHOWN // 3)
    piece = text[begin : begin + _SHOWN]
    return f"{'…' if begin else ''}{piece}{'…' if begin + _SHOWN < len(text) else ''}"
