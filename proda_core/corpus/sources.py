"""Where texts come from: a file, a folder, a glob; the files in a fixed order, archives opened as folders, each file read.

Names are relative to the corpus and the same wherever it lies. Hidden files are left out. A remote place is fetched into a
folder first (``fetch.py``).
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path, PurePath

from proda_core.artifacts import file_digest
from proda_core.config import CorpusConfig
from proda_core.corpus.archives import is_archive, members_of
from proda_core.corpus.raw import RawText, ReadingOptions, Source
from proda_core.corpus.readers import read
from proda_core.errors import CorpusError
from proda_core.ids import digest
from proda_core.types import Dropped

_AS_GIVEN = ReadingOptions()


def corpus_root(path: Path) -> Path:
    """The folder that names are relative to: the path itself, or what of a glob comes before its first wildcard."""
    if path.exists() or not glob.has_magic(str(path)):
        return path
    plain = []
    for part in path.parts[:-1]:
        if glob.has_magic(part):
            break
        plain.append(part)
    return Path(*plain)


def find_sources(path: Path) -> list[Path]:
    """Every file under ``path`` (or itself, or what a glob matches), hidden ones left out, in an order no file system changes."""
    if path.is_file():
        return [path]
    root = corpus_root(path)
    if path.is_dir():
        found = set(path.rglob("*"))
    elif root != path:
        matched = root.glob(path.relative_to(root).as_posix())
        found = {inner for match in matched for inner in ([match] if match.is_file() else match.rglob("*"))}
    else:
        raise CorpusError(f"no corpus at {path}: give a file, a folder, a glob or a URL that is there")
    files = [p for p in found if p.is_file() and not _is_hidden(p.relative_to(root))]
    if root != path and not files:
        raise CorpusError(
            f"no corpus at {path}: the pattern matches no file; quote it so that the shell leaves it alone"
        )
    return sorted(files, key=lambda p: p.relative_to(root).as_posix())


def _is_hidden(path: PurePath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def source_name(path: Path, root: Path) -> str:
    """The name of a source inside its corpus."""
    return path.name if path == root else path.relative_to(corpus_root(root)).as_posix()


def corpus_digest(path: Path) -> str:
    """SHA-256 over names and bytes of every source: the same texts give the same digest wherever they lie."""
    return digest([[source_name(p, path), file_digest(p)] for p in find_sources(path)])


def load_source(path: Path, root: Path, options: ReadingOptions = _AS_GIVEN) -> Iterator[RawText | Dropped]:
    """The texts of one file, or of all in an archive; what cannot be read comes back as Dropped and never as an exception."""
    name = source_name(path, root)
    try:
        source = Source(name, path.stat().st_size, lambda: path.open("rb"))
        if not is_archive(name):
            yield from read(source, options)
            return
        for member in members_of(source, options):
            if isinstance(member, Dropped):
                yield member
            else:
                yield from read(member, options)
    except OSError as error:
        yield Dropped(name, "load", "unreadable", error.strerror or "read error")


def reading_options(config: CorpusConfig) -> ReadingOptions:
    """What readers need of the configuration; CorpusError when the password file cannot be read."""
    passwords: tuple[str, ...] = ()
    if config.password_file is not None:
        try:
            lines = Path(config.password_file).expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(
                f"cannot read corpus.password_file {config.password_file} ({error}); give a UTF-8 file, a password on each line"
            ) from error
        passwords = tuple(line for line in lines if line)
    return ReadingOptions(passwords, config.archive_bytes, config.text_field)
