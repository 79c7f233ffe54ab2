"""A session folder whose workers do not outlive the test."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from proda_core.jobs import LocalExecutor


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "session"
    folder.mkdir()
    yield folder
    for status in LocalExecutor(folder).list():
        if status.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(status.pid, signal.SIGKILL)
