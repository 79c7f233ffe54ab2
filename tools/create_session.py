"""create_session: the folder of the session that a corpus, a configuration and a seed name; the same one if it exists.

Not offered over MCP: a server serves a session that exists.
"""

from __future__ import annotations

import re
from pathlib import Path

from proda_core.config import Config
from proda_core.corpus import corpus_digest, corpus_root, fetch, is_remote, place_name
from proda_core.session import SessionFolder

FETCHED = "fetched"  # folder beside the sessions: what they read from afar
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9_-]+")


def create_session(root: Path, config: Config, corpus: Path | str) -> SessionFolder:
    """Create or open the session under ``root`` on a file, a folder, a glob or a URL; CorpusError when nothing is there.

    What a URL names is fetched below ``root`` first, once.
    """
    path = corpus_at(root, corpus)
    return SessionFolder.create_or_open(root, config, path, corpus_digest(path))


def corpus_at(root: Path, corpus: Path | str) -> Path:
    """Where a corpus lies on this machine; what a URL names is fetched below ``root`` first, once."""
    place = str(corpus)
    return fetch(place, root / FETCHED) if is_remote(place) else Path(place).resolve()


def session_name(corpus: str) -> str:
    """A session's name after its corpus: what the name of the file, folder or place holds of the signs a name may have."""
    if is_remote(corpus):
        return place_name(corpus)
    path = corpus_root(Path(corpus).resolve())
    name = path.name if path.is_dir() else path.stem
    return _UNNAMEABLE.sub("-", name).strip("-")[:40] or "session"
