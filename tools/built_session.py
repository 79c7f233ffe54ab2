"""What the study of planted faults needs of a session, read from its book, changing nothing: its graph and its settings."""

from __future__ import annotations

from evals.faults import Source
from tools.host import Host
from tools.work import book_of


def built_session(host: Host) -> Source:
    """The session's graph; ToolError when it has not frozen a benchmark yet."""
    book = book_of(host)
    book.need("benchmark_id")
    return Source(host.folder.name, host.config, host.store, book.need("snapshot_id"))
