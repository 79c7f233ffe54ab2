"""create_session: the folder of the session that a corpus, a configuration and a seed name; the same one if it exists.

Not offered over MCP: a server serves a session that exists.
"""

from __future__ import annotations

from pathlib import Path

from proda_core.config import Config
from proda_core.corpus import corpus_digest
from proda_core.errors import CorpusError
from proda_core.session import SessionFolder


def create_session(root: Path, config: Config, corpus: Path) -> SessionFolder:
    """Create or open the session under ``root``; CorpusError when ``corpus`` is not there."""
    if not corpus.exists():
        raise CorpusError(f"no corpus at {corpus}: name a file or a folder of text")
    return SessionFolder.create_or_open(root, config, corpus, corpus_digest(corpus))
