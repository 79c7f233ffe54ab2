"""The library that kills a process at a write boundary, built from ``shim.c`` by the machine's C compiler, and its orders.

Loaded into host and worker by LD_PRELOAD, it sees every system call that changes a file of the session, SQLite's, Kùzu's and
Arrow's included. The product's own code knows nothing of it: where it is not loaded there is nothing to switch off.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from proda_core.artifacts import write_atomic
from proda_core.errors import ToolError

_SOURCE = Path(__file__).with_name("shim.c")


def build_shim(folder: Path) -> Path:
    """The library, compiled into ``folder``. ToolError where there is no C compiler or it fails."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise ToolError(
            "no C compiler, which builds what kills at write boundaries: apt-get install -y gcc libc6-dev"
        )
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "shim.so"
    built = subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise ToolError(f"{compiler} could not build {_SOURCE.name}: {built.stderr.strip()[-500:]}")
    return library


@dataclass(slots=True)
class Orders:
    """The one order that is out, and what was hit by those before it. The file goes when somebody dies of it."""

    folder: Path
    sample: int = 1  # of the kinds of boundary one in so many
    given: int = 0

    @property
    def _order(self) -> Path:
        return self.folder / "order"

    @property
    def _seen(self) -> Path:
        return self.folder / "seen"

    def environment(self, session: Path) -> dict[str, str]:
        """What a process of ``session`` needs so that orders reach it, and its workers."""
        return {
            "PRODA_KILL_ROOT": str(session.resolve()),
            "PRODA_KILL_ORDER": str(self._order),
            "PRODA_KILL_SEEN": str(self._seen),
            "PRODA_KILL_SAMPLE": str(self.sample),
        }

    def give(self, role: str, boundary: int) -> None:
        """Have a ``role`` ("host", "worker", "any") die at its ``boundary``-th boundary from now; 0: at one never hit before."""
        self.given += 1
        write_atomic(self._order, f"{role} {boundary} {self.given}\n".encode())

    def withdraw(self) -> bool:
        """Take the order back; False when somebody has died of it."""
        try:
            self._order.unlink()
        except FileNotFoundError:
            return False
        return True

    def out(self) -> bool:
        return self._order.exists()

    def note_seen(self, boundaries: list[str]) -> None:
        """Boundaries hit by an earlier run, so that order 0 looks for others."""
        write_atomic(self._seen, "".join(f"{line}\n" for line in boundaries).encode())

    def hits(self) -> list[str]:
        """Every death so far, "role kind path", in order."""
        return self._seen.read_text(encoding="utf-8").splitlines() if self._seen.exists() else []
