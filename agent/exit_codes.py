"""Exit codes of ``proda run`` and ``proda resume``: 0 the target was reached, 20 to 26 another defined end, else a failure.

A session stopped by an error ends with that error's own code (see proda_core.errors), 1 for an unexpected one;
130 is an interrupted session that resumes.
"""

from __future__ import annotations

from proda_core.types import StopReason

EXIT_CODES: dict[StopReason, int] = {
    StopReason.TARGET: 0,
    StopReason.PLATEAU: 20,
    StopReason.BUDGET_WALL: 21,
    StopReason.BUDGET_ROUNDS: 22,
    StopReason.BUDGET_DISK: 23,
    StopReason.NOTHING_DIAGNOSABLE: 24,
    StopReason.REQUEST: 25,
    StopReason.BUDGET_MONEY: 26,
    StopReason.ERROR: 1,
}
INTERRUPTED = 130
