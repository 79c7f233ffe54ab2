"""A log that tells another story: rewritten, signed by somebody else, cut, or beside a disk that it does not tell of.

The attacker has the ended session's folder and not the user's signing key. The attack has won when the audit, asked as an
operator asks it, finds nothing wrong.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.redteam.attack import Attack, Attempt, Ground, Stage
from evals.redteam.forging import Line, made, rebuilt, replace_file
from proda_core.log import DecisionLog, SigningPlan, VerifyReport, Witnesses, read_records, verify
from proda_core.log.keys import key_path, own_key, trusted_keys
from proda_core.session import SessionFolder


def audited(folder: SessionFolder, sink: Path | None = None) -> VerifyReport:
    """``proda audit verify`` by whoever ran the session: the keys believed are their own."""
    witnesses = Witnesses(folder.signatures, trusted_keys(), sink=sink)
    return verify(folder.decisions, folder.store, jobs=folder.jobs, witnesses=witnesses)


def accept_it(lines: list[Line]) -> None:
    """The rejected candidate was accepted after all."""
    for line in lines:
        if line["kind"] == "outcome" and line["body"]["tool"] == "judge_candidate":
            line["body"]["meta"]["accepted"] = True


def drop_a_refusal(lines: list[Line]) -> None:
    """One observation less: what was seen before the last decision."""
    del lines[max(place for place, line in enumerate(lines) if line["kind"] == "observation")]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The log with its records changed and chained anew, without the key."""

    change: Callable[[list[Line]], None]

    async def __call__(self, ground: Ground) -> Attempt:
        folder = await ground.session(Stage.ENDED)
        rebuilt(folder, self.change)
        return _judged(audited(folder))


async def byte_changed(ground: Ground) -> Attempt:
    """One word of the log changed in place."""
    folder = await ground.session(Stage.ENDED)
    lines = folder.decisions.read_bytes().splitlines(keepends=True)
    lines = [line.replace(b'"accepted":false', b'"accepted":true') for line in lines]
    folder.decisions.write_bytes(b"".join(lines))
    return _judged(audited(folder))


async def signed_by_another(ground: Ground) -> Attempt:
    """The changed log written anew by the project's own writer, and signed with a key of the attacker's."""
    folder = await ground.session(Stage.ENDED)
    key = own_key(ground.scratch / "stranger.pem")
    _written_again(folder, SigningPlan(key, folder.name, folder.signatures, 16))
    return _judged(audited(folder))


def _written_again(folder: SessionFolder, plan: SigningPlan, upto: int | None = None) -> None:
    """Every record once more under another signing plan; the candidate is accepted now."""
    lines = [json.loads(record.line()) for record in read_records(folder.decisions)]
    accept_it(lines)
    shutil.rmtree(folder.signatures)
    folder.decisions.unlink()
    with DecisionLog(folder.decisions, signing=plan) as log:
        for line in lines[:upto]:
            body = line["body"]
            if "signing" in body:
                body = {**body, "signing": plan.about()}
            log.append(line["kind"], line["key"], body, budget=line["budget"])


async def tail_cut(ground: Ground) -> Attempt:
    """The last records cut off with their checkpoints and with what they tell of, where a sink has seen them."""
    folder, sink = await ground.session(Stage.ENDED), ground.scratch / "sink"
    sink.mkdir()
    key = own_key(key_path())
    _written_again(folder, SigningPlan(key, folder.name, folder.signatures, 16, sink))
    records = read_records(folder.decisions)
    keep = max(r.seq for r in records if r.kind == "outcome")
    lines = folder.decisions.read_bytes().splitlines(keepends=True)
    folder.decisions.write_bytes(b"".join(lines[:keep]))
    for path in folder.signatures.iterdir():
        if int("".join(c for c in path.stem if c.isdigit()) or 0) > keep:
            path.unlink()
    return _judged(audited(folder, sink))


async def adapter_dropped_in(ground: Ground) -> Attempt:
    """Trained by hand: an adapter that no call of the session made, among those that were."""
    folder = await ground.session(Stage.ENDED)
    own = folder.store.path("adapter", made(folder, "train_adapter", "adapter"))
    shutil.copytree(own, own.with_name("a_" + "0" * 16))
    return _judged(audited(folder))


