"""A lock is exclusive, names its holder, and dies with its process and not with that process's children."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proda_core.locks import FileLock


def test_only_one_holds_it_and_the_other_can_read_who(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire(wait=False, holder={"pid": 7})
    assert not second.acquire(wait=False)
    assert second.holder() == {"pid": 7}
    first.release()
    assert second.acquire(wait=False)
    second.release()


def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from proda_core.locks import FileLock;"
        "lock = FileLock(Path(sys.argv[1])); lock.acquire(); ready, tell = os.pipe(); child = os.fork();"
        "(os.write(tell, b'x'), sys.stdin.read(), os._exit(0)) if child == 0 else (os.read(ready, 1), os._exit(0))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")], stdin=subprocess.PIPE
    ) as parent:
        parent.wait()  # the child lives on until its input ends
        lock = FileLock(tmp_path / "lock")
        assert lock.acquire(wait=False)
        lock.release()


def test_a_holder_that_wrote_nothing_readable_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff{")
    assert FileLock(tmp_path / "lock").holder() == {}
