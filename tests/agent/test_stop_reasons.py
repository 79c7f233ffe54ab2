"""Every stop reason and every kind of decision, each really chosen: by configuration or by what happens, never by a stand-in.

One thing is given where a test is of what follows it: the word of a verdict, which would else be a small training's luck.
The variants start from the finished session's artifacts and jobs, so what they share is found done and only the difference runs.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agent.drive import Outcome, drive
from agent.exit_codes import EXIT_CODES, INTERRUPTED
from agent.nodes import Nodes
from evals.verdict import judge
from mcp_server.hosting import write_report
from proda_core.errors import TooFewGroups
from proda_core.log import verify
from proda_core.session import SessionFolder, SteerKind
from proda_core.types import DecisionKind, StopReason, Verdict
from tests.sessions import (
    Bench,
    FinishedSession,
    decisions_of,
    done,
    outcomes_of,
    records_of,
    run_to_end,
    seeded,
    with_client,
)


@pytest.fixture
def variant(bench: Bench, finished_session: FinishedSession, tmp_path: Path) -> Any:
    """Makes a session that differs from the finished one in the sections given."""

    def make(**sections: dict[str, Any]) -> SessionFolder:
        return seeded(bench.session(tmp_path, **sections), finished_session.folder)

    return make


def ended(
    folder: SessionFolder, outcome: Outcome, reason: StopReason, *, code: int | None = None
) -> dict[str, Any]:
    """The session ended for ``reason``, with its exit code, its last word in the log and nothing left open there."""
    expected = EXIT_CODES[reason] if code is None else code
    assert (outcome.stop_reason, outcome.exit_code) == (reason.value, expected), outcome.detail
    last = records_of(folder)[-1]
    assert (last.kind, last.body["stop_reason"]) == ("session", reason.value)
    assert last.body["detail"] == outcome.detail
    report = verify(folder.decisions)  # a variant's store holds more than its log tells of
    assert report.ok, report.problems
    return dict(last.body)


def kinds(folder: SessionFolder) -> list[str]:
    return [decision["kind"] for decision in decisions_of(folder)]


def test_every_stop_reason_has_an_exit_code_of_its_own() -> None:
    codes = [EXIT_CODES[reason] for reason in StopReason]
    assert len({*codes, INTERRUPTED}) == len(codes) + 1


def test_a_spent_budget_of_rounds_stops_the_session_after_its_round(
    finished_session: FinishedSession,
) -> None:
    folder = finished_session.folder
    ended(folder, finished_session.outcome, StopReason.BUDGET_ROUNDS)
    assert kinds(folder) == ["patch", "stop"]
    assert len(outcomes_of(folder, "judge_candidate")) == 1


def test_every_decision_carries_its_observations_and_every_option_with_a_reason(
    finished_session: FinishedSession,
) -> None:
    folder = finished_session.folder
    observed = {record.key: record.body["observations"] for record in records_of(folder, "observation")}
    for record in records_of(folder, "decision"):
        decision = record.body["decision"]
        assert observed[record.key]["failures"] > 0
        assert sorted(option["kind"] for option in decision["options"]) == ["patch", "replay", "stop"]
        assert all(option["reason"] for option in decision["options"])


def test_the_target_reached_stops_the_session_with_success(variant: Any) -> None:
    folder = variant(policy={"target_dev": 1e-6})
    body = ended(folder, run_to_end(folder), StopReason.TARGET)
    assert kinds(folder) == ["stop"] and body["incumbent"].startswith("a_")


def test_rejections_in_a_row_are_a_plateau_and_the_incumbent_stays(variant: Any) -> None:
    folder = variant(policy={"max_rejections": 1}, budget={"rounds": 3})
    body = ended(folder, run_to_end(folder), StopReason.PLATEAU)
    assert kinds(folder) == ["patch", "stop"]
    judged = outcomes_of(folder, "judge_candidate")
    assert [verdict["meta"]["accepted"] for verdict in judged] == [False]
    v1, candidate = (outcome["artifacts"]["adapter"] for outcome in outcomes_of(folder, "train_adapter"))
    assert body["incumbent"] == v1 == judged[0]["meta"]["incumbent"]
    assert folder.store.exists("adapter", candidate) and candidate != v1


def test_too_few_patchable_failures_are_nothing_diagnosable(variant: Any) -> None:
    folder = variant(policy={"min_patchable": 10_000})
    ended(folder, run_to_end(folder), StopReason.NOTHING_DIAGNOSABLE)
    assert kinds(folder) == ["stop"] and outcomes_of(folder, "write_patch") == []


def test_a_round_that_would_not_fit_the_disk_budget_is_not_begun(variant: Any, finished_session: Any) -> None:
    used = finished_session.folder.disk_bytes()
    folder = variant(budget={"disk_bytes": used + 15_000_000})
    ended(folder, run_to_end(folder), StopReason.BUDGET_DISK)
    assert kinds(folder) == ["stop"]


def test_a_disk_budget_spent_already_stops_before_any_model_is_trained(variant: Any) -> None:
    folder = variant(budget={"disk_bytes": 1000})
    ended(folder, run_to_end(folder), StopReason.BUDGET_DISK)
    assert kinds(folder) == [] and outcomes_of(folder, "train_adapter") == []


def test_a_wall_budget_spent_in_a_job_stops_there_and_more_of_it_goes_on(variant: Any) -> None:
    folder = variant(budget={"wall_s": 0.05})
    ended(folder, run_to_end(folder), StopReason.BUDGET_WALL)
    assert kinds(folder) == []
    more = folder.raise_budget({"wall_s": None, "rounds": 1})
    ended(more, run_to_end(more, reopen=True), StopReason.BUDGET_ROUNDS)
    assert kinds(folder) == ["patch", "stop"]


def test_a_stop_request_is_honoured_at_the_next_decision(variant: Any) -> None:
    folder = variant()
    folder.steering.post(SteerKind.STOP, by="ann", why="the machine is needed")
    ended(folder, run_to_end(folder), StopReason.REQUEST)
    assert kinds(folder) == ["stop"]
    (steered,) = records_of(folder, "steering")
    assert (steered.body["by"], steered.body["why"]) == ("ann", "the machine is needed")
    again = run_to_end(folder, reopen=True)  # decided on once, it holds no longer
    ended(folder, again, StopReason.BUDGET_ROUNDS)


def test_the_file_stop_ends_a_session_in_the_middle_of_a_job_and_the_rest_can_be_resumed(
    variant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = variant(training={"warmup_share": 0.2})  # so that V1 is not found trained
    work = Nodes._work

    async def touched(nodes: Nodes, tool: str, **arguments: Any) -> dict[str, Any]:
        if tool == "train_adapter":
            folder.stop_now()
        return await work(nodes, tool, **arguments)

    monkeypatch.setattr(Nodes, "_work", touched)
    outcome = run_to_end(folder)
    ended(folder, outcome, StopReason.REQUEST)
    assert kinds(folder) == [] and "STOP" in outcome.detail
    monkeypatch.undo()
    folder.clear_stop()
    ended(folder, run_to_end(folder), StopReason.BUDGET_ROUNDS)
    assert kinds(folder) == ["patch", "stop"]


def test_a_veto_and_a_new_budget_are_taken_at_the_next_decision_and_logged_with_who_and_why(
    variant: Any,
) -> None:
    folder = variant()
    folder.steering.post(SteerKind.BUDGET, by="ann", why="longer", limits={"rounds": 3, "wall_s": None})
    folder.steering.post(SteerKind.BUDGET, by="ann", why="nonsense", limits={"bytes": 3})
    folder.steering.post(SteerKind.VETO, by="bob", why="not today", option=DecisionKind.PATCH)
    outcome = run_to_end(folder)
    ended(folder, outcome, StopReason.REQUEST)
    (decision,) = decisions_of(folder)
    assert decision["chosen_by"] == "operator" and "bob: not today" in decision["reason"]
    view = with_client(folder, lambda client: done(client, "report_session"))
    assert sorted((one["kind"], one["about"]) for one in view["steering"]) == [
        ("budget", "bytes 3"),
        ("budget", "rounds 3, wall_s unlimited"),
        ("veto", "patch"),
    ]
    page = write_report(folder).read_text(encoding="utf-8")
    assert "asked by bob, taken" in page and "chosen by operator" in page
    effects = {r.body["why"]: r.body["effect"] for r in records_of(folder, "steering")}
    assert effects["longer"] == effects["not today"] == "taken" and effects["nonsense"].startswith(
        "refused: "
    )
    assert SessionFolder.open(folder.root).config.budget.rounds == 3
    assert records_of(folder, "decision")[0].budget["rounds"]["limit"] == 3


def test_a_paused_session_waits_at_its_next_decision_until_it_is_resumed(
    variant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = variant()
    folder.steering.post(SteerKind.PAUSE, by="ann", why="looking")
    waited: list[float] = []

    async def resume_after(seconds: float) -> None:
        waited.append(seconds)
        assert kinds(folder) == []
        if len(waited) == 2:
            folder.steering.post(SteerKind.RESUME, by="ann", why="seen")

    monkeypatch.setattr("agent.nodes.sleep", resume_after)
    ended(folder, run_to_end(folder), StopReason.BUDGET_ROUNDS)
    assert len(waited) == 2 and [r.body["kind"] for r in records_of(folder, "steering")] == [
        "pause",
        "resume",
    ]


def test_a_failing_job_stops_the_session_with_its_typed_error_and_mending_it_goes_on(
    bench: Bench, variant: Any
) -> None:
    folder = variant(benchmark={"min_groups": 10_000})
    outcome = run_to_end(folder)
    ended(folder, outcome, StopReason.ERROR, code=TooFewGroups.exit_code)
    assert outcome.detail.startswith("TooFewGroups: ")
    assert run_to_end(folder).detail == outcome.detail  # nothing was mended: the same end, by another attempt
    intents = [r for r in records_of(folder, "intent") if r.body["tool"] == "build_benchmark"]
    assert len({r.key for r in intents}) == 2 and len({r.body["job_id"] for r in intents}) == 1


def test_raising_the_budget_of_a_finished_session_goes_on_from_a_new_decision(variant: Any) -> None:
    folder = variant()
    ended(folder, run_to_end(folder), StopReason.BUDGET_ROUNDS)
    again = folder.raise_budget({"rounds": 2})
    assert drive(again, Console(file=io.StringIO())).stop_reason == "budget_rounds"  # not asked to go on
    assert kinds(folder) == ["patch", "stop"]


ACCEPTED: dict[str, Any] = {
    "student": {"base": "pocket"},
    "training": {"epochs": 5, "round_epochs": 6, "distillation": 0, "protection": 0},
    "mixture": {"rows": 400, "patch_share": 0.22, "general_share": 0.45},
    "verdict": {"sealed_margin": 0.99, "general_margin": 0.99},
    "budget": {"rounds": 2},
}


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives verdicts their word in turn; everything else about them is as it was found."""

    def say(*words: bool) -> None:
        left = list(words)

        def judged(**asked: Any) -> Verdict:
            return replace(judge(**asked), accepted=left.pop(0))

        monkeypatch.setattr("tools.judge_candidate.judge", judged)

    return say


