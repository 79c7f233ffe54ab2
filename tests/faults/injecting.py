"""Faults injected for real: a small ext4 disk that fills or turns read-only, a machine that reboots, a clock that is set back.

What cannot be injected where the tests run fails its tests by name, unless the environment's ``PRODA_CANNOT_INJECT`` lists it.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agent.drive import drive
from proda_core.errors import ProdaError
from proda_core.session import SessionFolder

CANNOT = "PRODA_CANNOT_INJECT"
_PATIENCE_S = 30.0
_LOOK_S = 0.05
UNTYPED = 99
"""How a host ended that did not end by a defined route."""


class Fault(StrEnum):
    SMALL_DISK = "small_disk"
    READ_ONLY = "read_only"
    REBOOT = "reboot"
    CLOCK = "clock"
    BOUNDARY = "boundary"


def listed() -> set[str]:
    """The faults that whoever runs the tests knows not to be injectable here."""
    return {name.strip() for name in os.environ.get(CANNOT, "").split(",") if name.strip()}


def need(fault: Fault) -> None:
    """Go on where the fault can be injected; else fail by its name, or skip where it is listed."""
    why = why_not(fault)
    if why and fault in listed():
        pytest.skip(f"{fault} cannot be injected here ({why}), as {CANNOT} says")
    if why:
        pytest.fail(f"{fault} cannot be injected here: {why}; mend that, or list it in {CANNOT}={fault}")


def why_not(fault: Fault) -> str:
    """Why a fault cannot be injected on this machine, found out by trying; "" when it can."""
    with tempfile.TemporaryDirectory(prefix="proda-faults-") as folder:
        try:
            return _TRIALS[fault](Path(folder))
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            return " ".join(str(said).split())[:200]


def _try_disk(folder: Path) -> str:
    with small_disk(folder / "disk", megabytes=4):
        return ""


def _try_read_only(folder: Path) -> str:
    with small_disk(folder / "disk", megabytes=4) as disk:
        return "" if disk.trigger().exists() else "this kernel has no trigger_fs_error for ext4"


def _try_reboot(folder: Path) -> str:
    _run(*rebooted(folder), "true")
    return ""


def _try_clock(_folder: Path) -> str:
    return "" if faketime_library() else "no libfaketime: apt-get install -y faketime"


def _try_boundary(_folder: Path) -> str:
    return "" if shutil.which("cc") else "no C compiler: apt-get install -y gcc libc6-dev"


_TRIALS: dict[Fault, Callable[[Path], str]] = {
    Fault.SMALL_DISK: _try_disk,
    Fault.READ_ONLY: _try_read_only,
    Fault.REBOOT: _try_reboot,
    Fault.CLOCK: _try_clock,
    Fault.BOUNDARY: _try_boundary,
}


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@dataclass(slots=True)
class Disk:
    """A mounted ext4 disk in a file, and the ballast that keeps it full."""

    image: Path
    path: Path
    _ballast: list[Path] = field(default_factory=list)

    def mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.path))

    def unmount(self) -> None:
        """Once nobody has a file open there: a worker whose host has just ended may take a moment."""
        until = time.monotonic() + _PATIENCE_S
        while subprocess.run(["umount", str(self.path)], check=False, capture_output=True).returncode != 0:
            assert time.monotonic() < until, f"{self.path} is still in use"
            time.sleep(_LOOK_S)

    def trigger(self) -> Path:
        device = Path(_run("findmnt", "-no", "SOURCE", str(self.path))).name
        return Path("/sys/fs/ext4") / device / "trigger_fs_error"

    def turn_read_only(self) -> None:
        """What the kernel does when a disk fails: the file system is read-only from now on, whoever has files open.

        What a test copied there before was on the disk for long, as a session's files are.
        """
        os.sync()
        self.trigger().write_text("injected", encoding="ascii")

    def repair(self) -> None:
        """As after a reboot: checked, and mounted for writing again."""
        self.unmount()
        subprocess.run(["e2fsck", "-fy", str(self.image)], check=False, capture_output=True)
        self.mount()

    def fill(self, piece: int) -> None:
        """Fill it to the last byte with files of ``piece`` bytes; or, of 0 bytes, to the last inode."""
        try:
            for number in range(100_000):
                path = self.path / f"ballast{number}"
                self._ballast.append(path)
                path.write_bytes(b"x" * piece)
        except OSError:
            return

    def free(self, pieces: int) -> None:
        for _ in range(min(pieces, len(self._ballast))):
            self._ballast.pop().unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, megabytes: int, inodes: int = 2048) -> Iterator[Disk]:
    """A disk of that size and number of inodes."""
    folder.mkdir(parents=True)
    disk = Disk(folder / "image", folder / "mounted")
    disk.path.mkdir()
    with disk.image.open("wb") as image:
        image.truncate(megabytes << 20)
    _run("mkfs.ext4", "-q", "-m", "0", "-N", str(inodes), str(disk.image))
    disk.mount()
    try:
        yield disk
    finally:
        _run("umount", "--lazy", str(disk.path))


def rebooted(folder: Path) -> list[str]:
    """The start of a command that runs on a machine just booted: process ids begin anew, and the boot has another id.

    Everything that runs in it ends with it, as at a power cut.
    """
    boot = folder / f"boot-{os.urandom(4).hex()}"
    boot.write_text(f"{os.urandom(4).hex()}-0000-4000-8000-{os.urandom(6).hex()}\n", encoding="ascii")
    bind = f'mount --bind {boot} /proc/sys/kernel/random/boot_id && exec "$@"'
    return ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "sh", "-c", bind, "sh"]


def faketime_library() -> Path | None:
    """libfaketime, where Debian's package puts it."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def hosted(folder: SessionFolder, *, before: Callable[[], None] | None = None) -> tuple[int, str]:
    """Run the session in a process of its own until it ends: the exit code, or UNTYPED, and what was said."""
    child, told = start_host(folder, before=before)
    return end_of(child, told)


def start_host(folder: SessionFolder, *, before: Callable[[], None] | None = None) -> tuple[Any, Path]:
    with tempfile.NamedTemporaryFile(prefix="proda-host-", delete=False) as said:
        told = Path(said.name)
    child = multiprocessing.get_context("fork").Process(target=_host, args=(folder, told, before))
    child.start()
    return child, told


def end_of(child: Any, told: Path) -> tuple[int, str]:
    child.join(120)
    if child.is_alive():
        child.kill()
        pytest.fail(f"the host did not end: {told.read_text(encoding='utf-8')}")
    text = told.read_text(encoding="utf-8")
    told.unlink()
    return child.exitcode, text


def _host(folder: SessionFolder, told: Path, before: Callable[[], None] | None) -> None:
    if before is not None:
        before()
    sys.stdout = sys.stderr = io.StringIO()
    code, said = UNTYPED, ""
    try:
        outcome = drive(SessionFolder.open(folder.root), Console(quiet=True))
        code, said = outcome.exit_code, f"{outcome.stop_reason}: {outcome.detail}"
    except ProdaError as error:
        code, said = error.exit_code, f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - the test tells an end that is not defined from those that are
        said = traceback.format_exc()
    told.write_text(said, encoding="utf-8")
    os._exit(code)
