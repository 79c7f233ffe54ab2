"""The nodes of the loop. Each calls tools and returns what changed; each can be killed and run again from its top.

Effects are the host's and are keyed by content there, so running a node twice does its work once. An expected error becomes a
stop reason; the one broad except of the project is here, and what it catches is recorded as the session's stop.
"""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from agent.client import ToolClient
from agent.exit_codes import EXIT_CODES
from agent.state import LoopState
from proda_core.errors import BudgetExhausted, JobError, JobFailed, ProdaError
from proda_core.policy import Policy
from proda_core.serialize import from_plain, to_plain
from proda_core.types import Decision, DecisionKind, Observations, Proposal, Ruling, StopReason

Node = Callable[[LoopState], Awaitable[LoopState]]
Tell = Callable[[str, dict[str, Any]], None]

STOP_FILE = "the file STOP asks for it; proda resume goes on from here"
_PAUSE_S = 1.0
_BUDGET_STOP = {
    "wall_s": StopReason.BUDGET_WALL,
    "rounds": StopReason.BUDGET_ROUNDS,
    "disk_bytes": StopReason.BUDGET_DISK,
    "money": StopReason.BUDGET_MONEY,
}


class Interrupted(Exception):
    """The operator asked this process to end; the session resumes."""


class Halted(Exception):
    """A node could not go on. The stop is recorded; resuming runs that node again."""

    def __init__(self, reason: StopReason, detail: str, *, exit_code: int) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.exit_code = reason, detail, exit_code


class StopAsked(Exception):
    """Somebody wants the session to end at once; what it was doing is cancelled."""


class Adviser(Protocol):
    """Who proposes what to do, and the rules over it."""

    name: str

    async def propose(self, key: str, observations: Observations) -> Proposal:
        """What is wanted, or why nothing is; it may be cancelled."""
        ...

    def rule(self, observations: Observations, proposal: Proposal) -> Ruling: ...

    def stop_asked(self) -> bool:
        """Whether somebody wants the session to end at once."""
        ...


