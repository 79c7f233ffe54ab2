"""An exclusive lock on a file, kept by the kernel: it goes when its process dies, however it dies.

The file may name its holder for people to read; that text decides nothing. A child made by fork drops its copy at once, so
that a lock never outlives the process that took it because of a helper process.
"""

from __future__ import annotations

import fcntl
import json
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any


class FileLock:
    """``with FileLock(path):`` waits for the lock; ``acquire(wait=False)`` says whether it was free."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        return self._handle is not None

    def acquire(
        self, *, wait: bool = True, shared: bool = False, holder: Mapping[str, Any] | None = None
    ) -> bool:
        """Take the lock, alone or ``shared`` with all who take it so; False when ``wait`` is off and another process, or another
        FileLock here, has it in a way that forbids that."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        locked = False
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
            locked = True
        except BlockingIOError:
            return False
        finally:
            if not locked:
                os.close(handle)
        if holder is not None:
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(dict(holder), sort_keys=True).encode(), 0)
        self._handle = handle
        _HELD.add(self)
        return True

    def release(self) -> None:
        """Give the lock back; the file stays, because removing it would let two processes hold two files of one name."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            _HELD.discard(self)

    def holder(self) -> dict[str, Any]:
        """What the last process to take the lock wrote about itself; {} when nothing readable is there."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


_HELD: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _drop_in_child() -> None:
    for lock in list(_HELD):
        lock.release()


os.register_at_fork(after_in_child=_drop_in_child)
