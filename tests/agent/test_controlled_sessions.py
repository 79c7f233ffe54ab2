"""Whole sessions whose decisions a model proposes over HTTP: chosen, refused, missing or killed, logged, paid and replayed."""

from __future__ import annotations

import json
import multiprocessing
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.exit_codes import EXIT_CODES
from proda_core.ledger import read_spent
from proda_core.log import verify
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.agent import deciding
from tests.agent.deciding import INPUT_PRICE, MODEL, OUTPUT_PRICE, Decider, Said, asking
from tests.chat_server import ChatServer, Misdeed
from tests.sessions import (
    Bench,
    FinishedSession,
    as_it_was_before,
    copied,
    decisions_of,
    done,
    records_of,
    run_to_end,
    with_client,
)
from tests.tools.test_proofs import ask, rewritten

pytestmark = pytest.mark.slow
ROUNDS_OUT = EXIT_CODES[StopReason.BUDGET_ROUNDS]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(lambda prompt: "{}") as running:
        yield running


def look(folder: SessionFolder, tool: str) -> dict[str, Any]:
    """The first page of a tool's answer."""
    view: dict[str, Any] = with_client(folder, lambda client: done(client, tool))
    return view


def sensible(decision: str, turn: int) -> Said:
    """Looks before the first decision; then what is open."""
    if decision == "decision-0" and turn == 0:
        return [("show_rounds", {}), ("show_failures", {})]
    return [("patch" if decision == "decision-0" else "stop", {"reason": f"for {decision}"})]


@pytest.fixture(scope="module")
def chosen(
    bench: Bench, finished_session: FinishedSession, tmp_path_factory: pytest.TempPathFactory
) -> SessionFolder:
    """A session whose two decisions a model made, with the server's own count checked against the journal's."""
    with ChatServer(lambda prompt: "{}") as server:
        server.calling = decider = Decider(sensible)
        root = tmp_path_factory.mktemp("chosen")
        folder = asking(bench, finished_session, root, server.url, budget={"money": 5.0})
        outcome = run_to_end(folder)
        assert outcome.exit_code == ROUNDS_OUT, outcome
        assert decider.asked == [("decision-0", 0), ("decision-0", 1), ("decision-1", 0)]
        sent, answered = server.tokens
        spent = read_spent(folder.calls)
        assert (spent.calls, spent.input_tokens, spent.output_tokens) == (3, sent, answered)
        assert spent.spent == pytest.approx((sent * INPUT_PRICE + answered * OUTPUT_PRICE) / 1e6)
        last = records_of(folder, "decision")[-1]
        assert last.budget is not None and last.budget["money"]["used"] == pytest.approx(spent.spent)
    return folder


def test_what_a_model_chose_is_logged_with_its_reason_and_decided_again_without_it(
    chosen: SessionFolder,
) -> None:
    assert [(one["kind"], one["chosen_by"]) for one in decisions_of(chosen)] == [
        ("patch", "llm"),
        ("stop", "llm"),
    ]
    assert verify(chosen.decisions, chosen.store).ok
    view = ask(chosen, "replay_session")
    assert view["identical"], view["first_divergence"]
    assert [s["status"] for s in view["steps"] if s["about"] == "decision"] == ["identical"] * 2
    explained = ask(chosen, "explain_result", id="decision-0")
    said = {step["kind"]: step["says"] for step in explained["steps"]}
    assert explained["unresolved"] == 0
    assert said["decider"] == f"the model {MODEL}, after {MODEL} was asked"
    assert said["proposal"] == "patch: for decision-0" and said["ruling"].startswith("taken: of patch")
    assert any("show_failures" in step["says"] for step in explained["steps"] if step["kind"] == "turn")
    reported = look(chosen, "report_session")["decisions"][0]
    assert reported["asked"].startswith(f"{MODEL} wanted patch (“for decision-0”); taken:")
    assert look(chosen, "show_decisions")["decisions"][1]["ruling"].startswith("taken: of stop")


def test_a_replay_names_the_first_decision_that_is_not_what_the_model_answered(
    chosen: SessionFolder, tmp_path: Path
) -> None:
    first, second = (record.seq for record in records_of(chosen, "decision"))

    def diverges(name: str, change: Any, where: int, says: str) -> None:
        victim = copied(chosen, tmp_path / name)
        change(victim)
        view = ask(victim, "replay_session")
        assert not view["identical"]
        assert view["first_divergence"].startswith(f"record {where}, decision "), view["first_divergence"]
        assert says in view["first_divergence"]

    def other_proposal(body: dict[str, Any]) -> None:
        body["proposal"]["kind"] = "replay"

    def other_turn(body: dict[str, Any]) -> None:
        body["proposal"]["turns"][-1]["said"] = (
            '[{"arguments":{"reason":"for decision-0"},"call":"patch"},{}]'
        )

    def other_journal(victim: SessionFolder) -> None:
        with closing(sqlite3.connect(victim.calls)) as db, db:
            db.execute("UPDATE answers SET answer = replace(answer, 'for decision-1', 'for no reason')")

    diverges("a", lambda v: rewritten(v, {first: other_proposal}), first, "is not what its last turn says")
    diverges("b", lambda v: rewritten(v, {first: other_turn}), first, "another answer")
    diverges("c", other_journal, second, "another answer")
    ruling = {second: lambda body: body.update(ruling="refused: who knows.")}
    diverges("d", lambda v: rewritten(v, ruling), second, "ruling was")
    by_rules = {second: lambda body: body["decision"].update(chosen_by="rule")}
    diverges("e", lambda v: rewritten(v, by_rules), second, "chosen_by was 'rule' then, is 'llm' now")
    tried = ask(chosen, "replay_session", set=["policy.kind=rules"])
    assert "chosen_by was 'llm' then, is 'rule' now" in tried["first_divergence"]
    assert tried["first_other_choice"] == ""


