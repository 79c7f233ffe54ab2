"""Another process holds the write lock of one of the session's databases, or the loop's own has become unreadable."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from agent.exit_codes import EXIT_CODES
from evals.kills import differences
from evals.kills.copies import copy_session
from proda_core.errors import LedgerError
from proda_core.types import StopReason
from tests.faults.injecting import end_of, hosted, start_host
from tests.sessions import FinishedSession, copied

_DONE = EXIT_CODES[StopReason.BUDGET_ROUNDS]
_PATIENCE_S = 60.0


def impatient() -> None:
    """Wait for a lock a moment instead of half a minute; in a child alone."""
    connect = sqlite3.connect

    def quick(*arguments: object, **options: object) -> sqlite3.Connection:
        return connect(*arguments, **{**options, "timeout": 0.2})  # type: ignore[call-overload,no-any-return] # passed on as it came

    sqlite3.connect = quick  # type: ignore[assignment] # for the child's life


@pytest.mark.parametrize("database", ["ledger.sqlite", "checkpoints.sqlite"])
def test_a_locked_database_ends_the_session_typed_and_it_goes_on_once_it_is_free(
    finished_session: FinishedSession, tmp_path: Path, database: str
) -> None:
    folder = copy_session(finished_session.folder, tmp_path)
    child, told = start_host(folder, before=impatient)
    until = time.monotonic() + _PATIENCE_S
    while not (folder.root / database).exists() or not _has_tables(folder.root / database):
        assert time.monotonic() < until
    other = sqlite3.connect(folder.root / database, timeout=_PATIENCE_S, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        code, said = end_of(child, told)
    finally:
        other.close()
    assert code == LedgerError.exit_code, said
    assert database in said and "locked" in said
    code, said = hosted(folder)
    assert code == _DONE, said
    assert differences(folder, finished_session.folder, failures=True) == ()


def _has_tables(path: Path) -> bool:
    try:
        found = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.0)
        try:
            return bool(
                found.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]
            )
        finally:
            found.close()
    except sqlite3.OperationalError:
        return False


def test_a_loop_whose_checkpoints_cannot_be_read_ends_typed_and_changes_nothing(
    finished_session: FinishedSession, tmp_path: Path
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    whole = folder.checkpoints.read_bytes()
    folder.checkpoints.write_bytes(b"\x00garbage" * 4096)
    code, said = hosted(folder)
    assert code == LedgerError.exit_code and "restore it" in said, said
    folder.checkpoints.write_bytes(whole)
    code, said = hosted(folder)
    assert code == _DONE, said
    assert differences(folder, finished_session.folder) == ()
