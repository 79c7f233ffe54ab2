"""What the controller sees and says: Observations in, a Decision out. Primitives only, so both survive JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proda_core.types.evaluation import Interval


class DecisionKind(StrEnum):
    PATCH = "patch"
    REPLAY = "replay"
    STOP = "stop"


class StopReason(StrEnum):
    """Every way a session ends; each has its own exit code in agent/exit_codes."""

    TARGET = "target"
    PLATEAU = "plateau"
    BUDGET_WALL = "budget_wall"
    BUDGET_ROUNDS = "budget_rounds"
    BUDGET_DISK = "budget_disk"
    BUDGET_MONEY = "budget_money"
    NOTHING_DIAGNOSABLE = "nothing_diagnosable"
    REQUEST = "request"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RoundSummary:
    """One finished round as the policy sees it; sealed and general only in aggregate."""

    round: int
    kind: str  # base, v1, patch, replay
    adapter_id: str
    dev: Interval
    sealed: Interval
    general: Interval
    accepted: bool
    patch_digest: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants of one decision: an option left out (``veto``), or taken before the others (``prefer``)."""

    kind: str  # veto or prefer
    option: DecisionKind
    by: str
    why: str

    def __str__(self) -> str:
        return f"{self.by}: {self.why}"


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything a policy may look at. Counts are dev items of the incumbent."""

    round: int
    incumbent: str
    rounds: tuple[RoundSummary, ...]
    failures: int
    diagnoses: dict[str, int]  # DiagnosisKind -> count
    patchable: int  # diagnoses whose relations are not sealed
    unpatchable_sealed: int
    lost_items: int  # right under an earlier accepted model or V1, wrong under the incumbent
    general_drop: Interval | None  # incumbent general minus base general
    rejected_in_a_row: int
    replayed_since_patch: bool
    wall_left_s: float | None
    round_cost_s: float
    rounds_left: int | None
    disk_left_bytes: int | None
    stop_requested: bool
    target_dev: float | None
    wishes: tuple[Wish, ...] = ()
    next_share: float | None = None  # part of the session's error rates that the next verdict may spend


@dataclass(frozen=True, slots=True)
class OptionConsidered:
    """One option with the reason it was or was not taken."""

    kind: DecisionKind
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    kind: DecisionKind
    reason: str
    options: tuple[OptionConsidered, ...]
    stop_reason: StopReason | None = None
    chosen_by: str = "rule"  # rule, operator (by a wish) or llm (a model's proposal that the rules let pass)


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """One answer of a model on its way to a proposal. ``task`` is its key in the journal of calls, ``said`` what it called."""

    task: str
    said: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a model wants done, or why it said nothing that counts: an input of the decision, kept beside it in the log.

    ``kind`` is as the model wrote it and may be anything; it is "" where ``failure`` says why there is none.
    """

    by: str  # provider:name
    kind: str
    reason: str
    failure: str = ""
    turns: tuple[ModelTurn, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision, and what the rules did with the proposal it was made on (taken, refused, missing); "" where nobody proposed."""

    decision: Decision
    said: str = ""