def test_the_host_records_no_decision_that_the_rules_do_not_make_of_the_proposal(
    chosen: SessionFolder, tmp_path: Path
) -> None:
    record = records_of(chosen, "decision")[0]
    folder = as_it_was_before(record, copied(chosen, tmp_path))
    true: dict[str, Any] = json.loads(json.dumps(record.body))
    replayed = {**true["proposal"], "kind": "replay"}
    as_rule = {**true["decision"], "chosen_by": "rule"}

    async def act(client: Any) -> list[str]:
        said = []
        for decision, proposal in (
            (true["decision"], replayed),
            (as_rule, true["proposal"]),
            (true["decision"], None),
            ({**true["decision"], "reason": "because"}, true["proposal"]),
        ):
            given = {"key": "decision-0", "decision": decision} | ({"proposal": proposal} if proposal else {})
            result = await client.call_tool("record_decision", given)
            assert result.is_error
            said.append(result.structured_content["error"]["message"])
        recorded = await done(
            client, "record_decision", key="decision-0", decision=true["decision"], proposal=true["proposal"]
        )
        assert recorded["decision"] == true["decision"]
        seen = await done(client, "observe_session")
        assert seen["decision"] == true["decision"]
        return said

    refused = with_client(folder, act)
    assert [("record its proposal" in one, "make another decision" in one) for one in refused] == [
        (False, True),
        (False, True),
        (True, False),
        (False, True),
    ]


def test_what_a_confused_model_wants_is_refused_and_the_session_goes_as_by_the_rules(
    bench: Bench, finished_session: FinishedSession, server: ChatServer, tmp_path: Path
) -> None:
    def confused(decision: str, turn: int) -> Said:
        if decision == "decision-0" and turn == 0:
            return [("steer_session", {"action": "budget", "rounds": 9, "by": "me", "why": "more"})]
        return [("replay" if decision == "decision-0" else "patch", {"reason": "I want it"})]

    server.calling = Decider(confused)
    folder = asking(bench, finished_session, tmp_path, server.url)
    outcome, honest = run_to_end(folder), finished_session
    assert (outcome.stop_reason, outcome.detail) == (honest.outcome.stop_reason, honest.outcome.detail)
    assert decisions_of(folder) == decisions_of(honest.folder)
    assert not [r for r in records_of(folder) if r.kind in ("steering", "refusal")]
    first, second = (record.body for record in records_of(folder, "decision"))
    assert first["ruling"].startswith("refused: replay is not open: 0 items once right are lost")
    assert second["ruling"].startswith("refused: patch is not open: ")
    assert (second["proposal"]["kind"], second["proposal"]["reason"]) == ("patch", "I want it")
    offered = {tool["function"]["name"] for one in server.requests for tool in one["body"]["tools"]}
    assert "steer_session" not in offered and "show_failures" in offered
    assert ask(folder, "replay_session")["identical"]


def test_where_the_server_is_gone_at_the_decision_the_rules_decide_and_the_log_says_so(
    bench: Bench, finished_session: FinishedSession, tmp_path: Path
) -> None:
    with ChatServer(lambda prompt: "{}") as gone:
        url = gone.url
    folder = asking(bench, finished_session, tmp_path, url, calls={"patience_s": 0})
    outcome = run_to_end(folder)
    assert outcome.exit_code == ROUNDS_OUT, outcome
    assert decisions_of(folder) == decisions_of(finished_session.folder)
    for record in records_of(folder, "decision"):
        assert "the server cannot be reached" in record.body["proposal"]["failure"]
        assert record.body["ruling"].startswith("missing: TeacherError")
    assert ask(folder, "replay_session")["identical"]
    assert "gave no answer; missing:" in look(folder, "report_session")["decisions"][0]["asked"]


def test_killed_between_the_answer_and_the_record_it_is_asked_no_second_time(
    bench: Bench, finished_session: FinishedSession, server: ChatServer, tmp_path: Path
) -> None:
    server.misbehave(Misdeed("status", 429, {"Retry-After": "0"}), Misdeed("cut"), Misdeed("refusal"))
    server.calling = decider = Decider(sensible)
    folder = asking(bench, finished_session, tmp_path, server.url, calls={"retries": 3})
    dying = multiprocessing.get_context("spawn").Process(
        target=deciding.run_until_it_would_record, args=(str(folder.root),)
    )
    dying.start()
    dying.join(300)
    assert dying.exitcode == -signal.SIGKILL
    assert decisions_of(folder) == []
    assert decider.asked == [("decision-0", 0), ("decision-0", 1)]
    charged = len(server.charged)
    outcome = run_to_end(folder)
    assert outcome.exit_code == ROUNDS_OUT, outcome
    assert decider.asked == [("decision-0", 0), ("decision-0", 1), ("decision-1", 0)]
    assert len(server.charged) == charged + 1
    assert decisions_of(folder)[0]["reason"].endswith(f"{MODEL} chose it: for decision-0")
    spent = read_spent(folder.calls)
    assert (spent.input_tokens, spent.output_tokens, spent.held) == (*server.tokens, 0)
    assert ask(folder, "replay_session")["identical"]