class Nodes:
    """The loop's nodes over one tool client and one policy. ``tell`` hears of stages, results and decisions.

    With an ``adviser`` the decision is made on what it proposes."""

    def __init__(
        self, client: ToolClient, policy: Policy, tell: Tell, *, adviser: Adviser | None = None
    ) -> None:
        self._client, self._policy, self._tell, self._adviser = client, policy, tell, adviser
        self.draining = False

    def guarded(self, node: Node) -> Node:
        """Turn an error into a recorded stop, so that every session ends by a defined route."""

        async def run(state: LoopState) -> LoopState:
            if self.draining:
                raise Interrupted
            try:
                return await node(state)
            except (Interrupted, Halted):
                raise
            except StopAsked as asked:
                reason = StopReason.REQUEST
                halt = Halted(reason, str(asked), exit_code=EXIT_CODES[reason])
            except BudgetExhausted as error:
                reason = _BUDGET_STOP.get(error.resource, StopReason.BUDGET_WALL)
                halt = Halted(reason, str(error), exit_code=EXIT_CODES[reason])
            except Exception as error:  # noqa: BLE001 - the one broad except: recorded as the stop
                said = error.reason if isinstance(error, JobFailed) else f"{type(error).__name__}: {error}"
                code = error.exit_code if isinstance(error, ProdaError) else EXIT_CODES[StopReason.ERROR]
                halt = Halted(StopReason.ERROR, said, exit_code=code)
            await self._client.call("finish_session", reason=halt.reason.value, detail=halt.detail)
            raise halt

        return run

    async def _work(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Start a job through its tool and wait for it; the finished handle."""
        self._tell("stage", {"tool": tool, "arguments": arguments})
        handle = await self._client.call(tool, **arguments)
        while handle["state"] == "running":
            if self.draining:
                await self._client.call("cancel_job", job_id=handle["job_id"])
                raise Interrupted  # the host waits for its worker to end
            left = handle["wall_left_s"]
            if left is not None and left <= 0:
                await self._client.call("cancel_job", job_id=handle["job_id"])
                raise BudgetExhausted("wall_s", 1, left)
            if handle["stop_now"]:
                await self._client.call("cancel_job", job_id=handle["job_id"])
                raise StopAsked(STOP_FILE)
            handle = await self._client.call("wait_for_job", job_id=handle["job_id"], timeout_s=1.0)
            self._tell("progress", handle)
        if self.draining and handle["state"] == "cancelled":
            raise Interrupted
        if handle["stop_now"] and handle["state"] == "cancelled":  # the worker saw the file first
            raise StopAsked(STOP_FILE)
        if handle["state"] != "finished":
            kind, _, said = (handle["error"] or f"JobError: {tool}: the job was {handle['state']}").partition(
                ": "
            )
            if kind == BudgetExhausted.__name__:
                raise BudgetExhausted.said(said)
            raise JobFailed(handle["job_id"], kind, said, exit_code=handle["exit_code"] or JobError.exit_code)
        self._tell("done", handle)
        return handle

    async def curate(self, _state: LoopState) -> LoopState:
        await self._work("curate_corpus")
        return {}

    async def extract(self, _state: LoopState) -> LoopState:
        await self._work("extract_knowledge")
        return {}

    async def freeze(self, _state: LoopState) -> LoopState:
        await self._work("build_benchmark")
        return {}

    async def synthesise(self, _state: LoopState) -> LoopState:
        await self._work("synthesise_examples")
        return {"kind": "v1", "patch_id": ""}

    async def score_base(self, _state: LoopState) -> LoopState:
        await self._work("evaluate_model", model="base")
        return {}

    async def write_patch(self, state: LoopState) -> LoopState:
        handle = await self._work("write_patch", diagnosis_id=state["diagnosis_id"])
        return {"kind": "patch", "patch_id": handle["artifacts"]["patch"]}

    async def plan_replay(self, _state: LoopState) -> LoopState:
        return {"kind": "replay", "patch_id": ""}

    async def compose(self, state: LoopState) -> LoopState:
        self._tell("stage", {"tool": "compose_mixture", "arguments": {"kind": state["kind"]}})
        made = await self._client.call("compose_mixture", kind=state["kind"], patch_id=state["patch_id"])
        self._tell("composed", made)
        return {"mixture_id": made["mixture_id"]}

    async def train(self, state: LoopState) -> LoopState:
        handle = await self._work("train_adapter", mixture_id=state["mixture_id"])
        return {"adapter_id": handle["artifacts"]["adapter"]}

    async def evaluate(self, state: LoopState) -> LoopState:
        handle = await self._work("evaluate_model", model=state["adapter_id"])
        report = handle["artifacts"]["report"]
        return {"report_id": report, **({"incumbent_report": report} if state["kind"] == "v1" else {})}

    async def judge(self, state: LoopState) -> LoopState:
        if state["kind"] == "v1":
            return {}
        verdict = await self._client.call("judge_candidate", report_id=state["report_id"])
        self._tell("verdict", verdict)
        return {"incumbent_report": state["report_id"]} if verdict["accepted"] else {}

    async def diagnose(self, state: LoopState) -> LoopState:
        handle = await self._work("diagnose_failures", report_id=state["incumbent_report"])
        return {"diagnosis_id": handle["artifacts"]["diagnosis"]}

    async def decide(self, _state: LoopState) -> LoopState:
        await self._steered()
        view = await self._client.call("observe_session")
        observations = from_plain(Observations, view["observations"])
        if view["decision"] is None:
            recorded = await self._record(view["key"], observations)
        else:
            recorded = Ruling(
                from_plain(Decision, view["decision"])
            )  # made before a kill: nobody is asked again
        decision = recorded.decision
        self._tell("decision", {"observations": observations, "decision": decision, "ruling": recorded.said})
        changed: LoopState = {"choice": decision.kind.value}
        if decision.kind is DecisionKind.STOP:
            reason = decision.stop_reason or StopReason.ERROR
            changed |= {"stop_reason": reason.value, "stop_detail": decision.reason}
        return changed

    async def _record(self, key: str, observations: Observations) -> Ruling:
        """Decide, and have it written down; the decision that then stands in the log."""
        proposal = None if self._adviser is None else await self._proposed(self._adviser, key, observations)
        if self._adviser is None or proposal is None:
            ruling = Ruling(self._policy.decide(observations))
        else:
            ruling = self._adviser.rule(observations, proposal)
        plain = {"decision": to_plain(ruling.decision)}
        if proposal is not None:
            plain["proposal"] = to_plain(proposal)
        recorded = await self._client.call("record_decision", key=key, **plain)
        return Ruling(from_plain(Decision, recorded["decision"]), ruling.said)

    async def _proposed(self, adviser: Adviser, key: str, observations: Observations) -> Proposal:
        """The adviser's answer, waited for as long as nobody wants an end."""
        self._tell("asking", {"whom": adviser.name})
        asking = asyncio.create_task(adviser.propose(key, observations))
        try:
            while not (await asyncio.wait({asking}, timeout=_PAUSE_S))[0]:
                if self.draining:
                    raise Interrupted
                if adviser.stop_asked():
                    raise StopAsked(STOP_FILE)
        finally:
            asking.cancel()
            await asyncio.wait({asking})
        return asking.result()

    async def _steered(self) -> None:
        """Take what operators asked for, and wait while they want the session to wait."""
        view = await self._client.call("apply_steering")
        while view["paused"] and not view["stop"]:
            if self.draining:
                raise Interrupted
            self._tell("paused", view)
            await sleep(_PAUSE_S)
            view = await self._client.call("apply_steering")

    async def finish(self, state: LoopState) -> LoopState:
        await self._client.call("finish_session", reason=state["stop_reason"], detail=state["stop_detail"])
        return {}
