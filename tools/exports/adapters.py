"""A model card and a signed statement for each adapter of a session: kept in the session, and handed on with the weights.

The adapter's own artifact is never touched: its files are what the statement is about. A folder appears whole or not at all, and
is the same again as long as the session is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from pathlib import Path

from proda_core.artifacts import file_digest, write_atomic
from proda_core.errors import ToolError
from proda_core.log.keys import SigningKey
from tools.book import Book, Round
from tools.exports.card import model_card
from tools.exports.statement import envelope, provenance
from tools.host import Host
from tools.work import book_of

STATEMENT_FILE, CARD_FILE = "provenance.intoto.json", "README.md"
WEIGHTS = ("adapter_config.json", "adapter_model.safetensors")


def attest_adapters(host: Host, key: SigningKey) -> list[Path]:
    """Write card and statement of each trained adapter into the session's ``attestations``; the folders."""
    return _write(host, host.folder.attestations, key, weights=False)


def export_adapters(host: Host, out: Path, key: SigningKey) -> list[Path]:
    """The same under ``out``, with the weights in each folder; the folders. ToolError when there is no adapter."""
    written = _write(host, out, key, weights=True)
    if not written:
        raise ToolError("this session has trained no adapter yet: there is nothing to export")
    return written


def folder_name(entry: Round) -> str:
    return f"V{entry.number + 1}-{entry.adapter_id}"


def _write(host: Host, out: Path, key: SigningKey, *, weights: bool) -> list[Path]:
    book = book_of(host)
    written = []
    for entry in book.rounds:
        if entry.adapter_id:
            folder = out / folder_name(entry)
            _whole(folder, _contents(host, book, entry, key), _weights(host, entry) if weights else [])
            written.append(folder)
    return written


def _weights(host: Host, entry: Round) -> list[Path]:
    return [host.store.file("adapter", entry.adapter_id, name) for name in WEIGHTS]


def _contents(host: Host, book: Book, entry: Round, key: SigningKey) -> dict[str, bytes]:
    card = model_card(host, book, entry, statement=STATEMENT_FILE).encode()
    return {CARD_FILE: card, STATEMENT_FILE: _statement(host, entry, card, key)}


def _statement(host: Host, entry: Round, card: bytes, key: SigningKey) -> bytes:
    subjects = {path.name: file_digest(path) for path in _weights(host, entry)}
    subjects[CARD_FILE] = hashlib.sha256(card).hexdigest()
    statement = provenance(host, entry.adapter_id, subjects)
    return json.dumps(envelope(statement, key), indent=1).encode()


def _whole(folder: Path, contents: dict[str, bytes], copies: list[Path]) -> None:
    """Put a folder in place with all its files at once; one that has them already stays as it is."""
    if _has(folder, contents, copies):
        return
    making = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    before = making.with_suffix(".old")
    making.mkdir(parents=True)
    try:
        for path in copies:
            shutil.copyfile(path, making / path.name)
        for name, data in contents.items():
            write_atomic(making / name, data)
        if folder.exists():
            folder.rename(before)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def _has(folder: Path, contents: dict[str, bytes], copies: list[Path]) -> bool:
    if not folder.is_dir() or {p.name for p in folder.iterdir()} != {*contents, *(p.name for p in copies)}:
        return False
    same = all((folder / name).read_bytes() == data for name, data in contents.items())
    return same and all(file_digest(folder / path.name) == file_digest(path) for path in copies)
