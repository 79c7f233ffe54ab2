"""A round's adapter merged into the session's base, for an operator's own command: no client may write where it names."""

from __future__ import annotations

from pathlib import Path

from mcp_server.hosting import reading_host
from proda_core.errors import SessionError
from proda_core.session import SessionFolder
from proda_core.student_jobs import check_base
from tools.work import book_of


def merge_round(folder: SessionFolder, out: Path, *, number: int | None = None, dtype: str = "auto") -> str:
    """Write the incumbent's model, or that of the round of this number, as a folder; returns the adapter's ID.

    SessionError when there is no such model, StudentError when the base is not the one the session began with.
    """
    host = reading_host(folder)
    rounds = [entry for entry in book_of(host).rounds if entry.adapter_id]
    wanted = [entry for entry in rounds if entry.number == number] if number is not None else []
    if number is None:
        incumbent = book_of(host).incumbent
        wanted = [incumbent] if incumbent is not None else []
    if not wanted:
        there = ", ".join(str(entry.number) for entry in rounds) or "none"
        what = "no incumbent" if number is None else f"no model of round {number}"
        raise SessionError(f"{folder.name} has {what}; rounds with a model: {there}")
    adapter_id = wanted[0].adapter_id
    from proda_core.students.merging import merge_adapter

    base = folder.config.student.base
    check_base(base, host.store.manifest("adapter", adapter_id).meta["adapter"]["base_digest"])
    merge_adapter(base, host.store.path("adapter", adapter_id), out, dtype=dtype)
    return adapter_id
