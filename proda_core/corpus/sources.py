"""Where texts come from: one registry of loaders by suffix, and the files of a folder in a fixed order.

A loader turns one file into raw texts, or into Dropped rows that say why not. New formats register here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import frontmatter
from yaml import YAMLError  # type: ignore[import-untyped]  # PyYAML ships no types

from proda_core.artifacts import file_digest
from proda_core.corpus.decode import decode_bytes
from proda_core.errors import CorpusError, UnreadableFile
from proda_core.ids import digest
from proda_core.types import Dropped


@dataclass(frozen=True, slots=True)
class RawText:
    """One text as found; ``name`` is the path relative to the corpus, with ``#line`` for a row of a JSON lines file."""

    name: str
    text: str
    metadata: dict[str, str] = field(default_factory=dict)


Loader = Callable[[Path, str], Iterator[RawText | Dropped]]


def _load_text(path: Path, name: str) -> Iterator[RawText | Dropped]:
    text = decode_bytes(path.read_bytes(), name)
    if not text.strip():
        raise UnreadableFile(name, "empty", "nothing but space")
    yield RawText(name, text)


def _load_markdown(path: Path, name: str) -> Iterator[RawText | Dropped]:
    text = decode_bytes(path.read_bytes(), name)
    if not text.strip():
        raise UnreadableFile(name, "empty", "nothing but space")
    try:
        post = frontmatter.loads(text.replace("\r\n", "\n"))
    except YAMLError:
        # Prose that begins with a rule of dashes is no front matter.
        yield RawText(name, text)
        return
    metadata = {str(key): str(value) for key, value in post.metadata.items() if value is not None}
    yield RawText(name, post.content, metadata)


def _load_json_lines(path: Path, name: str) -> Iterator[RawText | Dropped]:
    lines = decode_bytes(path.read_bytes(), name).splitlines()
    if not any(line.strip() for line in lines):
        raise UnreadableFile(name, "empty", "no line")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _json_row(line, f"{name}#{number}")


def _json_row(line: str, name: str) -> RawText | Dropped:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        return Dropped(name, "load", "bad_json", error.msg, line[:80])
    text = (
        next((row[k] for k in ("text", "content", "body") if k in row), None)
        if isinstance(row, dict)
        else None
    )
    if not isinstance(text, str) or not text.strip():
        return Dropped(name, "load", "no_text", "the object has no text, content or body", line[:80])
    metadata = {k: str(v) for k, v in row.items() if k in ("title", "discipline") and v is not None}
    return RawText(name, text, metadata)


LOADERS: dict[str, Loader] = {
    ".txt": _load_text,
    ".md": _load_markdown,
    ".markdown": _load_markdown,
    ".jsonl": _load_json_lines,
}


def find_sources(path: Path) -> list[Path]:
    """Every file under ``path`` (or the file itself), hidden ones left out, in an order that no file system changes."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise CorpusError(f"no corpus at {path}: give a folder or a file that exists")
    found = (p for p in path.rglob("*") if p.is_file())
    visible = (p for p in found if not any(part.startswith(".") for part in p.relative_to(path).parts))
    return sorted(visible, key=lambda p: p.relative_to(path).as_posix())


def source_name(path: Path, root: Path) -> str:
    """The name of a source inside its corpus."""
    return path.name if path == root else path.relative_to(root).as_posix()


def corpus_digest(path: Path) -> str:
    """SHA-256 over names and bytes of every source: the same texts give the same digest wherever they lie."""
    return digest([[source_name(p, path), file_digest(p)] for p in find_sources(path)])


def load_source(path: Path, root: Path) -> Iterator[RawText | Dropped]:
    """The texts of one file; what cannot be read comes back as Dropped and never as an exception."""
    name = source_name(path, root)
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        known = ", ".join(sorted(LOADERS))
        yield Dropped(
            name, "load", "unsupported", f"no loader for {path.suffix or 'no suffix'}; known: {known}"
        )
        return
    try:
        yield from loader(path, name)
    except UnreadableFile as error:
        yield Dropped(name, "load", error.reason, error.detail)
    except OSError as error:
        yield Dropped(name, "load", "unreadable", error.strerror or "read error")