@pytest.mark.slow
def test_an_accepted_round_is_the_incumbent_and_a_rejected_one_after_it_changes_nothing(
    variant: Any, verdicts: Callable[..., None]
) -> None:
    verdicts(True, False)
    folder = variant(**ACCEPTED, policy={"lost_items_for_replay": 1000})
    body = ended(folder, run_to_end(folder), StopReason.BUDGET_ROUNDS)
    assert kinds(folder) == ["patch", "patch", "stop"]
    judged = outcomes_of(folder, "judge_candidate")
    assert [verdict["meta"]["accepted"] for verdict in judged] == [True, False]
    v1, v2, v3 = (outcome["artifacts"]["adapter"] for outcome in outcomes_of(folder, "train_adapter"))
    assert [verdict["meta"]["incumbent"] for verdict in judged] == [v1, v2]
    assert body["incumbent"] == v2 and folder.store.exists("adapter", v3)
    diagnosed = [outcome["arguments"]["report_id"] for outcome in outcomes_of(folder, "diagnose_failures")]
    assert len(set(diagnosed)) == 2  # V1's failures, then V2's; never the rejected candidate's


@pytest.mark.slow
def test_general_skill_still_lost_after_an_accepted_patch_is_answered_by_replay(
    variant: Any, verdicts: Callable[..., None]
) -> None:
    verdicts(True, False)
    forgetful = {
        "synthesis": {"general_rows": 0},
        "mixture": {"rows": 400, "general_share": 0.05},
        "verdict": ACCEPTED["verdict"] | {"general_margin": 0.3},
        "general": {"suite_items": 30},
    }
    folder = variant(**ACCEPTED | forgetful)
    ended(folder, run_to_end(folder), StopReason.BUDGET_ROUNDS)
    assert kinds(folder) == ["patch", "replay", "stop"]
    replayed = outcomes_of(folder, "compose_mixture")[2]["meta"]
    assert replayed["kind"] == "replay"
    assert replayed["roles"].get("patch", 0) == 0
    assert replayed["roles"]["carried"] > 0 and replayed["roles"]["general"] > 0
