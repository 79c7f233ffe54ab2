"""Signed checkpoints: made when due, made up for after a kill, and telling of whatever was changed, cut off or written anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proda_core.clock import FakeClock
from proda_core.errors import LedgerError
from proda_core.ids import canonical_json, digest
from proda_core.log import DecisionLog, SigningPlan, Standing, VerifyReport, Witnesses, verify
from proda_core.log.checkpoint import CheckpointFolder
from proda_core.log.keys import SigningKey, own_key

EVERY = 4
KEY = "signing_key.pem"


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "demo-1"
    folder.mkdir()
    (tmp_path / "sink").mkdir()
    return folder


def key_of(session: Path, name: str = KEY) -> SigningKey:
    return own_key(session.parent / name)


def plan_of(session: Path, *, key: str = KEY, sink: bool = False) -> SigningPlan:
    where = session.parent / "sink" if sink else None
    return SigningPlan(key_of(session, key), session.name, session / "signatures", EVERY, where)


def opened(session: Path, plan: SigningPlan | None) -> dict[str, Any]:
    return {"event": "opened", "session": session.name, "signing": plan.about() if plan else None}


def open_log(session: Path, **options: Any) -> DecisionLog:
    """The log as a host opens it: its signing named in an opening record."""
    plan = plan_of(session, **options)
    log = DecisionLog(session / "decisions.jsonl", clock=FakeClock(), signing=plan)
    if [r.body for r in log.records if r.body.get("event") == "opened"][-1:] != [opened(session, plan)]:
        log.append("session", "o_opened", opened(session, plan))
    return log


def work(log: DecisionLog, calls: Iterable[int]) -> None:
    for number in calls:
        log.append("intent", f"o_{number}", {"tool": "evaluate_model"})
        log.append("outcome", f"o_{number}", {"ok": True, "artifacts": {}, "meta": {"dev": number / 7}})


def end(log: DecisionLog) -> None:
    log.append("decision", "decision-0", {"decision": {"kind": "stop"}})
    log.append("session", "o_end", {"event": "finished", "stop_reason": "plateau"})


def write(session: Path, **options: Any) -> None:
    """A log of 15 records: opened, six calls, a decision, the end."""
    with open_log(session, **options) as log:
        work(log, range(6))
        end(log)


def check(
    session: Path, *, trusted: str | None = KEY, sink: bool = False, demanded: bool = False
) -> VerifyReport:
    keys = frozenset() if trusted is None else frozenset({key_of(session, trusted).public.fingerprint})
    where = session.parent / "sink" if sink else None
    witnesses = Witnesses(session / "signatures", keys, demanded=demanded, sink=where)
    return verify(session / "decisions.jsonl", witnesses=witnesses)


def sizes(session: Path) -> list[int]:
    return CheckpointFolder(session / "signatures").sizes()


def lines_of(session: Path) -> list[bytes]:
    return (session / "decisions.jsonl").read_bytes().splitlines(keepends=True)


def rebuild(session: Path, plain: list[dict[str, Any]]) -> None:
    """Write a log anew as somebody would who knows its form and not its key: numbered and chained from the first record."""
    prev, lines = "0" * 64, []
    for seq, one in enumerate(plain, 1):
        record = {**{k: v for k, v in one.items() if k != "hash"}, "seq": seq, "prev": prev}
        prev = digest(record)
        lines.append(canonical_json({**record, "hash": prev}) + b"\n")
    (session / "decisions.jsonl").write_bytes(b"".join(lines))


def test_checkpoints_follow_openings_decisions_ends_and_every_so_many_records(session: Path) -> None:
    write(session)
    assert sizes(session) == [1, 5, 9, 13, 14, 15]
    with DecisionLog(session / "decisions.jsonl", signing=plan_of(session)) as log:
        log.append("intent", "o_judge", {})
        log.append("outcome", "o_judge", {"ok": True, "artifacts": {"verdict": "w_" + "1" * 16}})
        assert sizes(session)[-1] == 17
    report = check(session)
    assert (report.ok, report.authenticity, report.signed_to) == (True, Standing.SIGNED, 17)
    assert report.keys == (key_of(session).public.fingerprint,)
    assert not any("rewritten whole" in blind for blind in report.cannot_detect)


def test_an_older_log_is_signed_from_its_next_opening_on(session: Path) -> None:
    with DecisionLog(session / "decisions.jsonl") as log:
        log.append("session", "o_opened", {"event": "opened", "session": session.name})
        work(log, range(4))
    report = check(session)
    assert (report.ok, report.authenticity, report.anchoring) == (
        True,
        Standing.NOT_SIGNED,
        Standing.NOT_ANCHORED,
    )
    assert any("not signed" in blind for blind in report.cannot_detect)
    assert not check(session, demanded=True).ok  # who names a key wants it signed
    with open_log(session) as log:
        assert sizes(session) == [10]
        end(log)
    report = check(session, demanded=True)
    assert (report.ok, report.authenticity, report.signed_to) == (True, Standing.SIGNED, 12)


def test_a_key_that_nobody_vouched_for_is_said_and_another_than_the_one_named_is_refused(
    session: Path,
) -> None:
    write(session)
    report = check(session, trusted=None)
    assert (report.ok, report.authenticity) == (True, Standing.UNVOUCHED)
    assert any("nobody vouched" in blind for blind in report.cannot_detect)
    report = check(session, trusted="other.pem")
    assert (report.ok, report.authenticity, report.signed_to) == (False, Standing.CONTRADICTED, 0)
    assert "which is not the key to be believed" in report.first_bad


def test_a_session_may_go_on_under_another_key_that_the_log_then_names(session: Path) -> None:
    with open_log(session) as log:
        work(log, range(2))
    with open_log(session, key="other.pem") as log:
        work(log, range(2, 4))
    keys = frozenset(key_of(session, name).public.fingerprint for name in (KEY, "other.pem"))
    report = verify(session / "decisions.jsonl", witnesses=Witnesses(session / "signatures", keys))
    assert report.ok and set(report.keys) == keys and report.signed_to == report.records == 10
    assert not check(session).ok


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_byte_of_the_log_is_a_break_of_integrity_at_its_record(
    session: Path, data: st.DataObject
) -> None:
    path = session / "decisions.jsonl"
    if not path.exists():
        write(session)
    good = path.read_bytes()
    at, bit = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 7))
    try:
        path.write_bytes(good[:at] + bytes([good[at] ^ (1 << bit)]) + good[at + 1 :])
        report = check(session)
    finally:
        path.write_bytes(good)
    assert (report.ok, report.integrity, report.completeness) == (False, "broken", "not judged")
    assert report.first_bad_seq == good[:at].count(b"\n") + 1
    assert report.signed_to < report.first_bad_seq  # what stands before it is vouched for still


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_records_swapped_dropped_or_repeated_break_the_chain(session: Path, data: st.DataObject) -> None:
    path = session / "decisions.jsonl"
    if not path.exists():
        write(session)
    lines = lines_of(session)
    one = data.draw(st.integers(0, len(lines) - 2))
    other = data.draw(st.integers(one + 1, len(lines) - 1))
    swapped = [*lines]
    swapped[one], swapped[other] = lines[other], lines[one]
    changed = {
        "swapped": swapped,
        "dropped": lines[:one] + lines[one + 1 :],
        "repeated": lines[: one + 1] + lines[one:],
    }
    bad = {"swapped": one + 1, "dropped": one + 1, "repeated": one + 2}
    try:
        for how, now in changed.items():
            path.write_bytes(b"".join(now))
            report = check(session)
            assert (report.integrity, report.first_bad_seq) == ("broken", bad[how]), how
    finally:
        path.write_bytes(b"".join(lines))


@pytest.mark.parametrize("left", range(1, 15))
def test_a_cut_tail_contradicts_the_checkpoints_and_names_what_is_gone(session: Path, left: int) -> None:
    write(session)
    (session / "decisions.jsonl").write_bytes(b"".join(lines_of(session)[:left]))
    report = check(session)
    assert (report.ok, report.integrity, report.authenticity) == (False, "intact", Standing.CONTRADICTED)
    assert report.first_bad.startswith(f"record {left + 1}: records {left + 1} to ")
    assert report.signed_to == max([0, *(size for size in sizes(session) if size <= left)])
    with pytest.raises(LedgerError, match="were signed"):  # and no host goes on from there
        DecisionLog(session / "decisions.jsonl", signing=plan_of(session))


def test_a_cut_tail_whose_checkpoints_were_taken_along_contradicts_the_sink(session: Path) -> None:
    write(session, sink=True)
    assert check(session, sink=True).anchored_to == 15
    (session / "decisions.jsonl").write_bytes(b"".join(lines_of(session)[:9]))
    for size in sizes(session):
        if size > 9:
            (session / "signatures" / f"{size}.checkpoint").unlink()
    alone = check(session)
    assert alone.ok and any("cut off" in blind for blind in alone.cannot_detect)  # and it says so
    report = check(session, sink=True)
    assert (report.ok, report.authenticity, report.anchoring) == (
        False,
        Standing.SIGNED,
        Standing.CONTRADICTED,
    )
    assert report.first_bad_seq == 10


def changed(session: Path) -> list[dict[str, Any]]:
    """The records with one figure made better."""
    plain = [json.loads(line) for line in lines_of(session)]
    plain[6]["body"]["meta"]["dev"] = 0.99
    return plain


def test_a_chain_rebuilt_without_the_key_contradicts_the_checkpoints(session: Path) -> None:
    write(session)
    rebuild(session, changed(session))
    report = check(session)
    assert (report.ok, report.integrity, report.authenticity) == (False, "intact", Standing.CONTRADICTED)
    assert report.first_bad.startswith("record 6: records 6 to 9 are not those that were signed")
    assert report.signed_to == 5
    with pytest.raises(LedgerError, match="not those of checkpoint 9"):
        DecisionLog(session / "decisions.jsonl", signing=plan_of(session))


def test_checkpoints_taken_away_are_missed_where_they_were_due(session: Path) -> None:
    write(session)
    rebuild(session, changed(session))
    for size in sizes(session):
        if size > 5:
            (session / "signatures" / f"{size}.checkpoint").unlink()
    report = check(session)
    assert (report.ok, report.authenticity, report.first_bad_seq) == (False, Standing.CONTRADICTED, 9)
    assert "is gone" in report.first_bad


def test_a_log_written_anew_by_somebody_elses_key_is_signed_by_a_stranger(session: Path) -> None:
    write(session, sink=True)
    plain = changed(session)
    for path in (session / "signatures").iterdir():
        path.unlink()
    plain[0]["body"]["signing"] = plan_of(session, key="forger.pem").about()
    rebuild(session, plain)
    DecisionLog(session / "decisions.jsonl", signing=plan_of(session, key="forger.pem")).close()
    forger = check(session, trusted="forger.pem")
    assert forger.authenticity == Standing.CONTRADICTED  # one checkpoint does not do: they were due all along
    for size in (1, 5, 9, 13, 14, 15):
        _forge(session, size)
    assert check(session, trusted="forger.pem").ok
    report = check(session)
    assert (report.ok, report.authenticity) == (
        False,
        Standing.CONTRADICTED,
    ) and "not the key to be" in report.first_bad
    unvouched = check(session, trusted=None)
    assert unvouched.ok and unvouched.authenticity == Standing.UNVOUCHED
    anchored = check(session, trusted=None, sink=True)
    assert not anchored.ok and "has no checkpoint of this log" in anchored.first_bad


def _forge(session: Path, size: int) -> None:
    """The checkpoint that the forger's key gives a log of ``size`` records."""
    lines = lines_of(session)
    path = session / "decisions.jsonl"
    for kept in (session / "signatures").iterdir():
        if int(kept.name.partition(".")[0]) >= size:
            kept.unlink()
    path.write_bytes(b"".join(lines[:size]))
    DecisionLog(path, signing=plan_of(session, key="forger.pem")).close()
    path.write_bytes(b"".join(lines))


