"""The rule policy: every decision and every stop reason is reachable, each option says why, nothing depends on anything else."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proda_core.config import PolicyConfig
from proda_core.errors import ToolError
from proda_core.policy import RulePolicy, expect_gain, incumbent_round
from proda_core.policy.gain import repair_rates
from proda_core.serialize import from_plain, to_plain
from proda_core.types import (
    Decision,
    DecisionKind,
    DiagnosisKind,
    Interval,
    Observations,
    RoundSummary,
    StopReason,
    Wish,
)


def around(value: float, n: int = 100) -> Interval:
    return Interval(value, max(0.0, value - 0.1), min(1.0, value + 0.1), n)


def drop(value: float) -> Interval:
    return Interval(value, value - 0.05, value + 0.05, 120)


def finished(
    number: int, kind: str, dev: float, *, accepted: bool = True, patch: str = "", adapter: str = ""
) -> RoundSummary:
    return RoundSummary(
        number, kind, adapter or f"a_{number}", around(dev), around(0.4), around(0.8), accepted, patch
    )


BASE, V1 = finished(0, "base", 0.25, adapter="base"), finished(1, "v1", 0.4)
REPAIRED: dict[str, Any] = {
    "rounds": (BASE, V1, finished(2, "patch", 0.6, patch="p2")),
    "incumbent": "a_2",
    "round": 3,
}
SEEN = Observations(
    round=2,
    incumbent="a_1",
    rounds=(BASE, V1),
    failures=60,
    diagnoses={"concept_gap": 20, "reasoning_deficit": 30, "unstable": 4, "format_error": 2},
    patchable=48,
    unpatchable_sealed=2,
    lost_items=1,
    general_drop=drop(-0.02),
    rejected_in_a_row=0,
    replayed_since_patch=False,
    wall_left_s=600.0,
    round_cost_s=90.0,
    rounds_left=3,
    disk_left_bytes=1_000_000_000,
    stop_requested=False,
    target_dev=0.95,
)
POLICY = RulePolicy(PolicyConfig())
FAILED_PATCHES = (BASE, V1, *(finished(n, "patch", 0.4, accepted=False, patch=f"p{n}") for n in (2, 3, 4)))

WISHES = st.builds(
    Wish,
    st.sampled_from(["veto", "prefer"]),
    st.sampled_from(list(DecisionKind)),
    st.just("ann"),
    st.just("so"),
)
PATCH, REPLAY, STOP = DecisionKind.PATCH, DecisionKind.REPLAY, DecisionKind.STOP
Why = StopReason
NO_FAILURE: dict[str, Any] = {"failures": 0, "diagnoses": {}, "patchable": 0, "unpatchable_sealed": 0}

CASES: list[tuple[str, dict[str, Any], DecisionKind, StopReason | None, str]] = [
    ("failures are patchable", {}, PATCH, None, "48 of 60 failures are patchable"),
    ("no budget is set", {"wall_left_s": None, "rounds_left": None, "disk_left_bytes": None}, PATCH, None, "48"),
    ("no target and no comparison", {"target_dev": None, "general_drop": None}, PATCH, None, "48"),
    ("items were lost", {"lost_items": 10, **REPAIRED}, REPLAY, None, "10 items once right are lost (replay from 10)"),
    ("general skill fell", {"general_drop": drop(-0.14), **REPAIRED}, REPLAY, None, "-0.140"),
    ("V1 cost general skill", {"general_drop": drop(-0.14)}, PATCH, None, "48"),
    ("lost, but just replayed", {"lost_items": 12, "replayed_since_patch": True, **REPAIRED}, PATCH, None, "48"),
    ("a stop is requested", {"stop_requested": True}, STOP, Why.REQUEST, "requested"),
    ("the target is reached", {"target_dev": 0.4}, STOP, Why.TARGET, "reaches the target 0.400"),
    ("rejections pile up", {"rejected_in_a_row": 2}, STOP, Why.PLATEAU, "2 of 2 rejections"),
    ("patches do not repair", {"rounds": FAILED_PATCHES, "patchable": 12}, STOP, Why.PLATEAU, "does not pay"),
    ("no rounds are left", {"rounds_left": 0}, STOP, Why.BUDGET_ROUNDS, "0 rounds left"),
    ("the error rate is spent", {"next_share": 0.0}, STOP, Why.BUDGET_ROUNDS, "error rate is spent"),
    ("an accepted verdict handed its part on", {"next_share": 0.5}, PATCH, None, "48"),
    ("a round does not fit", {"wall_left_s": 89.0}, STOP, Why.BUDGET_WALL, "89 s left, a round is expected to cost 90"),
    ("time is overdrawn", {"wall_left_s": -3.0, "round_cost_s": 0.0}, STOP, Why.BUDGET_WALL, "-3 s left"),
    ("the disk is full", {"disk_left_bytes": 1000}, STOP, Why.BUDGET_DISK, "0 MB of disk left"),
    ("nothing is patchable", {"patchable": 0}, STOP, Why.NOTHING_DIAGNOSABLE, "0 of 60 failures are patchable"),
    ("nothing failed", NO_FAILURE, STOP, Why.NOTHING_DIAGNOSABLE, "diagnosed: none"),
    ("nothing patchable but something lost", {"patchable": 0, "lost_items": 12, **REPAIRED}, REPLAY, None, "12 items"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kind", "reason", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_situation_leads_to_its_decision_and_the_reason_has_its_numbers(
    changes: dict[str, Any], kind: DecisionKind, reason: StopReason | None, says: str
) -> None:
    found = POLICY.decide(replace(SEEN, **changes))
    assert (found.kind, found.stop_reason) == (kind, reason)
    assert says in found.reason
    taken = [option for option in found.options if option.taken]
    assert [option.kind for option in taken] == [kind]
    assert taken[0].reason == found.reason


STEERED: list[tuple[str, dict[str, Any], tuple[tuple[str, DecisionKind], ...], DecisionKind, StopReason | None, str]] = [
    ("a patch is vetoed", {}, (("veto", PATCH),), STOP, Why.REQUEST, "operator"),
    ("a replay is vetoed", {"lost_items": 12, **REPAIRED}, (("veto", REPLAY),), PATCH, None, "operator"),
    ("a patch comes first", {"lost_items": 12, **REPAIRED}, (("prefer", PATCH),), PATCH, None, "operator"),
    ("what came anyway is preferred", {}, (("prefer", PATCH),), PATCH, None, "rule"),
    ("what does not apply is preferred", {}, (("prefer", REPLAY),), PATCH, None, "rule"),
    ("a stop is preferred", {}, (("prefer", STOP),), STOP, Why.REQUEST, "operator"),
    ("a plateau is vetoed", {"rejected_in_a_row": 2}, (("veto", STOP),), PATCH, None, "operator"),
    ("a patch is preferred to a plateau", {"rejected_in_a_row": 2}, (("prefer", PATCH),), PATCH, None, "operator"),
    ("the target is vetoed", {"target_dev": 0.4}, (("veto", STOP),), PATCH, None, "operator"),
    ("a budget is vetoed", {"rounds_left": 0}, (("veto", STOP),), STOP, Why.BUDGET_ROUNDS, "rule"),
    ("a patch is preferred to a budget", {"rounds_left": 0}, (("prefer", PATCH),), STOP, Why.BUDGET_ROUNDS, "rule"),
    ("a requested stop is vetoed", {"stop_requested": True}, (("veto", STOP),), STOP, Why.REQUEST, "rule"),
    (
        "a plateau is vetoed and a budget is spent too",
        {"rejected_in_a_row": 2, "rounds_left": 0},
        (("veto", STOP), ("prefer", PATCH)),
        STOP,
        Why.BUDGET_ROUNDS,
        "rule",
    ),
    ("all is vetoed", {}, (("veto", PATCH), ("veto", REPLAY), ("veto", STOP)), STOP, Why.REQUEST, "operator"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "wishes", "kind", "reason", "by"),
    [case[1:] for case in STEERED],
    ids=[case[0] for case in STEERED],
)
def test_an_operators_wish_moves_the_decision_as_far_as_it_may_and_is_named(
    changes: dict[str, Any],
    wishes: tuple[tuple[str, DecisionKind], ...],
    kind: DecisionKind,
    reason: StopReason | None,
    by: str,
) -> None:
    wished = tuple(Wish(what, option, "ann", "so it is") for what, option in wishes)
    found = POLICY.decide(replace(SEEN, **changes, wishes=wished))
    assert (found.kind, found.stop_reason, found.chosen_by) == (kind, reason, by)
    said = {option.kind: option.reason for option in found.options}
    assert all("ann: so it is" in said[option] for _, option in wishes)


def test_every_decision_and_every_stop_reason_of_a_policy_is_reached() -> None:
    assert {case[2] for case in CASES} == set(DecisionKind)
    # the controller records these: an error, and money that a job has spent before there is anything to decide
    recorded = {StopReason.ERROR, StopReason.BUDGET_MONEY}
    assert {case[3] for case in CASES} - {None} == set(StopReason) - recorded


def test_an_option_that_would_do_but_comes_later_says_what_came_before_it() -> None:
    options = {o.kind: o for o in POLICY.decide(replace(SEEN, lost_items=12, **REPAIRED)).options}
    assert "48 of 60 failures are patchable" in options[DecisionKind.PATCH].reason
    assert options[DecisionKind.PATCH].reason.endswith("but replay comes before patch.")
    assert "0 of 2 rejections" in options[DecisionKind.STOP].reason
    assert "is below the target 0.950" in options[DecisionKind.STOP].reason
    assert "600 s left" in options[DecisionKind.STOP].reason


def test_the_first_stop_reason_that_holds_is_named() -> None:
    both = replace(SEEN, target_dev=0.3, rounds_left=0, rejected_in_a_row=5)
    assert POLICY.decide(both).stop_reason is StopReason.TARGET
    assert POLICY.decide(replace(both, stop_requested=True)).stop_reason is StopReason.REQUEST
    assert POLICY.decide(replace(both, target_dev=None)).stop_reason is StopReason.PLATEAU


def test_the_target_is_asked_of_the_incumbent_and_not_of_a_rejected_round() -> None:
    rejected = finished(2, "patch", 0.99, accepted=False)
    assert POLICY.decide(replace(SEEN, rounds=(BASE, V1, rejected))).kind is DecisionKind.PATCH


def test_the_same_patch_rejected_twice_is_a_plateau_whatever_the_limit() -> None:
    patient = RulePolicy(PolicyConfig(max_rejections=9))
    twice = tuple(finished(n, "patch", 0.5, accepted=False, patch="same") for n in (2, 3))
    found = patient.decide(replace(SEEN, rounds=(BASE, V1, *twice), rejected_in_a_row=2))
    assert found.stop_reason is StopReason.PLATEAU
    assert "rejected twice" in found.reason


def test_the_general_margin_is_the_sessions() -> None:
    strict = RulePolicy(PolicyConfig(), general_margin=0.01)
    assert strict.decide(replace(SEEN, **REPAIRED)).kind is DecisionKind.REPLAY


def test_without_an_accepted_patch_nothing_is_replayed_and_the_option_says_why() -> None:
    rejected = finished(2, "patch", 0.3, accepted=False, patch="p2")
    found = POLICY.decide(replace(SEEN, lost_items=12, rounds=(BASE, V1, rejected)))
    options = {o.kind: o.reason for o in found.options}
    assert found.kind is DecisionKind.PATCH
    assert options[REPLAY].endswith("but no patch was accepted that a replay could carry.")


def test_the_repair_rate_is_learnt_from_patch_rounds_against_their_own_incumbent() -> None:
    good = finished(2, "patch", 0.7)
    bad = finished(3, "patch", 0.6, accepted=False)
    partly = finished(4, "patch", 0.85)
    rounds = (BASE, V1, good, bad, finished(5, "replay", 0.9, accepted=False), partly)
    assert repair_rates(rounds) == pytest.approx((0.5, 0.0, 0.5))
    gain = expect_gain(rounds, 20)
    assert gain.rate == pytest.approx(1.5 / 4)
    assert gain.items == pytest.approx(7.5)
    assert gain.pays(15)
    assert not gain.pays(16)


NONSENSE: list[dict[str, Any]] = [
    {"incumbent": "a_9"},
    {"rounds": ()},
    {"failures": -1},
    {"patchable": 61},
    {"patchable": 59, "unpatchable_sealed": 2},
    {"diagnoses": {"boredom": 3}},
    {"diagnoses": {"concept_gap": 61}},
    {"diagnoses": {"concept_gap": -1}},
    {"round_cost_s": -1.0},
    {"round_cost_s": math.nan},
    {"wall_left_s": math.inf},
    {"rounds_left": -1},
    {"target_dev": 1.5},
    {"next_share": 1.5},
    {"general_drop": Interval(0.5, 0.6, 0.7, 10)},
    {"general_drop": Interval(math.nan, -0.1, 0.1, 10)},
    {"rounds": (BASE, replace(V1, dev=Interval(1.2, 1.1, 1.3, 10)))},
    {"rounds": (BASE, replace(V1, sealed=Interval(0.5, 0.4, 0.6, -1)))},
]


@pytest.mark.parametrize("changes", NONSENSE, ids=[str(list(case)) for case in NONSENSE])
def test_observations_that_contradict_themselves_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="observations make no sense"):
        POLICY.decide(replace(SEEN, **changes))


@st.composite
def intervals(draw: st.DrawFn, low: float = 0.0) -> Interval:
    ends = sorted(draw(st.lists(st.floats(low, 1.0), min_size=3, max_size=3)))
    return Interval(ends[1], ends[0], ends[2], draw(st.integers(0, 500)))


@st.composite
def observations(draw: st.DrawFn) -> Observations:
    kinds = st.sampled_from(["v1", "patch", "replay"])
    later = draw(
        st.lists(
            st.builds(
                RoundSummary,
                round=st.integers(1, 9),
                kind=kinds,
                adapter_id=st.sampled_from(["a_1", "a_2", "a_3"]),
                dev=intervals(),
                sealed=intervals(),
                general=intervals(),
                accepted=st.booleans(),
                patch_digest=st.sampled_from(["", "p", "q"]),
            ),
            max_size=5,
        )
    )
    rounds = (BASE, *later)
    failures = draw(st.integers(0, 200))
    patchable = draw(st.integers(0, failures))
    diagnosed = draw(st.integers(0, failures))
    return Observations(
        round=len(rounds),
        incumbent=draw(st.sampled_from([r.adapter_id for r in rounds])),
        rounds=rounds,
        failures=failures,
        diagnoses={draw(st.sampled_from([k.value for k in DiagnosisKind])): diagnosed},
        patchable=patchable,
        unpatchable_sealed=draw(st.integers(0, failures - patchable)),
        lost_items=draw(st.integers(0, 50)),
        general_drop=draw(st.none() | intervals(low=-1.0)),
        rejected_in_a_row=draw(st.integers(0, 5)),
        replayed_since_patch=draw(st.booleans()),
        wall_left_s=draw(st.none() | st.floats(-100, 10_000)),
        round_cost_s=draw(st.floats(0, 1000)),
        rounds_left=draw(st.none() | st.integers(0, 10)),
        disk_left_bytes=draw(st.none() | st.integers(-100, 10**10)),
        stop_requested=draw(st.booleans()),
        target_dev=draw(st.none() | st.floats(0.01, 1)),
        wishes=tuple(draw(st.lists(WISHES, max_size=3))),
        next_share=draw(st.none() | st.floats(0, 1)),
    )


@settings(max_examples=300, deadline=None)
@given(observations())
def test_any_sensible_observations_give_one_decision_always_the_same(seen: Observations) -> None:
    found = POLICY.decide(seen)
    assert found == RulePolicy(PolicyConfig()).decide(from_plain(Observations, to_plain(seen)))
    assert [option.kind for option in found.options if option.taken] == [found.kind]
    assert {option.kind for option in found.options} == set(DecisionKind)
    assert (found.stop_reason is not None) == (found.kind is DecisionKind.STOP)
    assert all(option.reason.endswith(".") and len(option.reason) > 10 for option in found.options)
    assert from_plain(Decision, to_plain(found)) == found


@settings(max_examples=100, deadline=None)
@given(observations())
def test_a_spent_budget_always_stops(seen: Observations) -> None:
    assert POLICY.decide(replace(seen, rounds_left=0)).kind is DecisionKind.STOP
    assert incumbent_round(seen) in seen.rounds
