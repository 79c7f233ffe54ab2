"""The artifact store: ``artifacts/<kind>/<id>/`` holds data and, written last, ``manifest.json``.

An artifact is made in a temporary folder, forced to disk and renamed into place; its existence means that it is whole. Making
one that exists is a no-op. ``Manifest.files`` has the SHA-256 of every data file and ``Manifest.digest`` that of the manifest, so
that a changed or truncated file is found by whoever reads it (ArtifactError names it). Nothing is ever overwritten.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proda_core.errors import ArtifactError
from proda_core.ids import ID_PATTERN, digest
from proda_core.serialize import from_plain, to_plain

MANIFEST = "manifest.json"
_REMEDY = "restore it from a backup"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is and what it was made from. ``meta`` holds counts and digests that readers rely on.

    ``digest`` covers all the rest; "" in one written before there was a digest.
    """

    kind: str
    artifact_id: str
    files: dict[str, str]  # relative name -> SHA-256
    inputs: dict[str, str] = field(default_factory=dict)  # name -> artifact ID or digest
    meta: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    def sealed(self) -> Manifest:
        """The same under its own digest."""
        plain: dict[str, Any] = to_plain(replace(self, digest=""))
        return replace(self, digest=digest(plain))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    sha = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            sha.update(piece)
    return sha.hexdigest()


def write_atomic(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file whole or not at all: temporary name in the same folder, fsync, rename, fsync the folder.

    ``mode`` is what the file may be from its first moment, less the process's umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        handle = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
        with handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _fsync(path.parent)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class ArtifactStore:
    """Reads and makes artifacts under ``root`` (the session's ``artifacts`` folder)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, kind: str, artifact_id: str) -> Path:
        """The artifact's folder, whether or not it exists. IDs are checked by pattern: no path can be smuggled in."""
        if not ID_PATTERN.match(artifact_id) or not kind.isidentifier():
            raise ArtifactError(f"not an artifact name: {kind!r}/{artifact_id!r}")
        return self.root / kind / artifact_id

    def exists(self, kind: str, artifact_id: str) -> bool:
        return (self.path(kind, artifact_id) / MANIFEST).is_file()

    def make(
        self,
        kind: str,
        artifact_id: str,
        write: Callable[[Path], None],
        *,
        inputs: dict[str, str] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Manifest:
        """Make an artifact: ``write(folder)`` puts the data files, then the manifest is written and all is renamed.

        Existing already: nothing is written and its manifest is returned. ``write`` raising leaves nothing behind; what the disk
        refuses is an ArtifactError.
        """
        if not self.exists(kind, artifact_id):
            try:
                self._make(kind, artifact_id, write, (inputs or {}, meta or {}))
            except OSError as error:
                said = f"could not be written ({error.strerror or error}); mend the disk or free some, and resume"
                raise ArtifactError(f"{kind} {artifact_id} {said}") from error
        return self.manifest(kind, artifact_id)

    def _make(
        self,
        kind: str,
        artifact_id: str,
        write: Callable[[Path], None],
        about: tuple[dict[str, str], dict[str, Any]],
    ) -> None:
        """Make one that is not there; ``about`` is its inputs and meta."""
        final = self.path(kind, artifact_id)
        temporary = self.root / ".making" / f"{kind}-{artifact_id}-{uuid.uuid4().hex[:8]}"
        temporary.mkdir(parents=True)
        try:
            write(temporary)
            files = _digests_on_disk(temporary)
            inputs, meta = about
            manifest = Manifest(kind, artifact_id, files, dict(inputs), dict(meta)).sealed()
            text = json.dumps(to_plain(manifest), sort_keys=True, ensure_ascii=False, indent=1)
            write_atomic(temporary / MANIFEST, text.encode())
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.rename(final)
            except OSError:
                if not self.exists(kind, artifact_id):
                    raise
            _fsync(final.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def manifest(self, kind: str, artifact_id: str) -> Manifest:
        path = self.path(kind, artifact_id) / MANIFEST
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ArtifactError(f"no {kind} {artifact_id}: run the stage that makes it first") from error
        except (OSError, ValueError) as error:
            raise ArtifactError(
                f"{kind} {artifact_id}: manifest unreadable ({error}); delete the folder and rerun its stage"
            ) from error
        manifest = from_plain(Manifest, data)
        if manifest.digest and manifest.sealed() != manifest:
            raise ArtifactError(
                f"{kind} {artifact_id}: manifest.json was changed after it was made; {_REMEDY}"
            )
        return manifest

    def pin(self, kind: str, artifact_id: str) -> str:
        """SHA-256 of the manifest and, through it, of every data file: what a log keeps of an artifact."""
        self.manifest(kind, artifact_id)
        return file_digest(self.path(kind, artifact_id) / MANIFEST)

    def file(self, kind: str, artifact_id: str, name: str, *, check: bool = True) -> Path:
        """A data file of a whole artifact; with ``check`` its bytes must have the digest of the manifest."""
        manifest = self.manifest(kind, artifact_id)
        if name not in manifest.files:
            raise ArtifactError(f"{kind} {artifact_id} has no file {name!r}")
        path = self.path(kind, artifact_id) / name
        if check and (not path.is_file() or file_digest(path) != manifest.files[name]):
            raise ArtifactError(
                f"{kind} {artifact_id}: {name} is not what the manifest says; it was changed or truncated since; {_REMEDY}"
            )
        return path

    def checked(self, kind: str, artifact_id: str) -> Path:
        """The artifact's folder, for a reader that takes it whole: every data file has the digest of the manifest."""
        self.verify(kind, artifact_id)
        return self.path(kind, artifact_id)

    def verify(self, kind: str, artifact_id: str) -> None:
        """Check every data file against the manifest."""
        for name in self.manifest(kind, artifact_id).files:
            self.file(kind, artifact_id, name)

    def list(self, kind: str) -> Iterator[str]:
        """IDs of the whole artifacts of a kind, sorted."""
        folder = self.root / kind
        if folder.is_dir():
            yield from sorted(p.name for p in folder.iterdir() if (p / MANIFEST).is_file())


def _digests_on_disk(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file, each forced to disk: a manifest that a power cut leaves must not outlive what it tells of."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != MANIFEST]
    for path in (*files, *{path.parent for path in files}):
        _fsync(path)
    return {str(path.relative_to(folder)): file_digest(path) for path in files}
