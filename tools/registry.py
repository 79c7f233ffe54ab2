"""The one registry of tools, in the order in which a client should see them."""

from __future__ import annotations

from tools import (
    build_benchmark,
    cancel_job,
    compose_mixture,
    curate_corpus,
    diagnose_failures,
    evaluate_model,
    export_graph,
    extract_knowledge,
    find_path,
    finish_session,
    get_status,
    graph_stats,
    judge_candidate,
    observe_session,
    record_decision,
    report_session,
    show_concept,
    synthesise_examples,
    train_adapter,
    verify_log,
    wait_for_job,
    write_patch,
)
from tools.base import Tool

TOOLS: tuple[Tool, ...] = (
    get_status.TOOL,
    report_session.TOOL,
    verify_log.TOOL,
    graph_stats.TOOL,
    show_concept.TOOL,
    find_path.TOOL,
    export_graph.TOOL,
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
    observe_session.TOOL,
    record_decision.TOOL,
    finish_session.TOOL,
    wait_for_job.TOOL,
    cancel_job.TOOL,
)
