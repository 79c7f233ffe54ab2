"""Sessions whose decisions a model proposes, over real HTTP: what it may see and call, what is done with what it wants, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.controller import LOOKS
from agent.exit_codes import EXIT_CODES
from proda_core.ledger import read_spent
from proda_core.log import verify
from proda_core.types import StopReason
from tests.agent.deciding import INPUT_PRICE, OUTPUT_PRICE, Decider, Said, always, asking, decided
from tests.chat_server import ChatServer
from tests.sessions import Bench, FinishedSession, done, records_of, run_to_end, with_client
from tools.registry import TOOLS


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(lambda prompt: "{}") as running:
        yield running


def paid_to(server: ChatServer) -> float:
    sent, answered = server.tokens
    return (sent * INPUT_PRICE + answered * OUTPUT_PRICE) / 1e6


def test_a_model_looks_further_by_reading_alone_and_its_choice_is_made_logged_paid_and_replayed(
    bench: Bench, finished_session: FinishedSession, server: ChatServer, tmp_path: Path
) -> None:
    def turns(decision: str, turn: int) -> Said:
        if decision == "decision-0" and turn == 0:
            return [("show_rounds", {}), ("show_failures", {})]
        return [("patch" if decision == "decision-0" else "stop", {"reason": f"by {decision}"})]

    server.calling = decider = Decider(turns)
    folder = asking(bench, finished_session, tmp_path, server.url, budget={"money": 5.0})
    outcome = run_to_end(folder)
    assert outcome.exit_code == EXIT_CODES[StopReason.BUDGET_ROUNDS], outcome
    print(decider.asked)
    for one in decided(folder):
        print(json.dumps(one.body, indent=1)[:6000])
