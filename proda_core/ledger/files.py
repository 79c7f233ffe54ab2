"""SQLite files of a session: whatever goes wrong with one is a LedgerError that names the file and says what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proda_core.errors import LedgerError


@contextmanager
def typed(path: Path) -> Iterator[None]:
    """SQLite's errors as LedgerError, with the file's name."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(
            f"{path.name} cannot be used ({error}); check the disk, or restore the file from a backup"
        ) from error
