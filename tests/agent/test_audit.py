"""``proda audit verify``: passes on a finished session, and for every flipped byte fails and names the first bad record."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from proda_core.errors import LedgerError
from proda_core.log import verify
from proda_core.session import SessionFolder
from tests.sessions import FinishedSession, copied, records_of

FLIPS = 200


@pytest.fixture
def session(finished_session: FinishedSession, tmp_path: Path) -> SessionFolder:
    return copied(finished_session.folder, tmp_path)


def audit(folder: SessionFolder) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["audit", "verify", str(folder.root), "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_a_finished_session_verifies(session: SessionFolder) -> None:
    code, view = audit(session)
    assert code == 0 and view["ok"] is True
    assert (view["integrity"], view["completeness"]) == ("intact", "complete")
    assert view["records"] == len(records_of(session))


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
    shown = CliRunner().invoke(app, ["audit", "verify", str(session.root)])
    assert shown.exit_code == code and "record 2" in shown.stdout
    assert session.decisions.read_bytes() == bytes(data)  # verifying repairs nothing


def test_an_adapter_changed_on_disk_is_found(session: SessionFolder) -> None:
    key = next(iter(session.store.list("adapter")))
    weights = session.store.path("adapter", key) / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    code, view = audit(session)
    assert code == LedgerError.exit_code and view["completeness"] == "incomplete"
    assert any(key in str(problem) for problem in view["problems"])


def test_an_artifact_nobody_logged_is_found(session: SessionFolder) -> None:
    key = next(iter(session.store.list("mixture")))
    folder = session.store.path("mixture", key)
    shutil.copytree(folder, folder.with_name("m_" + "0" * 16))
    code, view = audit(session)
    assert code == LedgerError.exit_code and "m_" + "0" * 16 in str(view["problems"])
