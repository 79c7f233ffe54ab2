"""The bench of kills over a finished session: what the command line asks for, with the host that is to be killed named by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evals.kills import Campaign, Tally, Tell
from proda_core.session import SessionFolder

__all__ = ["bench_kills"]


def bench_kills(
    reference: SessionFolder, *, host: str, kills: int, into: Path, work: Path, seed: int, tell: Tell
) -> dict[str, Any]:
    """Kill copies of ``reference`` until ``into`` counts ``kills`` random ones, every kind of write boundary before; the figures.

    ``host`` is ``MODULE:FUNCTION`` of what runs a session, ``work`` a folder for the copies, and ``tell`` hears how it gets on.
    """
    tally = Tally(into)
    Campaign(reference, host, work.absolute(), tally, tell, seed).run(kills)
    return tally.figures()