def test_a_log_stripped_of_its_signatures_fails_where_a_key_or_a_sink_is_named(session: Path) -> None:
    write(session, sink=True)
    plain = changed(session)
    plain[0]["body"]["signing"] = None
    for path in (session / "signatures").iterdir():
        path.unlink()
    rebuild(session, plain)
    assert check(session).authenticity == Standing.NOT_SIGNED
    assert any("rewritten whole" in blind for blind in check(session).cannot_detect)
    assert not check(session, demanded=True).ok
    assert not check(session, sink=True).ok


def test_a_changed_checkpoint_is_named_and_the_others_stand(session: Path) -> None:
    write(session)
    path = session / "signatures" / "9.checkpoint"
    note = path.read_bytes()
    path.write_bytes(note.replace(b"at 2026-01-01", b"at 2025-01-01"))
    report = check(session)
    assert (
        not report.ok
        and report.first_bad == "record 9: checkpoint 9 is not signed by a key that the log names"
    )
    path.write_bytes((session / "signatures" / "5.checkpoint").read_bytes())
    assert "checkpoint 9 is none of this log" in check(session).first_bad
    assert check(session).signed_to == 15


def test_signing_that_stops_within_a_session_is_a_problem(session: Path) -> None:
    write(session)
    with DecisionLog(session / "decisions.jsonl") as log:
        log.append("session", "o_again", opened(session, None))
        work(log, range(6, 9))
    report = check(session)
    assert (report.ok, report.first_bad_seq) == (False, 16) and "without signing" in report.first_bad


