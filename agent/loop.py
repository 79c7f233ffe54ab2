"""The loop's wiring: a LangGraph graph whose nodes call tools, checkpointed synchronously in SQLite.

    curate -> extract -> freeze -> synthesise -> score_base -> compose -> train -> evaluate -> judge -> diagnose -> decide
    decide -> write_patch -> compose | plan_replay -> compose | finish

A node that cannot go on raises Halted and stays the next one to run. A killed loop resumes from its last checkpoint.
"""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.nodes import Nodes
from agent.state import LoopState
from proda_core.errors import LedgerError

_LINE = (
    "curate",
    "extract",
    "freeze",
    "synthesise",
    "score_base",
    "compose",
    "train",
    "evaluate",
    "judge",
    "diagnose",
    "decide",
)
_AFTER_DECISION = {"patch": "write_patch", "replay": "plan_replay", "stop": "finish"}
Loop = CompiledStateGraph[LoopState, None, LoopState, LoopState]
_RECURSION_LIMIT = 2000  # far above any budget of rounds: the budget ends a session, never this


def build_loop(nodes: Nodes) -> StateGraph[LoopState, None, LoopState, LoopState]:
    """The uncompiled graph."""
    graph: StateGraph[LoopState, None, LoopState, LoopState] = StateGraph(LoopState)
    for name in (*_LINE, "write_patch", "plan_replay"):
        node: Any = nodes.guarded(getattr(nodes, name))
        graph.add_node(name, node)
    graph.add_node("finish", nodes.finish)
    graph.add_edge(START, _LINE[0])
    for here, there in pairwise(_LINE):
        graph.add_edge(here, there)
    graph.add_edge("write_patch", "compose")
    graph.add_edge("plan_replay", "compose")
    graph.add_conditional_edges("decide", _after_decision, [*_AFTER_DECISION.values()])
    graph.add_edge("finish", END)
    return graph


def _after_decision(state: LoopState) -> str:
    return _AFTER_DECISION[state["choice"]]


async def run_loop(nodes: Nodes, checkpoints: Path, *, thread: str, reopen: bool = False) -> LoopState:
    """Run or resume the loop to its end; the final state.

    Resuming passes no input: any input would start over. A finished thread returns its final state at once, unless ``reopen``
    (its budget was raised): then it goes on from a new decision. A thread is finished when no task is left; ``next`` would not
    do, for it leaves out a task whose writes are kept while the checkpoint after it is not yet, and there a kill may hit.
    """
    config: RunnableConfig = {"configurable": {"thread_id": thread}, "recursion_limit": _RECURSION_LIMIT}
    try:
        async with AsyncSqliteSaver.from_conn_string(str(checkpoints)) as saver:
            return await _run(build_loop(nodes).compile(checkpointer=saver), config, reopen=reopen)
    except sqlite3.Error as error:
        raise LedgerError(
            f"{checkpoints.name} cannot be used ({error}); free some disk, end what holds it, or restore it from a backup"
        ) from error


async def _run(loop: Loop, config: RunnableConfig, *, reopen: bool) -> LoopState:
    before = await loop.aget_state(config)
    start: LoopState | None = None if before.created_at else {"kind": "v1", "patch_id": ""}
    if before.created_at and not before.tasks:
        if not reopen:
            return cast(LoopState, before.values)
        await loop.aupdate_state(config, {"stop_reason": "", "stop_detail": ""}, as_node="diagnose")
    return cast(LoopState, await loop.ainvoke(start, config, durability="sync"))
