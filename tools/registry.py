"""The one registry of tools, in the order in which a client should see them."""

from __future__ import annotations

from collections.abc import Iterable

from proda_core.ids import digest
from tools import (
    apply_steering,
    build_benchmark,
    cancel_job,
    compose_mixture,
    curate_corpus,
    diagnose_failures,
    evaluate_model,
    explain_result,
    export_graph,
    extract_knowledge,
    find_path,
    finish_session,
    get_status,
    graph_stats,
    judge_candidate,
    map_failure,
    observe_session,
    record_decision,
    replay_session,
    report_session,
    show_budget,
    show_concept,
    show_decisions,
    show_failures,
    show_item,
    show_jobs,
    show_mastery,
    show_repairs,
    show_rounds,
    steer_session,
    synthesise_examples,
    trace_source,
    train_adapter,
    verify_log,
    wait_for_job,
    write_patch,
)
from tools.base import Tool

TOOLS: tuple[Tool, ...] = (
    get_status.TOOL,
    report_session.TOOL,
    show_rounds.TOOL,
    show_decisions.TOOL,
    show_jobs.TOOL,
    show_budget.TOOL,
    show_failures.TOOL,
    show_item.TOOL,
    show_mastery.TOOL,
    map_failure.TOOL,
    show_repairs.TOOL,
    trace_source.TOOL,
    explain_result.TOOL,
    verify_log.TOOL,
    replay_session.TOOL,
    graph_stats.TOOL,
    show_concept.TOOL,
    find_path.TOOL,
    export_graph.TOOL,
    steer_session.TOOL,
    curate_corpus.TOOL,
    extract_knowledge.TOOL,
    build_benchmark.TOOL,
    synthesise_examples.TOOL,
    compose_mixture.TOOL,
    train_adapter.TOOL,
    evaluate_model.TOOL,
    diagnose_failures.TOOL,
    write_patch.TOOL,
    judge_candidate.TOOL,
    apply_steering.TOOL,
    observe_session.TOOL,
    record_decision.TOOL,
    finish_session.TOOL,
    wait_for_job.TOOL,
    cancel_job.TOOL,
)


def tools_digest(tools: Iterable[Tool] = TOOLS) -> str:
    """SHA-256 over what clients are told of these tools: name, description, both schemas and scope, in this order."""
    return digest(
        [
            [
                tool.name,
                tool.description,
                tool.arguments.model_json_schema(),
                tool.result.model_json_schema(),
                tool.scope,
            ]
            for tool in tools
        ]
    )