def test_a_kill_at_any_point_leaves_a_log_that_verifies_and_is_signed_at_the_next_opening(
    session: Path,
) -> None:
    """Both windows at each record: after the record and before its checkpoint, and after both."""
    write(session)
    lines, kept = (
        lines_of(session),
        {size: CheckpointFolder(session / "signatures").note(size) for size in sizes(session)},
    )
    for count in range(1, len(lines) + 1):
        for before_checkpoint in (True, False):
            for path in (session / "signatures").iterdir():
                path.unlink()
            there = [size for size in kept if size < count or (size == count and not before_checkpoint)]
            for size in there:
                (session / "signatures" / f"{size}.checkpoint").write_bytes(kept[size])
            (session / "decisions.jsonl").write_bytes(b"".join(lines[:count]))
            report = check(session)
            open_calls = [p for p in report.problems if "has no outcome" in p]
            assert list(report.problems) == open_calls, (count, before_checkpoint)
            assert report.signed_to == max(there, default=0)
            with DecisionLog(session / "decisions.jsonl", signing=plan_of(session)):
                assert lines_of(session) == lines[:count]  # nothing is lost and nothing is added
                again = check(session)
                assert (again.authenticity, again.signed_to) == (Standing.SIGNED, count)


def test_a_killed_process_leaves_a_log_that_verifies(session: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.proda_core.log.test_signing import open_log\n"
        "log = open_log(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    log.append('note', f'n{n}', {'n': n}); print(n, flush=True)\n"
    )
    key_of(session)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(session)], stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        for _ in range(40):
            host.stdout.readline()
        os.kill(host.pid, signal.SIGKILL)
    assert verify(session / "decisions.jsonl").integrity in (
        "intact",
        "broken",
    )  # a torn tail is broken until opened
    with open_log(session):
        pass
    report = check(session)
    assert report.ok and report.signed_to == report.records > 40


