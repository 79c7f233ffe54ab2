"""The rules over a proposal: what they leave open is taken, all else is refused, and their own decision stays what it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proda_core.config import PolicyConfig
from proda_core.policy import RulePolicy, open_options, rule_on
from proda_core.policy.said import bears_out, said_in
from proda_core.serialize import from_plain, to_plain
from proda_core.types import (
    DecisionKind,
    ModelTurn,
    Observations,
    Proposal,
    Ruling,
    StopReason,
    Wish,
)
from tests.proda_core.policy.test_rule_policy import (
    FAILED_PATCHES,
    PATCH,
    REPAIRED,
    REPLAY,
    SEEN,
    STOP,
    observations,
)

POLICY = RulePolicy(PolicyConfig())
LOST: dict[str, Any] = {"lost_items": 12, **REPAIRED}
NOT_PAYING: dict[str, Any] = {"rounds": FAILED_PATCHES, "patchable": 12}


def wants(kind: str, reason: str = "because 12 of 60 say so") -> Proposal:
    return Proposal("test:model", kind, reason)


def wishes(*pairs: tuple[str, DecisionKind]) -> tuple[Wish, ...]:
    return tuple(Wish(kind, option, "ann", "so it is") for kind, option in pairs)


OPEN: list[tuple[str, dict[str, Any], set[DecisionKind]]] = [
    ("failures are patchable", {}, {PATCH}),
    ("items were lost as well", LOST, {PATCH, REPLAY}),
    ("items were lost and nothing is patchable", {**LOST, "patchable": 0}, {REPLAY}),
    ("patches did not repair", NOT_PAYING, {PATCH, STOP}),
    ("nothing is patchable", {"patchable": 0}, {STOP}),
    ("no rounds are left", {"rounds_left": 0, **LOST}, {STOP}),
    ("no time is left", {"wall_left_s": 10.0}, {STOP}),
    ("the error rate is spent", {"next_share": 0.0}, {STOP}),
    ("a stop is requested", {"stop_requested": True}, {STOP}),
    ("the target is reached", {"target_dev": 0.4}, {STOP}),
    ("rejections pile up", {"rejected_in_a_row": 2}, {STOP}),
    ("rejections pile up and a patch is preferred", {"rejected_in_a_row": 2, "wishes": wishes(("prefer", PATCH))}, {PATCH}),
    ("a replay is vetoed", {**LOST, "wishes": wishes(("veto", REPLAY))}, {PATCH}),
    ("a patch is preferred", {**LOST, "wishes": wishes(("prefer", PATCH))}, {PATCH}),
    ("a stop is preferred", {**LOST, "wishes": wishes(("prefer", STOP))}, {STOP}),
    ("a patch that does not pay is vetoed", {**NOT_PAYING, "wishes": wishes(("veto", PATCH))}, {STOP}),
    ("a budget is vetoed", {"rounds_left": 0, "wishes": wishes(("veto", STOP), ("prefer", PATCH))}, {STOP}),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "left"), [case[1:] for case in OPEN], ids=[case[0] for case in OPEN])
def test_a_situation_leaves_these_options_open_and_a_proposal_is_taken_if_it_is_of_them(
    changes: dict[str, Any], left: set[DecisionKind]
) -> None:
    seen = replace(SEEN, **changes)
    assert {kind for kind, finding in open_options(POLICY, seen).items() if finding.applies} == left
    by_rules = POLICY.decide(seen)
    for kind in DecisionKind:
        ruling = rule_on(POLICY, seen, wants(kind.value))
        if kind in left:
            assert ruling.said.startswith("taken: ") and ruling.decision.kind is kind
            assert (ruling.decision.stop_reason is not None) == (kind is STOP)
        else:
            assert ruling.decision == by_rules
            assert ruling.said.startswith(f"refused: {kind.value} is not open: ")


def test_a_taken_proposal_names_the_model_its_reason_and_what_the_rules_found() -> None:
    decision = rule_on(POLICY, replace(SEEN, **LOST), wants("patch")).decision
    assert decision.chosen_by == "llm"
    assert decision.reason.startswith("48 of 60 failures are patchable")
    assert decision.reason.endswith("test:model chose it: because 12 of 60 say so")
    said = {option.kind: option.reason for option in decision.options}
    assert said[REPLAY].endswith("but test:model chose patch.")
    assert [option.kind for option in decision.options if option.taken] == [PATCH]


def test_a_stop_where_a_patch_might_still_be_tried_is_the_rules_own_plateau() -> None:
    decision = rule_on(POLICY, replace(SEEN, **NOT_PAYING), wants("stop")).decision
    assert (decision.chosen_by, decision.stop_reason) == ("llm", StopReason.PLATEAU)


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("a patch without a budget", {"rounds_left": 0}, "patch", "but a stop is due"),
    ("a replay without forgetting", {}, "replay", "1 items once right are lost (replay from 10)"),
    ("a replay right after a replay", {**LOST, "replayed_since_patch": True}, "replay", "replay was the last thing"),
    ("a stop because a text said so", {}, "stop", "no stop was requested"),
    ("a patch of nothing", {"patchable": 0}, "patch", "0 of 60 failures are patchable"),
    ("what an operator vetoed", {**LOST, "wishes": wishes(("veto", PATCH))}, "patch", "vetoed by ann: so it is"),
    ("other than an operator prefers", {**LOST, "wishes": wishes(("prefer", PATCH))}, "replay", "an operator prefers"),
    ("a kind there is not", {}, "explode", "'explode' is none of patch, replay, stop"),
    ("no kind", {}, "", "'' is none of"),
    ("a kind in other letters", {}, "PATCH", "'PATCH' is none of"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kind", "why"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_the_rules_do_not_leave_open_is_refused_with_the_reason(
    changes: dict[str, Any], kind: str, why: str
) -> None:
    seen = replace(SEEN, **changes)
    ruling = rule_on(POLICY, seen, wants(kind))
    assert ruling.said.startswith("refused: ") and why in ruling.said
    assert ruling.said.endswith("; the rules decided.")
    assert ruling.decision == POLICY.decide(seen)


def test_without_an_answer_the_rules_decide_and_the_ruling_says_what_happened() -> None:
    failed = Proposal("test:model", "", "", "the server cannot be reached")
    ruling = rule_on(POLICY, SEEN, failed)
    assert ruling == Ruling(POLICY.decide(SEEN), "missing: the server cannot be reached; the rules decided.")
    assert rule_on(POLICY, SEEN, None) == Ruling(POLICY.decide(SEEN))


@settings(max_examples=200, deadline=None)
@given(observations(), st.sampled_from([*DecisionKind, "other"]))
def test_what_the_rules_decide_is_always_open_and_a_proposal_leads_nowhere_else(
    seen: Observations, kind: str
) -> None:
    by_rules = POLICY.decide(seen)
    options = open_options(POLICY, seen)
    assert options[by_rules.kind].applies
    ruling = rule_on(POLICY, seen, wants(kind))
    assert ruling.decision == by_rules or (
        ruling.decision.kind == kind and options[DecisionKind(kind)].applies
    )
    assert [option.kind for option in ruling.decision.options if option.taken] == [ruling.decision.kind]
    assert (ruling.decision.stop_reason is not None) == (ruling.decision.kind is STOP)
    if seen.stop_requested or seen.rounds_left == 0:
        assert ruling.decision.kind is STOP
    assert from_plain(Ruling, to_plain(ruling)) == ruling
    assert rule_on(POLICY, seen, from_plain(Proposal, to_plain(wants(kind)))) == ruling


def test_a_proposal_is_borne_out_by_the_call_that_its_last_turn_made_and_by_nothing_else() -> None:
    answer = (
        '[{"parts": [{"part_kind": "text", "content": " Let me see. "}, {"part_kind": "tool-call", "tool_name": "patch", '
        '"args": "{\\"reason\\": \\"48  of\\\\n60\\"}"}], "kind": "response"}]'
    )
    turn = ModelTurn("key", said_in(answer))
    assert turn.said == '[{"text":"Let me see."},{"arguments":{"reason":"48  of\\n60"},"call":"patch"}]'
    assert bears_out(replace(wants("patch", "48 of 60"), turns=(turn,)))
    assert not bears_out(replace(wants("patch", "47 of 60"), turns=(turn,)))
    assert not bears_out(replace(wants("stop", "48 of 60"), turns=(turn,)))
    assert not bears_out(wants("patch", "48 of 60"))
    assert not bears_out(replace(wants("patch", "48 of 60"), turns=(ModelTurn("key", "[1, nothing"),)))


@pytest.mark.parametrize("args", ['{"reason": NaN}', "[" * 100_000, '{"reason": "half', "9" * 5000])
def test_arguments_that_no_log_could_hold_are_kept_as_text_or_by_their_size(args: str) -> None:
    part = {"part_kind": "tool-call", "tool_name": "patch", "args": args}
    (call,) = json.loads(said_in(json.dumps([{"parts": [part]}])))
    assert call["arguments"] in (args, {"characters": len(args)})
