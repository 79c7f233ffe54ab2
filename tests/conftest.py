"""Shared set-up: one torch thread, no network, no model requests, and realdata tests that say what they lack."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sessions import Bench, FinishedSession

for _name, _value in {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "LANGGRAPH_STRICT_MSGPACK": "true",
}.items():
    os.environ.setdefault(_name, _value)


_keys = tempfile.mkdtemp(prefix="proda-keys-")  # no test signs with, or makes, the key of who runs it
atexit.register(shutil.rmtree, _keys, ignore_errors=True)
os.environ["PRODA_SIGNING_KEY"] = str(Path(_keys) / "signing_key.pem")


@pytest.fixture
def realdata() -> Path:
    """The folder of real texts named by PRODA_REALDATA; the test is skipped, and counted, without it."""
    folder = os.environ.get("PRODA_REALDATA", "")
    if not folder:
        pytest.skip("PRODA_REALDATA is not set")
    path = Path(folder)
    assert path.is_dir(), f"PRODA_REALDATA names {folder}, which is not a folder"
    return path


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The corpus and the base of all small sessions."""
    from tests.sessions import Bench

    return Bench.make(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def finished_session(bench: Bench) -> FinishedSession:
    """One small session run to its end for real, once a test run; tests take copies of it."""
    from tests.sessions import finish_one

    return finish_one(bench)