def test_a_record_whose_checkpoint_cannot_be_written_is_kept_and_nothing_follows_it_unsigned(
    session: Path,
) -> None:
    with open_log(session) as log:
        signatures = session / "signatures"
        signatures.rename(session / "away")
        signatures.write_text("a file where the folder was")
        with pytest.raises(LedgerError, match="checkpoint 2"):
            log.append("decision", "decision-0", {})
        with pytest.raises(LedgerError, match="checkpoint 2"):
            log.append("note", "n", {})
        assert len(lines_of(session)) == 2
        signatures.unlink()
        (session / "away").rename(signatures)
        log.append("note", "n", {})
    assert check(session).ok and sizes(session) == [1, 2, 3]


def test_a_sink_that_goes_away_is_noted_once_and_gets_what_it_missed(session: Path) -> None:
    sink = session.parent / "sink"
    with open_log(session, sink=True) as log:
        sink.rename(session.parent / "unmounted")
        log.append("decision", "decision-0", {})
        log.append("decision", "decision-1", {})
        notes = [record.body for record in log.records if record.kind == "note"]
        assert [note["event"] for note in notes] == ["sink_unreachable"] and not sink.exists()
        assert check(session, sink=True).anchoring == Standing.NOT_ANCHORED
        (session.parent / "unmounted").rename(sink)
        log.append("decision", "decision-2", {})
    report = check(session, sink=True)
    assert (report.ok, report.anchoring, report.anchored_to) == (True, Standing.ANCHORED, report.records)
    sink.rename(session.parent / "unmounted")
    with pytest.raises(LedgerError, match="mount its disk"):
        DecisionLog(session / "decisions.jsonl", signing=plan_of(session, sink=True))


def test_a_log_that_is_being_written_verifies_at_every_moment(session: Path) -> None:
    """An auditor beside a host: between any two of its looks the host writes on."""
    write_on: list[int] = [0]
    with open_log(session, sink=True) as log:
        real_sizes = CheckpointFolder.sizes

        def sizes_and_write_on(self: CheckpointFolder) -> list[int]:
            found = real_sizes(self)
            write_on[0] += 1
            with pytest.MonkeyPatch.context() as calm:
                calm.setattr(CheckpointFolder, "sizes", real_sizes)
                log.append("decision", f"decision-{write_on[0]}", {})
            return found

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(CheckpointFolder, "sizes", sizes_and_write_on)
            report = check(session, sink=True)
    assert write_on[0] >= 4
    assert report.problems == () and (report.authenticity, report.anchoring) == (
        Standing.SIGNED,
        Standing.ANCHORED,
    )


def test_a_log_whose_first_record_was_torn_is_signed_as_its_sessions_all_the_same(session: Path) -> None:
    (session / "decisions.jsonl").write_bytes(b'{"at":"2026-')
    write(session, sink=True)
    report = check(session, sink=True, demanded=True)
    assert report.ok, report.problems
    assert (report.authenticity, report.anchoring) == (Standing.SIGNED, Standing.ANCHORED)
    assert report.signed_to == report.anchored_to == report.records == 16
