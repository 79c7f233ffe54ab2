"""Another process holds the write lock of one of the session's databases, or the loop's own has become unreadable."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.exit_codes import EXIT_CODES
from evals.kills import differences
from evals.kills.copies import copy_session
from proda_core.errors import LedgerError
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.faults.injecting import end_of, hosted, start_host
from tests.sessions import FinishedSession, copied, records_of

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


def _consequences(folder: SessionFolder) -> list[tuple[str, str]]:
    records = records_of(folder)
    return [(r.kind, r.key) for r in records if r.kind in ("intent", "outcome", "decision", "observation")]


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 4096)


@pytest.mark.parametrize("harm", [_garbage, Path.unlink], ids=["unreadable", "gone"])
def test_a_loop_without_its_checkpoints_goes_through_the_log_again_and_does_nothing_twice(
    finished_session: FinishedSession, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    folder = copied(finished_session.folder, tmp_path)
    before = _consequences(folder)
    harm(folder.checkpoints)
    code, said = hosted(folder)
    if folder.checkpoints.exists() and code != _DONE:
        assert code == LedgerError.exit_code and "delete the file" in said, said
        folder.checkpoints.unlink()
        code, said = hosted(folder)
    assert code == _DONE, said
    assert _consequences(folder) == before
    assert differences(folder, finished_session.folder) == ()
