"""What bench/polling.py calls wrong: each bound on its own, and nothing where all of them hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.polling import MOST_MB, MOST_PERCENT, Run, wrong

FINE = Run(
    seconds=300.0,
    host_cpu_s=40.0,
    session_cpu_s=400.0,
    rss_start_mb=220.0,
    rss_most_mb=430.0,
    rss_grew_mb=210.0,
    answers=7000,
)
WITHIN = {"share": MOST_PERCENT, "grew_mb": MOST_MB, "seconds": 300.0}


def test_what_stays_within_every_bound_is_not_wrong() -> None:
    assert wrong(FINE, FINE, **WITHIN) == []


@pytest.mark.parametrize(
    ("polled", "beyond", "said"),
    [
        (FINE, {"share": MOST_PERCENT + 0.1}, "5.1 % of the session's CPU time"),
        (FINE, {"grew_mb": MOST_MB + 0.1}, "20.1 MB more with clients"),
        (replace(FINE, failures=1), {}, "1 calls failed"),
        (replace(FINE, answers=0), {}, "0 were answered"),
        (replace(FINE, seconds=299.0), {}, "the session polled ended after 299 of 300 s"),
    ],
)
def test_each_bound_is_judged_by_itself(polled: Run, beyond: dict[str, float], said: str) -> None:
    (found,) = wrong(FINE, polled, **{**WITHIN, **beyond})
    assert said in found
