"""The loop's checkpointed state: primitives only, and little of it. What happened lies in the host's log, not here."""

from __future__ import annotations

from typing import TypedDict


class LoopState(TypedDict, total=False):
    """IDs of the round in hand. ``stop_reason`` set means: go to finish."""

    kind: str  # v1, patch or replay
    patch_id: str
    mixture_id: str
    adapter_id: str
    report_id: str
    incumbent_report: str
    diagnosis_id: str
    choice: str  # the last decision: patch, replay or stop
    stop_reason: str
    stop_detail: str
