"""A whole session driven by hand over HTTP, by a client that knows nothing but the tools; the controller then does the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from agent.connect import owned
from agent.loop import run_loop
from agent.nodes import Nodes
from mcp_server.access import access_to
from mcp_server.hosting import Address, Serving, own_session
from proda_core.log import verify
from proda_core.serialize import from_plain
from proda_core.session import SessionFolder
from proda_core.types import Decision, Observations
from tests.mcp_server.test_http import client_with
from tests.sessions import Bench, decisions_of, done, outcomes_of, records_of

CHOICES = ("replay", "patch", "stop")  # the rule would not begin with a replay
SMALLER: dict[str, dict[str, Any]] = {
    "training": {"max_steps": 6},
    "budget": {"rounds": 2},
}


def chosen(kind: str) -> dict[str, Any]:
    """A decision as a person takes it: their own reason, and that the others were looked at."""
    options = [
        {"kind": one, "taken": one == kind, "reason": "tried by hand"} for one in ("patch", "replay", "stop")
    ]
    stop_reason = "request" if kind == "stop" else None
    return {
        "kind": kind,
        "reason": "tried by hand",
        "options": options,
        "stop_reason": stop_reason,
        "chosen_by": "operator",
    }


async def drive_by_hand(client: Client, choices: Iterable[str]) -> None:
    """Every step of the loop as single calls, in the order in which the tools themselves ask for them."""
    for tool in ("curate_corpus", "extract_knowledge", "build_benchmark", "synthesise_examples"):
        await done(client, tool)
    await done(client, "evaluate_model", model="base")
    incumbent = await round_by_hand(client, kind="v1")
    for choice in choices:
        diagnosed = await done(client, "diagnose_failures", report_id=incumbent)
        await done(client, "apply_steering")
        seen = await done(client, "observe_session")
        await done(client, "record_decision", key=seen["key"], decision=chosen(choice))
        if choice == "stop":
            await done(client, "finish_session", reason="request", detail="tried by hand")
            return
        patch = {}
        if choice == "patch":
            written = await done(client, "write_patch", diagnosis_id=diagnosed["artifacts"]["diagnosis"])
            patch = {"patch_id": written["artifacts"]["patch"]}
        report = await round_by_hand(client, kind=choice, **patch)
        verdict = await done(client, "judge_candidate", report_id=report)
        incumbent = report if verdict["accepted"] else incumbent


async def round_by_hand(client: Client, **mixture: str) -> str:
    """Compose, train, evaluate; the report's ID."""
    composed = await done(client, "compose_mixture", **mixture)
    trained = await done(client, "train_adapter", mixture_id=composed["mixture_id"])
    scored = await done(client, "evaluate_model", model=trained["artifacts"]["adapter"])
    return str(scored["artifacts"]["report"])


class Replayed:
    """A policy that decides what was decided before."""

    def __init__(self, decisions: Iterable[dict[str, Any]]) -> None:
        self._decisions = iter([from_plain(Decision, plain) for plain in decisions])

    def decide(self, observations: Observations) -> Decision:
        return next(self._decisions)


async def over_http(folder: SessionFolder) -> None:
    urls: list[str] = []
    async with (
        own_session(folder, serving=Serving(Address(), True, urls.append)),
        client_with(urls[0], access_to(folder.access).steer) as client,
    ):
        await drive_by_hand(client, CHOICES)


async def with_the_controller(folder: SessionFolder, decisions: list[dict[str, Any]]) -> None:
    async with owned(folder) as client:
        nodes = Nodes(client, Replayed(decisions), lambda kind, about: None)
        await run_loop(nodes, folder.checkpoints, thread=folder.name)


@pytest.mark.slow
def test_a_session_driven_by_hand_and_the_controller_with_the_same_choices_make_the_same_mixtures(
    bench: Bench, tmp_path: Path
) -> None:
    hand = bench.session(tmp_path / "hand", **SMALLER)
    asyncio.run(over_http(hand))
    assert [decision["kind"] for decision in decisions_of(hand)] == list(CHOICES)

    loop = bench.session(tmp_path / "loop", **SMALLER)
    asyncio.run(with_the_controller(loop, decisions_of(hand)))
    assert decisions_of(loop) == decisions_of(hand)
    mixtures = [
        [one["artifacts"]["mixture"] for one in outcomes_of(f, "compose_mixture")] for f in (hand, loop)
    ]
    assert mixtures[0] == mixtures[1] and len(set(mixtures[0])) == 3
    for tool in ("train_adapter", "evaluate_model", "diagnose_failures", "write_patch", "judge_candidate"):
        assert asked(hand, tool) == asked(loop, tool) != [], tool
        made = [[one["artifacts"] for one in outcomes_of(f, tool)] for f in (hand, loop)]
        assert made[0] == made[1], tool
    for folder in (hand, loop):
        assert records_of(folder)[-1].body["stop_reason"] == "request"
        report = verify(folder.decisions, folder.store)
        assert report.ok, report.problems


def asked(folder: SessionFolder, tool: str) -> list[tuple[Any, Any]]:
    """What each call of a tool was asked for: its arguments and, where it is a job, the job's whole request."""
    intents = [record.body for record in records_of(folder, "intent") if record.body["tool"] == tool]
    return [(intent["arguments"], intent.get("request")) for intent in intents]
