"""``proda audit`` on a finished session and on copies that somebody tampered with: each found, by the verdict it is about."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from proda_core.errors import ConfigError, GuardRefusal, LedgerError, ToolError
from proda_core.ids import canonical_json, digest
from proda_core.log import verify
from proda_core.log.checkpoint import CheckpointFolder
from proda_core.log.keys import key_path, read_key
from proda_core.session import SessionFolder
from tests.sessions import Bench, FinishedSession, copied, outcomes_of, records_of, run_to_end, seeded

FLIPS = 200


@pytest.fixture
def session(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    return copied(finished_session.folder, tmp_path)


def audit(folder: SessionFolder, *options: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["audit", "verify", str(folder.root), "--json", *options])
    return result.exit_code, json.loads(result.stdout)


def verdicts(view: dict[str, Any]) -> tuple[str, str, str]:
    return view["integrity"], view["authenticity"], view["completeness"]


def rebuilt(folder: SessionFolder, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """The log with its records changed, numbered and chained anew: what anybody can do who has no key."""
    plain = [json.loads(record.line()) for record in records_of(folder)]
    change(plain)
    prev, lines = "0" * 64, []
    for seq, one in enumerate(plain, 1):
        body = {**{name: part for name, part in one.items() if name != "hash"}, "seq": seq, "prev": prev}
        prev = digest(body)
        lines.append(canonical_json({**body, "hash": prev}) + b"\n")
    folder.decisions.write_bytes(b"".join(lines))


def test_a_finished_session_verifies_and_every_record_of_it_is_signed(session: SessionFolder) -> None:
    code, view = audit(session)
    assert code == 0 and view["ok"] is True
    assert verdicts(view) == ("intact", "signed", "complete")
    assert view["records"] == view["signed_to"] == len(records_of(session))
    own = read_key(key_path()).public.fingerprint
    assert view["keys"] == [own] == [records_of(session)[0].body["signing"]["key"]]
    assert view["anchoring"] == "not anchored" and any("not anchored" in one for one in view["cannot_detect"])


def test_checkpoints_stand_at_the_opening_at_every_round_and_at_the_end(session: SessionFolder) -> None:
    sizes = CheckpointFolder(session.signatures).sizes()
    due = [r.seq for r in records_of(session) if r.kind in ("session", "decision")]
    due += [r.seq for r in records_of(session, "outcome") if r.body["tool"] == "judge_candidate"]
    assert set(due) <= set(sizes) and sizes[-1] == len(records_of(session))
    assert max(after - before for before, after in pairwise(sizes)) <= 16


def test_every_one_of_200_flipped_bytes_is_found_at_its_record(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    data = finished_session.folder.decisions.read_bytes()
    rng = random.Random(8)
    copy = tmp_path / "decisions.jsonl"
    for _ in range(FLIPS):
        at, bit = rng.randrange(len(data)), rng.randrange(8)
        copy.write_bytes(data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :])
        report = verify(copy)
        record = data[:at].count(b"\n") + 1
        assert not report.ok and report.integrity == "broken", (at, bit)
        assert report.first_bad_seq == record, (at, bit, report.first_bad)
        assert report.first_bad.startswith(f"record {record} (line {record})")


def test_a_flipped_byte_ends_the_command_with_its_exit_code_and_the_records_name(
    session: SessionFolder,
) -> None:
    data = bytearray(session.decisions.read_bytes())
    lines = data.split(b"\n")
    at = len(lines[0]) + 1 + 40  # in the second record
    data[at] ^= 1
    session.decisions.write_bytes(bytes(data))
    code, view = audit(session)
    assert code == LedgerError.exit_code and view["ok"] is False
    assert str(view["first_bad"]).startswith("record 2 (line 2)")
    assert verdicts(view) == ("broken", "signed", "not judged") and view["signed_to"] == 1
    shown = CliRunner().invoke(app, ["audit", "verify", str(session.root)])
    assert shown.exit_code == code and "record 2" in shown.stdout
    assert session.decisions.read_bytes() == bytes(data)  # verifying repairs nothing


def test_an_adapter_changed_on_disk_is_found(session: SessionFolder) -> None:
    key = next(iter(session.store.list("adapter")))
    weights = session.store.path("adapter", key) / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    code, view = audit(session)
    assert code == LedgerError.exit_code and verdicts(view) == ("intact", "signed", "incomplete")
    assert any(key in str(problem) for problem in view["problems"])


@pytest.mark.parametrize("kind", ["adapter", "mixture", "report", "verdict"])
def test_an_artifact_nobody_logged_is_a_matter_of_completeness(session: SessionFolder, kind: str) -> None:
    key = next(iter(session.store.list(kind)))
    stranger = key[:2] + "0" * 16
    folder = session.store.path(kind, key)
    shutil.copytree(folder, folder.with_name(stranger))
    code, view = audit(session)
    assert code == LedgerError.exit_code and verdicts(view) == ("intact", "signed", "incomplete")
    assert view["first_bad"] == f"{kind} {stranger} is on disk, and no outcome names it"


def test_an_outcome_taken_out_under_a_new_chain_is_seen_by_signature_and_by_completeness(
    session: SessionFolder,
) -> None:
    outcome = next(r for r in records_of(session, "outcome") if r.body["tool"] == "train_adapter")
    intent = next(r for r in records_of(session, "intent") if r.key == outcome.key)

    def take_out(plain: list[dict[str, Any]]) -> None:
        del plain[outcome.seq - 1]

    lines = session.decisions.read_bytes().splitlines(keepends=True)
    session.decisions.write_bytes(b"".join(lines[: outcome.seq - 1] + lines[outcome.seq :]))
    _, view = audit(session)
    assert view["integrity"] == "broken" and view["first_bad"].startswith(f"record {outcome.seq} ")
    session.decisions.write_bytes(b"".join(lines))
    rebuilt(session, take_out)
    code, view = audit(session)
    assert code == LedgerError.exit_code and verdicts(view) == ("intact", "contradicted", "incomplete")
    assert f"record {intent.seq}: intent {intent.key} has no outcome" in view["problems"]
    assert (
        f"adapter {outcome.body['artifacts']['adapter']} is on disk, and no outcome names it"
        in view["problems"]
    )
    signed = max(size for size in CheckpointFolder(session.signatures).sizes() if size < outcome.seq)
    assert view["first_bad"].startswith(f"record {signed + 1}: records {signed + 1} to ")


def test_a_job_nobody_asked_for_and_one_that_ended_otherwise_are_found(session: SessionFolder) -> None:
    job = sorted(path for path in session.jobs.glob("j_*") if (path / "result.json").exists())[0]
    shutil.copytree(job, session.jobs / ("j_" + "0" * 16))
    _, view = audit(session)
    assert view["first_bad"] == f"job j_{'0' * 16} is on disk, and no intent asked for it"
    shutil.rmtree(session.jobs / ("j_" + "0" * 16))
    result = json.loads((job / "result.json").read_text(encoding="utf-8"))
    (job / "result.json").write_text(json.dumps({**result, "artifacts": {"adapter": "a_" + "0" * 16}}))
    _, view = audit(session)
    assert verdicts(view) == ("intact", "signed", "incomplete")
    assert f"job {job.name} made something else than its outcome says" in view["first_bad"]
    shutil.rmtree(job)
    assert (
        f"job {job.name} made what its outcome names, and its folder is gone"
        in audit(session)[1]["first_bad"]
    )


def test_an_artifact_that_two_outcomes_claim_is_found(session: SessionFolder) -> None:
    reports = [r for r in records_of(session, "outcome") if r.body["tool"] == "evaluate_model"]

    def claim(plain: list[dict[str, Any]]) -> None:
        plain[reports[1].seq - 1]["body"]["artifacts"] = dict(reports[0].body["artifacts"])

    rebuilt(session, claim)
    _, view = audit(session)
    claimed = reports[0].body["artifacts"]["report"]
    assert (
        f"record {reports[1].seq}: report {claimed} is the outcome of record {reports[0].seq} already"
        in view["problems"]
    )


def test_the_key_to_believe_may_be_named_by_fingerprint_or_file(
    session: SessionFolder, tmp_path: Path
) -> None:
    shown = json.loads(CliRunner().invoke(app, ["audit", "key", "--json"]).stdout)
    assert shown["path"] == str(key_path()) and "PRIVATE" not in json.dumps(shown)
    (tmp_path / "auditor.pem").write_text(shown["public_key"], encoding="utf-8")
    for named in (shown["fingerprint"], str(tmp_path / "auditor.pem")):
        assert audit(session, "--key", named)[0] == 0
    code, view = audit(session, "--key", "SHA256:" + "A" * 43)
    assert code == LedgerError.exit_code and verdicts(view) == ("intact", "contradicted", "complete")
    refused = CliRunner().invoke(app, ["audit", "verify", str(session.root), "--key", "nonsense"])
    assert isinstance(refused.exception, ConfigError)


def test_a_session_that_never_was_signed_verifies_and_is_said_not_to_be(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = seeded(bench.session(tmp_path, audit={"sign": False}), finished_session.folder)
    assert folder.name == finished_session.folder.name  # who signs makes no other session
    run_to_end(folder)
    code, view = audit(folder)
    assert code == 0 and verdicts(view) == ("intact", "not signed", "complete")
    assert not folder.signatures.exists() and any("(not signed)" in one for one in view["cannot_detect"])


def test_a_sink_witnesses_the_session_and_contradicts_one_that_was_run_in_its_place(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    sink = tmp_path / "elsewhere"
    sink.mkdir()
    folder = seeded(bench.session(tmp_path / "one", audit={"sink": str(sink)}), finished_session.folder)
    run_to_end(folder)
    code, view = audit(folder)
    assert code == 0 and (view["anchoring"], view["anchored_to"]) == ("anchored", view["records"])
    assert not any("not anchored" in one for one in view["cannot_detect"])
    code, view = audit(finished_session.folder, "--sink", str(sink))
    assert code == LedgerError.exit_code and view["authenticity"] == "signed"
    assert "the sink has no checkpoint of this log" in view["first_bad"]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["audit", *arguments])


def test_replay_ends_with_code_0_when_identical_and_10_when_a_threshold_changes_it(
    session: SessionFolder,
) -> None:
    same = run("replay", str(session.root))
    assert same.exit_code == 0 and "identical" in same.stdout
    other = run("replay", str(session.root), "--set", "policy.min_patchable=10000")
    assert other.exit_code == LedgerError.exit_code and "first divergence" in other.stdout
    view = json.loads(run("replay", str(session.root), "--json").stdout)
    assert view["identical"] is True and view["total"] == len(view["steps"])


def test_what_a_tool_refuses_ends_the_command_with_its_own_error(session: SessionFolder) -> None:
    unknown = run("explain", "i_" + "0" * 16, str(session.root))
    assert isinstance(unknown.exception, ToolError) and "nothing of this session has that ID" in str(
        unknown.exception
    )
    other = run("replay", str(session.root), "--set", "training.rank=2")
    assert isinstance(other.exception, ConfigError) and "not 'training'" in str(other.exception)


def test_explain_shows_the_tree_down_to_the_quotes(session: SessionFolder) -> None:
    adapter = outcomes_of(session, "train_adapter")[-1]["artifacts"]["adapter"]
    shown = run("explain", adapter, str(session.root))
    assert shown.exit_code == 0 and "every step resolved" in shown.stdout
    view = json.loads(run("explain", adapter, str(session.root), "--json").stdout)
    assert view["sentences"] and view["total"] == len(view["steps"])
    plain = " ".join(shown.stdout.replace("│", " ").split())
    quote = next(step["quote"] for step in view["steps"] if step["quote"])
    assert f"“{' '.join(quote.split())}”" in plain


def test_leaks_are_checked_on_a_session_and_on_other_files(session: SessionFolder, tmp_path: Path) -> None:
    clean = run("leaks", str(session.root))
    assert clean.exit_code == 0 and "no leak by G1, G2, G3, G4, G5, G6" in clean.stdout
    train, bench = tmp_path / "train.jsonl", tmp_path / "bench.jsonl"
    train.write_text(
        '{"question": "Which moon is the largest of all?", "answer": "Ganymede"}\n', encoding="utf-8"
    )
    bench.write_text(train.read_text(encoding="utf-8"), encoding="utf-8")
    found = run("leaks", "--train", str(train), "--benchmark", str(bench))
    assert found.exit_code == GuardRefusal.exit_code and "train.jsonl, line 1" in found.stdout
    assert isinstance(run("leaks", "--train", str(train)).exception, ConfigError)
