"""A checkpoint: how many records a log had and their Merkle root, signed; a text file of a known form.

The form is the checkpoint of transparency logs (C2SP tlog-checkpoint in a signed-note, Ed25519), so that other tools check it:
origin, size, root in base64, lines of our own, an empty line, the signature. The origin names session and log, so none of
another one passes. A leaf is a record's bytes without its line end.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from proda_core.artifacts import write_atomic
from proda_core.errors import LedgerError
from proda_core.log.keys import PublicKey, SigningKey
from proda_core.log.record import Record

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_NAME = re.compile(r"^([1-9][0-9]*)\.checkpoint$")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``root`` over the first ``size`` records of ``origin``'s log; ``at`` is the host's clock, ``key`` a fingerprint."""

    origin: str
    size: int
    root: bytes
    at: str
    key: str

    def text(self) -> str:
        """What is signed, its last line end included."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\nat {self.at}\nkey {self.key}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as it was read: the signature is what it says, and nothing more until a key was asked."""

    checkpoint: Checkpoint
    key_id: bytes
    signature: bytes

    def signed_by(self, key: PublicKey) -> bool:
        """Whether this key signed it, by its name and its fingerprint as well."""
        named = self.checkpoint
        known = self.key_id == key_id(named.origin, key) and named.key == key.fingerprint
        return known and key.verifies(self.signature, named.text().encode())


def origin_of(session: str, first_hash: str) -> str:
    """The name under which a log is signed: its session's, and which log of that session, for one may be run again."""
    return f"proda/{session}/{first_hash[:16]}"


def session_of(record: Record) -> str:
    """The session that a record names, or "". A log's is that of the first record which names one: before it there may stand
    the note of a first record that a kill tore."""
    return str(record.body.get("session", ""))


def key_id(name: str, key: PublicKey) -> bytes:
    """The four bytes by which a signed note tells keys apart."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.raw).digest()[:4]


def sign(checkpoint: Checkpoint, key: SigningKey) -> str:
    """The signed note."""
    text = checkpoint.text()
    blob = key_id(checkpoint.origin, key.public) + key.sign(text.encode())
    return f"{text}\n{_DASH}{checkpoint.origin} {base64.b64encode(blob).decode()}\n"


def parse(note: str) -> SignedCheckpoint | None:
    """The checkpoint in a note of exactly the form that ``sign`` gives, or None."""
    lines = note.split("\n")
    if len(lines) != 8 or lines[5] or lines[7]:
        return None
    origin, size, root, at, key = lines[:5]
    if not lines[6].startswith(f"{_DASH}{origin} ") or not re.fullmatch(r"[1-9][0-9]{0,15}", size):
        return None
    signed = lines[6].removeprefix(f"{_DASH}{origin} ")
    try:
        blob = base64.b64decode(signed, validate=True)
        found = Checkpoint(origin, int(size), base64.b64decode(root, validate=True), at[3:], key[4:])
    except (binascii.Error, ValueError):
        return None
    canonical = base64.b64encode(blob).decode() == signed and found.text() == "\n".join([*lines[:5], ""])
    whole = canonical and len(blob) == 68 and len(found.root) == 32
    return SignedCheckpoint(found, blob[:4], blob[4:]) if whole else None


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """Checkpoints, a file each under the size it is of; written whole, and never again under that name."""

    path: Path

    def sizes(self) -> list[int]:
        """The sizes that there are checkpoints of, ascending. LedgerError when the folder cannot be listed."""
        try:
            names = [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []
        except OSError as error:
            raise LedgerError(f"cannot list the checkpoints in {self.path}: {error.strerror}") from error
        return sorted(int(found.group(1)) for name in names if (found := _NAME.match(name)))

    def read(self, size: int) -> SignedCheckpoint | None:
        """The checkpoint of that size; None for a file that is none, or of another size."""
        try:
            found = parse(self._file(size).read_bytes().decode("utf-8"))
        except (OSError, UnicodeDecodeError):
            return None
        return found if found is not None and found.checkpoint.size == size else None

    def note(self, size: int) -> bytes:
        """The bytes of the file; OSError when there is none."""
        return self._file(size).read_bytes()

    def keep(self, size: int, note: bytes) -> None:
        """Write a checkpoint, whole or not at all; one that is there is left as it is. OSError when the disk refuses."""
        if not self._file(size).exists():
            write_atomic(self._file(size), note)

    def _file(self, size: int) -> Path:
        return self.path / f"{size}.checkpoint"