async def weights_replaced(ground: Ground) -> Attempt:
    """Weights replaced after the end, with their manifest: the report is about others."""
    folder = await ground.session(Stage.ENDED)
    own = folder.store.path("adapter", made(folder, "train_adapter", "adapter", first=True))
    data = bytearray((own / "adapter_model.safetensors").read_bytes())
    data[-1] ^= 1
    replace_file(own / "adapter_model.safetensors", bytes(data))
    return _judged(audited(folder))


async def verdict_edited(ground: Ground) -> Attempt:
    """The verdict's own file says that the candidate was accepted, with its manifest."""
    folder = await ground.session(Stage.ENDED)
    path = folder.store.path("verdict", made(folder, "judge_candidate", "verdict")) / "verdict.json"
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    replace_file(path, json.dumps({**plain, "accepted": True}).encode())
    return _judged(audited(folder))


async def job_result_edited(ground: Ground) -> Attempt:
    """A job's result names another artifact than its outcome does."""
    folder = await ground.session(Stage.ENDED)
    intent = next(r for r in read_records(folder.decisions) if r.body.get("tool") == "evaluate_model")
    path = folder.jobs / str(intent.body["job_id"]) / "result.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["artifacts"]["report"] = "q_" + "0" * 16
    path.write_text(json.dumps(plain), encoding="utf-8")
    return _judged(audited(folder))


async def operator_made_up(ground: Ground) -> Attempt:
    """A controller that does as it likes and writes that an operator wanted it; the replay asks who did."""
    folder = await ground.session(Stage.PATCHING)
    async with ground.hosted(folder) as tools:
        seen = await tools("observe_session")
        decision = {
            "kind": "stop",
            "reason": "the operator wants it",
            "options": [{"kind": "stop", "taken": True, "reason": "the operator wants it"}],
            "chosen_by": "operator",
            "stop_reason": "request",
        }
        recorded = await tools("record_decision", key=seen.body["key"], decision=decision)
        found = await tools("replay_session")
    won = recorded.ok and bool(found.body.get("identical"))
    said = str(found.body.get("first_divergence", ""))
    saw = "the replay finds nothing" if won else f"the replay says: {said[:110]}"
    return Attempt(won, saw, "audit replay names the record" if said else "")


def _judged(report: VerifyReport) -> Attempt:
    if report.ok:
        return Attempt(True, "audit verify finds nothing wrong", "")
    return Attempt(False, f"audit verify: {report.first_bad[:120]}", "audit verify names it")


def _attack(name: str, wants: str, guard: str, act: Any, *, by: Any = "insider") -> Attack:
    return Attack(name, "the log", by, wants, guard, "audit verify, or replay, finds nothing wrong", act)


RECORDS = (
    _attack("log-edited", "a rejection that reads as an acceptance", "each record's hash", byte_changed),
    _attack(
        "outcome-forged", "the same, with the chain made anew", "signed checkpoints", Rewritten(accept_it)
    ),
    _attack(
        "record-dropped", "an observation that never was", "signed checkpoints", Rewritten(drop_a_refusal)
    ),
    _attack(
        "log-signed-anew",
        "another story under another key",
        "the keys believed are the user's",
        signed_by_another,
    ),
    _attack("tail-cut", "the last records never written", "the sink", tail_cut),
    _attack(
        "adapter-dropped-in",
        "an adapter that was trained elsewhere",
        "every adapter comes from one outcome",
        adapter_dropped_in,
    ),
    _attack(
        "weights-replaced",
        "an accepted report over other weights",
        "outcomes pin the artifacts that they name",
        weights_replaced,
    ),
    _attack(
        "verdict-edited", "an acceptance on disk", "outcomes pin the artifacts that they name", verdict_edited
    ),
    _attack(
        "job-result-edited",
        "a job that made something else",
        "a job ended as its outcome says",
        job_result_edited,
    ),
    _attack(
        "operator-made-up",
        "a decision of one's own under the operator's name",
        "the replay decides again",
        operator_made_up,
        by="controller",
    ),
)
