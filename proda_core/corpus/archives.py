"""Archives as folders: zip, tar (plain, gz, bz2, xz) and single compressed files, opened in memory, archives in archives too.

Nothing is unpacked to disk, so no name in an archive can point anywhere; a name that tries is refused all the same, and so
are links and devices. What an archive unpacks to is bounded (``corpus.archive_bytes``, with all that lies inside it), its
entries and the depth of nesting too: what is past a bound is named and not read.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from proda_core.corpus.raw import ReadingOptions, Source
from proda_core.corpus.readers.broken import parsing
from proda_core.errors import UnreadableFile
from proda_core.types import Dropped

_TAR = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_ONE: dict[str, Callable[[BinaryIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    ".gz": lambda handle: gzip.GzipFile(fileobj=handle),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_DEEPEST = 4
_MOST_ENTRIES = 100_000


class _Readable(Protocol):
    """What a member of an archive is, whichever library opens it."""

    def read(self, size: int, /) -> bytes: ...


class _Allowance:
    """What one outermost archive may still unpack to, in bytes and entries."""

    def __init__(self, options: ReadingOptions) -> None:
        self._left, self._entries, self._all = options.archive_bytes, _MOST_ENTRIES, options.archive_bytes

    def take(self, handle: _Readable, name: str) -> bytes:
        """Read a member to its end; UnreadableFile "archive_too_large" past the allowance."""
        self._entries -= 1
        data = handle.read(self._left + 1) if self._entries >= 0 else b""
        if self._entries < 0 or len(data) > self._left:
            raise _TooLarge(
                name,
                f"it unpacks to more than {self._all:,} bytes or {_MOST_ENTRIES:,} files; raise corpus.archive_bytes",
            )
        self._left -= len(data)
        return data


class _TooLarge(UnreadableFile):
    """The outermost archive is past its bound: nothing more of it is read."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(name, "archive_too_large", detail)


def is_archive(name: str) -> bool:
    lower = name.lower()
    return lower.endswith((".zip", *_TAR, *_ONE))


def members_of(source: Source, options: ReadingOptions) -> Iterator[Source | Dropped]:
    """The files in an archive, those of archives in it included; what is left out as Dropped."""
    try:
        yield from _members(source, options, _Allowance(options), 1)
    except UnreadableFile as error:
        yield Dropped(source.name, "load", error.reason, f"{error.detail}; what came before it was read")


def _members(
    source: Source, options: ReadingOptions, left: _Allowance, depth: int
) -> Iterator[Source | Dropped]:
    if depth > _DEEPEST:
        yield Dropped(
            source.name, "load", "archive_too_deep", f"an archive within {_DEEPEST} archives; unpack it"
        )
        return
    if source.name.lower().endswith(".zip"):
        found = _zip_members(source, options, left)
    elif source.name.lower().endswith(_TAR):
        found = _tar_members(source, left)
    else:
        found = _single(source, left)
    try:
        for member in found:
            if isinstance(member, Source) and is_archive(member.name):
                yield from _members(member, options, left, depth + 1)
            else:
                yield member
    except _TooLarge:
        raise
    except UnreadableFile as error:
        yield Dropped(source.name, "load", error.reason, error.detail)


def _zip_members(source: Source, options: ReadingOptions, left: _Allowance) -> Iterator[Source | Dropped]:
    with source.open() as handle:
        with parsing(source.name, "zip"):
            archive = zipfile.ZipFile(handle)
            entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
        for entry in entries:
            if entry.is_dir() or _is_hidden(entry.filename):
                continue
            name = f"{source.name}/{entry.filename}"
            try:
                _refuse_unsafe(entry.filename, name)
                yield _kept(name, _unzipped(archive, entry, name, options.passwords, left))
            except _TooLarge:
                raise
            except UnreadableFile as error:
                yield Dropped(name, "load", error.reason, error.detail)


def _unzipped(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, passwords: tuple[str, ...], left: _Allowance
) -> bytes:
    if not entry.flag_bits & 0x1:
        with parsing(name, "zip"), archive.open(entry) as handle:
            return left.take(handle, name)
    for password in passwords:
        try:
            with archive.open(entry, pwd=password.encode()) as handle:
                return left.take(handle, name)
        except (RuntimeError, zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError):
            continue  # a wrong password shows as a wrong check byte or checksum
    raise UnreadableFile(
        name,
        "encrypted",
        f"none of {len(passwords)} passwords opens it; put its password into corpus.password_file",
    )


def _tar_members(source: Source, left: _Allowance) -> Iterator[Source | Dropped]:
    with source.open() as handle:
        with parsing(source.name, "tar"):
            archive = tarfile.open(fileobj=handle, mode="r|*")  # noqa: SIM115 - closed with its handle; a stream is read once, in order
        while True:
            with parsing(source.name, "tar"):
                entry = archive.next()
            if entry is None:
                return
            name = f"{source.name}/{entry.name}"
            if entry.isdir() or _is_hidden(entry.name):
                continue
            try:
                _refuse_unsafe(entry.name, name)
                with parsing(name, "tar"):
                    member = archive.extractfile(entry) if entry.isfile() else None
                    if member is None:
                        raise UnreadableFile(
                            name, "not_a_file", "a link or device; only what lies in an archive is read"
                        )
                    data = left.take(member, name)
                yield _kept(name, data)
            except _TooLarge:
                raise
            except UnreadableFile as error:
                yield Dropped(name, "load", error.reason, error.detail)


def _single(source: Source, left: _Allowance) -> Iterator[Source | Dropped]:
    suffix = source.suffix
    with source.open() as handle, parsing(source.name, suffix[1:]):
        data = left.take(_ONE[suffix](handle), source.name)
    yield _kept(source.name[: -len(suffix)], data)


def _kept(name: str, data: bytes) -> Source:
    return Source(name, len(data), lambda: BytesIO(data))


def _is_hidden(name: str) -> bool:
    """As in folders; and what one system's archiver puts beside every file."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any((part.startswith(".") and part not in ("..", ".")) or part == "__MACOSX" for part in parts)


def _refuse_unsafe(entry: str, name: str) -> None:
    path = PurePosixPath(entry.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or entry[1:2] == ":":
        raise UnreadableFile(name, "unsafe_name", "its name points out of the archive")
