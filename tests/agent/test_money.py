"""Money as a budget: what calls cost is on the meter; a session whose money is out stops for that and goes on with more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from agent.client import ToolClient
from agent.exit_codes import EXIT_CODES
from agent.nodes import Halted, Nodes
from proda_core.config import load_config
from proda_core.errors import BudgetExhausted, TeacherError
from proda_core.ledger import Call, CallJournal, Settled
from proda_core.ledger.calls import ANSWERED, NANO
from proda_core.policy import RulePolicy
from proda_core.session import SessionFolder
from proda_core.types import StopReason
from tests.sessions import Bench, done, run_to_end, with_client


@contextmanager
def journal_of(folder: SessionFolder) -> Iterator[CallJournal]:
    journal = CallJournal(folder.calls)
    try:
        yield journal
    finally:
        journal.close()


def pay(folder: SessionFolder, amount: float) -> None:
    with journal_of(folder) as journal:
        call = Call("task", 1, "chains", "tiny", int(amount * NANO), once=True)
        journal.begin(call, None)
        journal.settle(call, Settled(ANSWERED, 1, 1, int(amount * NANO), "{}"))


def test_a_session_whose_money_is_out_stops_for_that_reason_and_goes_on_when_it_is_raised(
    bench: Bench, tmp_path: Path
) -> None:
    folder = bench.session(tmp_path, budget={"money": 2.0})
    pay(folder, 2.0)
    outcome = run_to_end(folder)
    assert (outcome.stop_reason, outcome.exit_code) == (StopReason.BUDGET_MONEY.value, 26)
    assert with_client(folder, lambda client: done(client, "show_budget"))["exhausted"] == "money"
    raised = folder.raise_budget({"money": 3.0})
    assert raised.root == folder.root

    async def curate(client: Any) -> dict[str, Any]:
        handle = await done(client, "curate_corpus")
        return await done(client, "cancel_job", job_id=handle["job_id"])

    assert with_client(raised, curate)["tool"] == "curate_corpus"
    meter = with_client(raised, lambda client: done(client, "show_budget"))["resources"]["money"]
    assert (meter["used"], meter["left"]) == (2.0, 1.0)


class FailedJob:
    """Stands where the host would: every job has failed with the error given."""

    def __init__(self, error: Exception, code: int) -> None:
        self.error, self.code, self.finished = error, code, dict[str, Any]()

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        if tool == "finish_session":
            self.finished = arguments
            return {}
        said = f"{type(self.error).__name__}: {self.error}"
        return {"job_id": "j_0", "state": "failed", "error": said, "exit_code": self.code} | {
            "wall_left_s": None,
            "stop_now": False,
        }


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (BudgetExhausted("money", 0.25, 0.1), StopReason.BUDGET_MONEY, EXIT_CODES[StopReason.BUDGET_MONEY]),
        (TeacherError("the server answered 401; check the key"), StopReason.ERROR, TeacherError.exit_code),
    ],
)
def test_what_ends_a_worker_that_asks_is_the_sessions_stop(
    error: Exception, reason: StopReason, code: int
) -> None:
    host = FailedJob(error, cast(Any, error).exit_code)
    nodes = Nodes(cast(ToolClient, host), RulePolicy.of(load_config()), lambda _kind, _body: None)
    with pytest.raises(Halted) as caught:
        asyncio.run(cast(Any, nodes.guarded(nodes.extract)({})))
    assert (caught.value.reason, caught.value.exit_code) == (reason, code)
    assert host.finished["reason"] == reason.value and str(error) in host.finished["detail"]


LLM = ("--set", "teacher.kind=llm", "--set", "teacher.model=openai-compatible:tiny")


def test_a_dry_run_says_what_the_teacher_would_be_asked_and_leaves_nothing_behind(
    bench: Bench, tmp_path: Path
) -> None:
    prices = ("--set", "calls.input_price=1", "--set", "calls.output_price=10", "--money", "0.01")
    command = ["run", str(bench.corpus), "--dry-run", "--json", "--sessions", str(tmp_path / "sessions")]
    shown = CliRunner().invoke(app, [*command, *LLM, *prices])
    assert shown.exit_code == 0, shown.output
    view = json.loads(shown.stdout)
    calls = view["calls"]
    assert calls["calls"] == 3 * view["chunks"] > 0 and calls["by"] == {"reading": calls["calls"]}
    assert calls["money"] == pytest.approx((calls["input_tokens"] + 10 * calls["output_tokens"]) / 1e6)
    assert calls["time_s"] > 0 and view["limit"] == 0.01
    assert not (tmp_path / "sessions").exists()


def test_a_dry_run_counts_decisions_and_questions_in_other_words_and_not_what_is_not_asked(
    bench: Bench, tmp_path: Path
) -> None:
    command = ["run", str(bench.corpus), "--dry-run", "--json", "--sessions", str(tmp_path / "sessions")]
    prices = ("--set", "calls.input_price=1", "--set", "calls.output_price=10")

    def calls(*given: str) -> dict[str, Any]:
        shown = CliRunner().invoke(app, [*command, *prices, *given])
        assert shown.exit_code == 0, shown.output
        found: dict[str, Any] = json.loads(shown.stdout)["calls"]
        assert found["calls"] == sum(found["by"].values())
        assert found["money"] == pytest.approx((found["input_tokens"] + 10 * found["output_tokens"]) / 1e6)
        return found

    deciding = ("--set", "policy.kind=llm", "--set", "teacher.model=openai-compatible:tiny")
    few, many = calls(*deciding, "--rounds", "1"), calls(*deciding, "--rounds", "4")
    assert (few["by"], many["by"]) == ({"deciding": 4}, {"deciding": 10})
    assert many["money"] > few["money"] > 0 and many["time_s"] > few["time_s"]
    plain, worded = calls(*LLM), calls(*LLM, "--set", "synthesis.reworded_rows=2")
    assert worded["by"]["wording"] > 0 and worded["by"]["reading"] == plain["by"]["reading"]
    assert worded["money"] > plain["money"]


def test_a_dry_run_names_a_price_that_nobody_knows_and_a_teacher_that_costs_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    command = ["run", str(bench.corpus), "--dry-run", "--sessions", str(tmp_path / "sessions")]
    assert "set calls.input_price" in CliRunner().invoke(app, [*command, *LLM]).stdout
    assert "none: neither teacher nor policy is a model" in CliRunner().invoke(app, command).stdout


def test_how_calls_are_made_names_no_session_and_a_models_name_does(bench: Bench, tmp_path: Path) -> None:
    llm = {"kind": "llm", "model": "openai-compatible:tiny"}
    one = bench.session(tmp_path, teacher=llm, calls={"base_url": "http://127.0.0.1:1/v1"})
    moved = bench.session(
        tmp_path, teacher=llm, calls={"base_url": "http://127.0.0.1:2/v1", "concurrency": 2}
    )
    other = bench.session(tmp_path, teacher={**llm, "model": "openai-compatible:small"})
    assert one.root == moved.root != other.root
    assert SessionFolder.open(one.root).config.calls.concurrency == 2
